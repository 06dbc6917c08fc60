"""What a network computes on: the order of its channels, and its numbers for black and for white."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Layout = Literal["rgb1", "rgb255", "rgb-1to1", "bgr1", "bgr255", "bgr-1to1"]
LAYOUTS: tuple[str, ...] = get_args(Layout)

_RANGES = {"1": (0.0, 1.0), "255": (0.0, 255.0), "-1to1": (-1.0, 1.0)}

# Rows of an answer that become bytes at a time.
_ROWS = 32

# A network for 0..1 may stray a little below 0 and above 1, but not as much as this, nor in so large a share of values.
_HIGHEST_OF_UNIT, _LOWEST_OF_UNIT, _NEGATIVE_SHARE = 4.0, -0.1, 0.05
_HIGHEST_BLACK = 2.0


@dataclass(frozen=True)
class Values:
    """A layout in numbers.

    Attributes:
        black: Of a pixel, in every channel.
        white: Likewise.
        bgr: Whether blue comes first.
    """

    black: float = 0.0
    white: float = 1.0
    bgr: bool = False


def values_of(layout: str) -> Values:
    """The numbers of a layout.

    Raises:
        ValueError: There is no such layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    black, white = _RANGES[layout[3:]]
    return Values(black, white, layout.startswith("bgr"))


def to_tensor(rgb: NDArray[np.uint8], values: Values, dtype: str, *, channels_last: bool) -> NDArray[Any]:
    """A picture, (H, W, 3), as (1, 3, H, W) or, with `channels_last`, (1, H, W, 3); bytes stay bytes."""
    channels = rgb[:, :, ::-1] if values.bgr else rgb
    if not channels_last:
        channels = channels.transpose(2, 0, 1)
    if dtype == "uint8":
        return np.ascontiguousarray(channels[None])
    content = np.ascontiguousarray(channels[None], np.float32)
    content *= (values.white - values.black) / 255
    if values.black:
        content += np.float32(values.black)
    return content.astype(dtype, copy=False)


def to_rgb(answer: NDArray[Any], values: Values, *, channels_last: bool) -> NDArray[np.uint8]:
    """The inverse of `to_tensor`, rounded and clipped.

    A few rows at a time: in the cache, and channel by channel, this takes half as long as on the whole picture.
    """
    planes = answer[0].transpose(2, 0, 1) if channels_last else answer[0]
    if values.bgr:
        planes = planes[::-1]
    if answer.dtype == np.uint8:
        return np.ascontiguousarray(planes.transpose(1, 2, 0))
    scale = 255 / (values.white - values.black)
    rgb = np.empty((*planes.shape[1:], 3), np.uint8)
    for top in range(0, len(rgb), _ROWS):
        rows = planes[:, top : top + _ROWS].astype(np.float32)
        if values.black:
            rows -= np.float32(values.black)
        rows *= scale
        rows += 0.5
        for channel, numbers in enumerate(np.clip(rows, 0, 255, out=rows).astype(np.uint8)):
            rgb[top : top + _ROWS, :, channel] = numbers
    return rgb


def suspicion(answer: NDArray[Any], layout: str, ends_in: str | None) -> str | None:
    """Why a network seems to compute on another range than the layout's, and which layouts to try; None if it does not.

    Args:
        answer: What it gave, floating-point.
        layout: What it was taken for.
        ends_in: The range that its last operator keeps to, as `model_checks.last_range` finds it.
    """
    lowest, highest = float(answer.min()), float(answer.max())
    expected = layout[3:]
    if ends_in is not None and ends_in != expected:
        black, white = _RANGES[ends_in]
        return f"gives values in {black:.0f}..{white:.0f}; try layout {_either(ends_in)}"
    if expected != "255" and highest > _HIGHEST_OF_UNIT:
        return f"gives values up to {highest:.0f}, not 1; try layout {_either('255')}"
    negative = lowest < _LOWEST_OF_UNIT and float((answer < _LOWEST_OF_UNIT).mean()) > _NEGATIVE_SHARE
    if expected == "1" and negative:
        return f"gives values from {lowest:.2f} to {highest:.2f}, not 0 to 1; try layout {_either('-1to1')}"
    if expected == "255" and _HIGHEST_BLACK / 255 < highest <= _HIGHEST_BLACK:
        instead = "-1to1" if negative else "1"
        return f"gives values up to {highest:.2f}, not 255; try layout {_either(instead)}"
    return None


def _either(ending: str) -> str:
    return f"'rgb{ending}' or 'bgr{ending}'"
