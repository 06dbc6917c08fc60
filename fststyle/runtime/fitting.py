"""The sizes that a network takes, and a picture of any size made one of them."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.pictures.files import resize
from fststyle.runtime.network import Network
from fststyle.system.warn import warn

Pixels = NDArray[np.uint8]

# A network with five strides of 2 wants multiples of 32; some are exported for 64. Windows and patches of other sizes,
# which are rarer, come after.
MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 3, 5, 6, 7, 10, 12, 14, 20, 24, 28, 40, 48, 56, 80, 96, 112, 128)

# A network is tried at sides of about this many pixels: enough for a mirrored border of dozens of pixels.
_TRIED = 160

# What is assumed of a network that fails at whatever is tried.
_USUAL_MULTIPLE = 8


class Fitting:
    """Which sizes a network takes.

    Ours say in their card how small a picture may be. A network of somebody else is tried on noise, once, when the
    first picture comes.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._told = False

    @cached_property
    def least_multiple(self) -> int | None:
        """The first of `MULTIPLES` that the network's free sides must be multiples of; None if it fails at all."""
        if self._network.model.card is not None or all(self._network.model.input_shape[2:]):
            return 1
        found = (multiple for multiple in MULTIPLES if self._network.keeps_size(*self._sides(multiple)))
        return next(found, None)

    @property
    def multiple(self) -> int:
        """Free sides are made multiples of this many pixels."""
        return self.least_multiple or _USUAL_MULTIPLE

    def __call__(self, rgb: Pixels, paint: Callable[[Pixels], Pixels]) -> Pixels:
        """Paint (H, W, 3) with `paint`, which is given a size that the network takes.

        Where the network has one fixed side, the picture is resized so that it fits, and keeps its aspect ratio; where
        both are fixed, it is stretched. A free side is continued by reflection and cut back.
        """
        height, width = rgb.shape[:2]
        fixed_height, fixed_width = self._network.model.input_shape[2:]
        if fixed_height and fixed_width:
            return resize(paint(resize(rgb, fixed_height, fixed_width)), height, width)
        if fixed_height or fixed_width:
            scale = fixed_height / height if fixed_height else (fixed_width or width) / width
            near = (max(1, round(side * scale)) for side in (height, width))
            fitted = resize(
                rgb, *(fixed or side for fixed, side in zip((fixed_height, fixed_width), near, strict=True))
            )
            return resize(self._continued(fitted, paint), height, width)
        return self._continued(rgb, paint)

    def _continued(self, rgb: Pixels, paint: Callable[[Pixels], Pixels]) -> Pixels:
        card = self._network.model.card
        if card is not None:
            return _padded(rgb, paint, *(max(side, card.min_side) for side in rgb.shape[:2]))
        sides = tuple(-(-side // self.multiple) * self.multiple for side in rgb.shape[:2])
        if self.multiple > _USUAL_MULTIPLE and sides != rgb.shape[:2] and not self._told:
            self._told = True
            height, width = rgb.shape[:2]
            warn(
                f"{self._network.model.name} takes only sides that are multiples of {self.multiple}: {width}×{height} "
                f"is continued to {sides[1]}×{sides[0]} by reflection, and cut back"
            )
        try:
            return _padded(rgb, paint, *sides)
        except ModelFileError as error:
            if self.least_multiple is None:
                tried = f"(sides that are multiples of {MULTIPLES[0]} to {MULTIPLES[-1]} pixels were tried)"
                raise ModelFileError(f"{error} {tried}") from error
            # Too small perhaps, for a border that is mirrored inside for example.
            known = self._sides(self.multiple)
            larger = tuple(max(pair) for pair in zip(sides, known, strict=True))
            if larger == sides or not self._network.keeps_size(*larger):
                raise
            return _padded(rgb, paint, *larger)

    def _sides(self, multiple: int) -> tuple[int, int]:
        """Height and width of about `_TRIED` pixels that are odd multiples of `multiple`, one of them 1 above a fourth.

        So that whatever needs a larger multiple fails.
        """
        odd = max(_TRIED // multiple | 1, 3)
        _, _, height, width = self._network.model.input_shape
        return height or odd * multiple, width or (odd + 2) * multiple


def _padded(rgb: Pixels, paint: Callable[[Pixels], Pixels], tall: int, wide: int) -> Pixels:
    height, width = rgb.shape[:2]
    if (tall, wide) == (height, width):
        return paint(rgb)
    top, left = (tall - height) // 2, (wide - width) // 2
    around = ((top, tall - height - top), (left, wide - width - left), (0, 0))
    return paint(np.pad(rgb, around, mode="reflect"))[top : top + height, left : left + width]
