"""A network whose instance norms are given statistics that follow those of a clip's frames slowly."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.statistics import MEASURED_MEAN, MEASURED_VARIANCE, Statistics
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.runtime.network import Network

Pixels = NDArray[np.uint8]


class HeldNetwork(Network):
    """A network whose instance norms are given statistics that follow those of the frames.

    Attributes:
        statistics: What is held, by height and width: a frame that is painted in passes has its own for each. Empty
            before the first frame.
    """

    holds = True

    def __init__(self, network: Network, form: StatisticsForm, follow: float) -> None:
        measuring = network.open(form.build(measured=form.every))
        super().__init__(network.model, measuring, network.device, network.layout, network.threads)
        self.statistics: dict[tuple[int, int], Statistics] = {}
        self._network = network
        self._follow = follow
        self._measuring = measuring
        self._given = network.open(form.build(given=True, measured=form.every if follow else ()))

    def open(self, data: bytes, *, pooled: bool = False) -> onnxruntime.InferenceSession:
        """As the network itself."""
        return self._network.open(data, pooled=pooled)

    def forget(self) -> None:
        """Measure the next frame afresh."""
        self.statistics.clear()

    def run(self, rgb: Pixels, strength: float = 1.0) -> Pixels:
        """Paint (H, W, 3) with what is held."""
        names = [self.model.output_name, MEASURED_MEAN, MEASURED_VARIANCE]
        height, width = rgb.shape[:2]
        held = self.statistics.get((height, width))
        if held is None:
            answer, mean, variance = self.ask(self._measuring, rgb, {}, names, strength)
            self.statistics[height, width] = Statistics(mean, variance)
        elif self._follow:
            answer, mean, variance = self.ask(self._given, rgb, held.feeds(), names, strength)
            self.statistics[height, width] = held.mixed(Statistics(mean, variance), self._follow)
        else:
            (answer,) = self.ask(self._given, rgb, held.feeds(), names[:1], strength)
        return self.to_rgb(answer, (height, width))

    def state(self) -> dict[str, NDArray[Any]]:
        """For `restore`."""
        return {
            f"{name}_{height}x{width}": values
            for (height, width), held in self.statistics.items()
            for name, values in held.feeds().items()
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on as if the frames before had been painted here."""
        self.statistics.clear()
        for name in state:
            kind, _, size = name.partition("_")
            if kind == "mean":
                height, _, width = size.partition("x")
                self.statistics[int(height), int(width)] = Statistics(state[name], state[f"variance_{size}"])


def hold(network: Network, follow: float) -> HeldNetwork | None:
    """None where there is nothing to hold: no instance norms, or every frame is left to itself."""
    if follow == 1:
        return None
    try:
        form = StatisticsForm.read(network.model.data)
    except ModelFileError:
        return None
    return HeldNetwork(network, form, follow) if form.norms else None
