"""Settings of a painting besides its style: strength, brush size, passes, colors, mask, grain."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from numbers import Real
from typing import TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

from fststyle.model.card import MOST_GRAIN
from fststyle.paint.by_bands import by_bands
from fststyle.paint.grain import grained
from fststyle.paint.mix import Mix, parse_mix, words_of
from fststyle.paint.passes import Passes, paint_in_passes, sizes_of_passes
from fststyle.pictures.files import resize, with_content_color
from fststyle.system.ranges import in_range, is_whole, shown

Pixels = NDArray[np.uint8]


class ControlValues(TypedDict, total=False):
    """The fields of `Controls`, for calls that take them as keyword arguments."""

    strength: float
    keep_color: bool
    scale: float
    mask: Pixels | None
    grain: float | None
    passes: Passes
    mix: Mix | None


@dataclass(frozen=True)
class Controls:
    """How a picture, or every frame of a clip, is painted.

    Attributes:
        strength: 0 is the photo, 1 the full style. A network that was trained with a strength input paints weaker
            strokes; any other is cross-faded with the photo.
        keep_color: Take the brightness from the painting and the colors from the photo.
        scale: Brush size factor. At 2 the network paints at half the size, so strokes are twice as broad; a later pass
            adds finer ones. At 0.5 they are half as broad, and painting a small picture takes four times as long.
        mask: (height, width) of any size, 255 where the painting shows and 0 where the photo does; None is 255.
        grain: Standard deviation, in gray levels, of noise on what the network sees. It gives strokes something to
            start from in flat areas. The noise is the same every time. None is what the network's card asks for, and
            0 for frames of a video, with which it would not move.
        passes: How often the network paints, coarse to fine (`passes.py`). "auto" paints in several passes if the
            brush, by size of the picture and scale, is so broad that one pass would be too fine or blurred. 1 paints
            once, however large the picture is.
        mix: Of a network of several styles, which, and how much of each: "udnie", {"udnie": 0.7, "wave": 0.3}, the same
            as "udnie:0.7,wave:0.3", or a number for each in the file's order. Only ratios count. None is the first.

    Raises:
        ValueError: A value is out of its range.
    """

    strength: float = 1.0
    keep_color: bool = False
    scale: float = 1.0
    mask: Pixels | None = None
    grain: float | None = None
    passes: Passes = "auto"
    mix: Mix | None = None

    def __post_init__(self) -> None:
        if not in_range(self.strength, 0, 1):
            raise ValueError(f"strength must lie in 0..1, not {shown(self.strength)}")
        if not isinstance(self.keep_color, np.bool_) and not is_whole(self.keep_color, 0, 1):
            raise ValueError(f"keep_color must be True or False, not {shown(self.keep_color)}")
        if not in_range(self.scale, 0.1, 10):
            raise ValueError(f"scale must lie in 0.1..10, not {shown(self.scale)}")
        if self.grain is not None and not in_range(self.grain, 0, MOST_GRAIN):
            raise ValueError(f"grain must lie in 0..{MOST_GRAIN}, not {shown(self.grain)}")
        if not isinstance(self.passes, str | Real) or self.passes not in get_args(Passes):
            known = ", ".join(map(str, get_args(Passes)))
            raise ValueError(f"passes must be one of {known}, not {shown(self.passes)}")
        if self.mix is not None:
            parse_mix(self.mix)
        if self.mask is not None and not isinstance(self.mask, np.ndarray):
            kind = type(self.mask).__name__
            raise ValueError(
                f"the mask must be an array, not {kind}; of a Pillow image: np.asarray(image.convert('L'))"
            )
        if self.mask is not None and (self.mask.dtype != np.uint8 or self.mask.ndim != 2 or not self.mask.size):
            raise ValueError(
                f"the mask must be uint8 of shape (height, width), not {self.mask.dtype} of {self.mask.shape}"
            )

    # Two arrays have no one answer to whether they are equal.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Controls) and self.facts() == other.facts()

    def __hash__(self) -> int:
        return hash(tuple(self.facts().values()))

    @classmethod
    def of(cls, controls: "Controls | None", changed: ControlValues) -> "Controls":
        """The given controls, or the defaults, with some fields changed.

        Raises:
            ValueError: A value is out of its range.
            TypeError: These are no controls, or have no such field.
        """
        if not isinstance(controls, Controls | None):
            raise TypeError(
                f"controls must be a Controls(...), not {shown(controls)}; give single ones by name, strength=0.5"
            )
        return replace(cls() if controls is None else controls, **changed)

    def facts(self) -> dict[str, float | bool | str | None]:
        """The fields by name, as JSON has them; of the mask its SHA-256, and the mix only if there is one."""
        digest = None if self.mask is None else hashlib.sha256(repr(self.mask.shape).encode() + self.mask.tobytes())
        values = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "mix"}
        mix = {} if self.mix is None else {"mix": words_of(self.mix)}
        return values | {"mask": None if digest is None else digest.hexdigest()} | mix

    def apply(
        self, rgb: Pixels, paint: Callable[[Pixels], Pixels], *, fade: bool = True, threads: int | None = None
    ) -> Pixels:
        """Paint (H, W, 3) with `paint`, which keeps the size it is given.

        Args:
            rgb: The picture.
            paint: What paints.
            fade: Whether the strength is left to a cross-fade; else `paint` has it in itself.
            threads: For what is done between passes; None is a thread a core.
        """
        if self.strength == 0:
            return rgb.copy()
        height, width = rgb.shape[:2]
        sizes = sizes_of_passes(height, width, self.passes, self.scale)
        painted = paint_in_passes(rgb, paint, sizes, partial(grained, levels=self.grain or 0.0), threads)
        return self.lay_over(rgb, painted, fade=fade)

    def lay_over(self, rgb: Pixels, stylized: Pixels, *, fade: bool = True) -> Pixels:
        """Lay the painting over its photo, by color, strength and mask; both are (H, W, 3)."""
        height, width = rgb.shape[:2]
        if self.keep_color:
            stylized = by_bands(lambda rows: with_content_color(stylized[rows], rgb[rows]), rgb)
        if self.strength < 1 and fade:
            stylized = by_bands(lambda rows: _mixed(stylized[rows], rgb[rows], self.strength), rgb)
        if self.mask is not None:
            shown = resize(self.mask, height, width)[:, :, None]
            stylized = by_bands(
                lambda rows: _mixed(stylized[rows], rgb[rows], shown[rows].astype(np.float32) / np.float32(255)), rgb
            )
        return stylized


def _mixed(stylized: Pixels, rgb: Pixels, share: float | NDArray[np.float32]) -> Pixels:
    mixed = share * stylized.astype(np.float32) + (1 - share) * rgb
    rounded: Pixels = (mixed + 0.5).astype(np.uint8)
    return rounded
