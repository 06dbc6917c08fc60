"""Several networks at once: their paintings of a photo, mixed pixel by pixel."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.paint.controls import Controls, ControlValues
from fststyle.paint.stylizer import Opening, Stylizer, as_rgb
from fststyle.pictures.picture import Picture

# Beside a network with such a weight, others do not show; and sums of larger ones overflow.
_LARGEST_WEIGHT = 1e6


def parse_blend(text: str) -> list[tuple[Path, float]]:
    """Read "a.onnx:0.7,b.onnx:0.3"; a network without a number counts 1.

    Raises:
        ValueError: It is not such a list, or a weight does not lie in 0..1,000,000, 0 excluded.
    """
    networks = []
    for entry in text.split(","):
        name, colon, number = entry.strip().rpartition(":")
        if not colon or number.endswith(".onnx") or name == "hf":  # "C:\a.onnx" and "hf:USER/NAME" have a colon, too
            name, number = entry.strip(), "1"
        name = name.rstrip()
        try:
            weight = float(number)
        except ValueError:
            weight = float("nan")
        if not name or not 0 < weight <= _LARGEST_WEIGHT:
            raise ValueError(
                f"a blend reads like a.onnx:0.7,b.onnx:0.3, with positive numbers up to 1,000,000, not {text!r}"
            )
        networks.append((Path(name), weight))
    return networks


class Blend:
    """Like a `Stylizer`, but paints the weighted mean of what several networks paint.

    Several threads may call one blend at the same time.

    Attributes:
        style: Their names, "wave+scream".
        device: Where the first of them runs.
        paths: The files that they were read from.
    """

    def __init__(self, stylizers: Sequence[Stylizer], weights: Sequence[float]) -> None:
        """Weights lie in 0..1,000,000, 0 excluded; only their ratios count."""
        fitting = all(0 < weight <= _LARGEST_WEIGHT for weight in weights)
        if not stylizers or len(stylizers) != len(weights) or not fitting:
            raise ValueError(
                f"a blend needs a positive weight for each network, at most 1,000,000, not {list(weights)}"
            )
        self.paths = tuple(path for stylizer in stylizers for path in stylizer.paths)
        self._stylizers = list(stylizers)
        self._weights = [weight / sum(weights) for weight in weights]
        self.style = "+".join(stylizer.style for stylizer in stylizers)
        self.device = stylizers[0].device

    @classmethod
    def load(cls, networks: str | Mapping[str | Path, float], device: str = "auto", **opening: Unpack[Opening]) -> Self:
        """Open several networks.

        Args:
            networks: The weight of each path or name, {"great_wave": 0.7, "udnie": 0.3}; or such a list as
                "great_wave:0.7,udnie:0.3".
            device: As for `Stylizer`.
            opening: The other arguments of `Stylizer`.

        Raises:
            ValueError: The list cannot be read, or a weight does not lie in 0..1,000,000, 0 excluded.
            ModelFileError: As `Stylizer` does.
        """
        pairs = parse_blend(networks) if isinstance(networks, str) else list(networks.items())
        stylizers = [Stylizer(path, device, **opening) for path, _ in pairs]
        return cls(stylizers, [weight for _, weight in pairs])

    def __call__(
        self,
        image: NDArray[np.uint8] | Picture | Image.Image,
        controls: Controls | None = None,
        **changed: Unpack[ControlValues],
    ) -> NDArray[np.uint8]:
        """Like `Stylizer`. The strength is a cross-fade, unless every network has a strength input."""
        controls = Controls.of(controls, changed)
        told = all(stylizer.takes_strength for stylizer in self._stylizers)
        paint = partial(self._paint, strength=controls.strength if told else 1.0)
        threads = self._stylizers[0].network.threads
        return controls.apply(as_rgb(image), paint, fade=not told, threads=threads)

    def _paint(self, rgb: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        mixed = np.zeros(rgb.shape, np.float32)
        for stylizer, weight in zip(self._stylizers, self._weights, strict=True):
            mixed += np.float32(weight) * stylizer(rgb, strength=strength, passes=1)
        mixed += 0.5
        return mixed.astype(np.uint8)
