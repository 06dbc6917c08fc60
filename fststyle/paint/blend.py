"""Several networks at once.

Networks of one body are mixed by their numbers: one network paints one style between theirs, in the time of one. What
others paint is mixed pixel by pixel.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.model.file import read_model
from fststyle.paint.controls import Controls, ControlValues
from fststyle.paint.mix import Mix
from fststyle.paint.stylizer import Opening, Stylizer, as_rgb
from fststyle.pictures.picture import Picture
from fststyle.runtime.mixture import mixture
from fststyle.system.entries import entries
from fststyle.system.ranges import in_range, shown

# Beside a network with such a weight, others do not show; and sums of larger ones overflow.
_LARGEST_WEIGHT = 1e6


def parse_blend(text: str) -> list[tuple[Path, float]]:
    """Read "a.onnx:0.7,b.onnx:0.3"; a network without a number counts 1. For quotes around names see `entries.py`.

    Raises:
        ValueError: It is not such a list, or a weight does not lie in 0..1,000,000, 0 excluded.
    """
    networks = []
    for name, number, whole in entries(text):
        # "C:\a.onnx" and "hf:USER/NAME" have a colon, too.
        if number is None or (whole is not None and (number.endswith(".onnx") or name == "hf")):
            name, number = whole or name, "1"
        try:
            weight = float(number)
        except ValueError:
            weight = float("nan")
        if not name or not 0 < weight <= _LARGEST_WEIGHT:
            raise ValueError(
                f"a blend reads like a.onnx:0.7,b.onnx:0.3, with positive numbers up to 1,000,000, not {text}; a name "
                'with commas or colons stands in quotes: "a:1,b.onnx":0.7'
            )
        networks.append((Path(name), weight))
    return networks


def summed_blend(text: str) -> dict[str | Path, float]:
    """As `parse_blend`, with the sum of the weights of a network that is named several times."""
    weights: dict[str | Path, float] = {}
    for path, weight in parse_blend(text):
        weights[path] = weights.get(path, 0.0) + weight
    return weights


class Blend:
    """Like a `Stylizer`, but paints with several networks.

    Networks that share a body, as `fststyle info` tells, become one, whose style lies between theirs. Of others, it is
    the weighted mean of what they paint.

    Several threads may call one blend at the same time.

    Attributes:
        style: Their names, "wave+scream".
        called: The same for the names of paintings, of what each is called.
        device: Where the first of them runs.
        paths: The files that they were read from.
        made_of: Their files, with weights whose sum is 1.
        parts: What paints, with weights whose sum is 1: one network, or several whose paintings are mixed.
    """

    def __init__(self, stylizers: Sequence[Stylizer], weights: Sequence[float]) -> None:
        """Weights lie in 0..1,000,000, 0 excluded; only their ratios count.

        Raises:
            ValueError: A weight does not, or there are more or fewer than networks.
            TypeError: The networks are not open.
        """
        if not isinstance(stylizers, Iterable) or not all(isinstance(each, Stylizer) for each in stylizers):
            raise TypeError(
                f"a blend is made of networks that are open, Stylizer(...), not {shown(stylizers)}; of names: "
                'Blend.load({"great_wave": 0.7, "udnie": 0.3})'
            )
        shares = _shares(weights, len(stylizers))
        self.paths = tuple(path for stylizer in stylizers for path in stylizer.paths)
        self.style = "+".join(stylizer.style for stylizer in stylizers)
        self.called = "+".join(stylizer.called for stylizer in stylizers)
        self.made_of = [(each.network.model, share) for each, share in zip(stylizers, shares, strict=True)]
        self.device = stylizers[0].device
        self.parts = list(zip(stylizers, shares, strict=True))
        if len(stylizers) > 1:
            model = mixture([stylizer.network.model for stylizer in stylizers], shares)
            if model is not None:
                self.parts = [(stylizers[0].opened(model), 1.0)]

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
            TypeError: They are named in another way.
        """
        if not isinstance(networks, str | Mapping):
            raise TypeError(
                f'a blend needs the weight of each network, {{"great_wave": 0.7, "udnie": 0.3}}, not {shown(networks)}'
            )
        pairs = parse_blend(networks) if isinstance(networks, str) else list(networks.items())
        shares = _shares([weight for _, weight in pairs], len(pairs))
        files = [read_model(path) for path, _ in pairs]
        model = mixture(files, shares) if len(files) > 1 else None
        if model is None:
            return cls([Stylizer(file, device, **opening) for file in files], shares)
        blend = cls([Stylizer(model, device, **opening)], [1.0])
        blend.paths = tuple(file.path for file in files if file.path is not None)
        blend.called = "+".join(file.called for file in files)
        blend.made_of = list(zip(files, shares, strict=True))
        return blend

    def __call__(
        self,
        image: NDArray[np.uint8] | Picture | Image.Image,
        controls: Controls | None = None,
        **changed: Unpack[ControlValues],
    ) -> NDArray[np.uint8]:
        """Like `Stylizer`. Where paintings are mixed, a strength is a cross-fade, unless every network has an input."""
        controls = Controls.of(controls, changed)
        self.mixed(controls.mix)
        first, _ = self.parts[0]
        if len(self.parts) == 1:
            return first(image, controls)
        if controls.grain is None:
            controls = replace(controls, grain=sum(weight * stylizer.grain for stylizer, weight in self.parts))
        told = self.takes_strength
        paint = partial(self._paint, strength=controls.strength if told else 1.0)
        threads = first.network.threads
        return controls.apply(as_rgb(image), paint, fade=not told, threads=threads)

    def mixed(self, mix: Mix | None) -> Self:
        """As of a `Stylizer`: there is nothing to mix.

        Raises:
            ValueError: Always, but for None.
        """
        if mix is not None:
            raise ValueError("a blend names its networks and weights already; leave the mix out")
        return self

    @property
    def takes_strength(self) -> bool:
        """Whether every network was trained with a strength input."""
        return all(stylizer.takes_strength for stylizer, _ in self.parts)

    def _paint(self, rgb: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        mixed = np.zeros(rgb.shape, np.float32)
        for stylizer, weight in self.parts:
            mixed += np.float32(weight) * stylizer(rgb, strength=strength, passes=1, grain=0.0)
        mixed += 0.5
        return mixed.astype(np.uint8)


def _shares(weights: Sequence[float], count: int) -> list[float]:
    """The weights of so many networks with the same ratios and a sum of 1.

    Raises:
        ValueError: There are fewer or more, or one does not lie in 0..1,000,000, 0 excluded.
    """
    given = [*weights] if isinstance(weights, Iterable) else []
    if not count or len(given) != count or not all(in_range(each, 0, _LARGEST_WEIGHT) and each for each in given):
        raise ValueError(f"a blend needs a positive weight for each network, at most 1,000,000, not {shown(weights)}")
    return [weight / sum(weights) for weight in weights]
