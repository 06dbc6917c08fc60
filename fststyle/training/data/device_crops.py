"""Cutting crops from photos that lie on a device: byte for byte what `crops.cut` makes on the CPU.

Pillow resizes in integers: bicubic weights in fixed point along one side, then along the other, each time rounded to a
byte. The same is done here for a batch at once. Nothing waits for the device.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fststyle.training.data.crops import HIGHEST_BLACK, Draw
from fststyle.training.tensors import onto

# Pillow's fixed point: a byte, two bits of headroom for weights beyond 1, and the rest behind the point.
_FRACTION_BITS = 32 - 8 - 2
# Of its bicubic kernel: half its width, and its coefficient.
_SUPPORT, _CUBIC = 2.0, -0.5

# Pixels at a time between the two passes; what is kept of them are some 50 bytes each.
_AT_ONCE = 4_000_000


class Photos(NamedTuple):
    """Photos on a device.

    Attributes:
        pixels: Of all photos, row after row, (N, 3) uint8.
        first: Of each photo, the number of its first pixel.
        sides: Of each photo, height and width.
    """

    pixels: Tensor
    first: Sequence[int]
    sides: Sequence[tuple[int, int]]


def cut_on_device(photos: Photos, drawn: Sequence[tuple[int, Draw]]) -> Tensor:
    """What was drawn, of photos by number: (B, 3, crop, crop) uint8 on their device.

    Raises:
        ValueError: The crops of a batch differ in size.
    """
    crops = {draw.crop for _, draw in drawn}
    if len(crops) != 1:
        raise ValueError(f"the crops of a batch must have one side, not {sorted(crops)}")
    (crop,) = crops
    squares = photos.pixels.new_empty((len(drawn), crop, crop, 3))
    for columns_first in (False, True):
        places = [
            place
            for place, (index, _) in enumerate(drawn)
            if _columns_first(*photos.sides[index], crop) == columns_first
        ]
        lines = max(
            (_lines(photos.sides[index], draw) for index, draw in (drawn[place] for place in places)), default=1
        )
        group = max(1, _AT_ONCE // (lines * crop))
        for begin in range(0, len(places), group):
            here = places[begin : begin + group]
            made = _resized(photos, [drawn[place] for place in here], crop, lines, columns_first=columns_first)
            squares[onto(torch.tensor(here), squares.device)] = made
    flips = onto(torch.tensor([draw.flip for _, draw in drawn]), photos.pixels.device)
    squares = torch.where(flips[:, None, None, None], squares.flip(2), squares)
    for place, (_, draw) in enumerate(drawn):
        if draw.black is not None:
            squares[place] = _darkened(squares[place], draw.black)
    return squares.permute(0, 3, 1, 2).contiguous()


def _resized(
    photos: Photos, drawn: Sequence[tuple[int, Draw]], crop: int, lines: int, *, columns_first: bool
) -> Tensor:
    """(B, crop, crop, 3) uint8, of at most so many `lines` across the side that is resized first."""
    device = photos.pixels.device
    boxes = np.array([draw.box for _, draw in drawn], np.float32).astype(np.float64)  # Pillow takes floats
    numbers = np.array([(photos.first[index], *photos.sides[index]) for index, _ in drawn], np.float64)
    table = onto(torch.from_numpy(np.concatenate([boxes, numbers], axis=1)), device)
    left, top, right, bottom, origin, height, width = table.unbind(1)
    taps = 2 * math.ceil(_SUPPORT * max(1.0, float((boxes[:, 2:] - boxes[:, :2]).max()) / crop)) + 1
    along, down = _weights(left, right, width, crop, taps), _weights(top, bottom, height, crop, taps)
    (begin, weights), (after, weights_after) = (down, along) if columns_first else (along, down)
    ahead, aside = torch.ones_like(width).long(), width.long()  # a pixel to the right and one down
    if columns_first:
        ahead, aside = aside, ahead

    nearest = after[:, :1]
    across = torch.minimum(
        nearest + torch.arange(lines, device=device), (width if columns_first else height).long()[:, None] - 1
    )
    places = (origin.long()[:, None] + across * aside[:, None])[:, :, None] + (begin * ahead[:, None])[:, None, :]
    last = len(photos.pixels) - 1
    sums = _start(len(drawn), lines, crop, device)
    for tap in range(taps):
        pixels = photos.pixels[(places + tap * ahead[:, None, None]).clamp_max(last)]
        sums += pixels * weights[:, None, :, tap, None]
    narrow = _rounded(sums)

    batch = torch.arange(len(drawn), device=device)[:, None]
    sums = _start(len(drawn), crop, crop, device)
    for tap in range(taps):
        sums += narrow[batch, (after - nearest + tap).clamp_max(lines - 1)] * weights_after[:, :, tap, None, None]
    return _rounded(sums).transpose(1, 2) if columns_first else _rounded(sums)


def _columns_first(height: int, width: int, crop: int) -> bool:
    """Whether Pillow resizes the columns of a photo before its rows."""
    if _tall_by_columns():
        return height > crop and height - crop > 2 * (width - crop)
    return height > crop and height > 100 * width


@cache
def _tall_by_columns() -> bool:
    """Whether this Pillow begins with the columns of everything tall, as from version 13 on, or of slivers alone."""
    tall = np.random.default_rng(0).integers(0, 256, (40, 12, 3), np.uint8)
    photo = Photos(torch.from_numpy(tall.reshape(-1, 3)), [0], [(40, 12)])
    drawn = [(0, Draw(0.0, 0.0, 12.0, 8, flip=False))]
    made = _resized(photo, drawn, 8, 12, columns_first=True)[0].numpy()
    pillow = np.asarray(Image.fromarray(tall).resize((8, 8), Image.Resampling.BICUBIC, box=drawn[0][1].box))
    return bool((made == pillow).all())


def _weights(low: Tensor, high: Tensor, length: Tensor, crop: int, taps: int) -> tuple[Tensor, Tensor]:
    """Where Pillow begins to read along one side, (B, crop) int64, and its weights there, (B, crop, taps) int32.

    Operations and their order are those of its C code, so that not one weight is rounded the other way.
    """
    scale = ((high.float() - low.float()).double() / crop)[:, None]
    wide = scale.clamp_min(1.0)
    support = _SUPPORT * wide
    center = low[:, None] + (torch.arange(crop, device=low.device, dtype=torch.float64) + 0.5) * scale
    begin = (center - support + 0.5).long().clamp_min(0)
    end = torch.minimum((center + support + 0.5).long(), length.long()[:, None])
    place = begin[..., None] + torch.arange(taps, device=low.device)
    distance = ((place - center[..., None] + 0.5) * (1.0 / wide)[..., None]).abs()
    weights = torch.where(place < end[..., None], _bicubic(distance), 0.0)
    total = weights[..., 0].clone()
    for tap in range(1, taps):  # one after the other, as there
        total += weights[..., tap]
    weights = weights / total[..., None] * 2.0**_FRACTION_BITS
    return begin, torch.where(weights < 0, weights - 0.5, weights + 0.5).int()


def _bicubic(x: Tensor) -> Tensor:
    """Keys' kernel (1981) at distances of 0 or more."""
    near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _CUBIC
    return torch.where(x < 1, near, torch.where(x < _SUPPORT, far, 0.0))


def _start(batch: int, height: int, width: int, device: torch.device) -> Tensor:
    return torch.full((batch, height, width, 3), 1 << (_FRACTION_BITS - 1), dtype=torch.int32, device=device)


def _rounded(sums: Tensor) -> Tensor:
    return (sums >> _FRACTION_BITS).clamp_(0, 255).byte()


def _lines(sides: tuple[int, int], draw: Draw) -> int:
    """How many rows or columns of a photo a crop is made of, or a few more."""
    return min(max(sides), math.ceil(draw.side + 2 * _SUPPORT * max(1.0, draw.side / draw.crop)) + 2)


def _darkened(rgb: Tensor, share: float) -> Tensor:
    """As `crops.darkened`, for one picture (H, W, 3)."""
    sums = rgb.sum(2, dtype=torch.int32).flatten().sort().values.double() / 3
    place = (len(sums) - 1) * share
    before = math.floor(place)
    below, part = sums[before], place - before
    step = sums[min(before + 1, len(sums) - 1)] - below
    # As numpy has it: from the nearer end.
    quantile = below + step * part if part < 0.5 else below + step - step * (1 - part)
    white = rgb.max().double()
    black = torch.minimum(quantile, HIGHEST_BLACK * white)
    levels = ((torch.arange(256, device=rgb.device) - black) / (white - black).clamp_min(1)).clamp(0, 1)
    return (255 * levels).round().byte()[rgb.long()]
