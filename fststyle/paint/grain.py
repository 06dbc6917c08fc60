"""Noise on what a network sees: strokes need something to start from in flat areas.

The noise of a pixel depends on its place alone, by a hash that any language can compute: the page paints the same
picture (`fststyle/web/page/grain.js`).
"""

import numpy as np
from numpy.typing import NDArray

from fststyle.paint.by_bands import by_bands

Pixels = NDArray[np.uint8]

# The sum of four bytes is nearly normal, with this mean and this standard deviation.
_MEAN = 510
_DEVIATION = np.sqrt(4 * (256**2 - 1) / 12)


def grained(rgb: Pixels, levels: float) -> Pixels:
    """(H, W, 3) with gray noise of this standard deviation, in gray levels; at 0 the picture itself."""
    if not levels:
        return rgb

    def grained_rows(rows: slice) -> Pixels:
        band = rgb[rows]
        noise = np.float32(levels / _DEVIATION) * _noise(rows.start, *band.shape[:2])
        return np.clip(np.floor(band + noise[:, :, None] + np.float32(0.5)), 0, 255).astype(np.uint8)

    return by_bands(grained_rows, rgb)


def _noise(top: int, height: int, width: int) -> NDArray[np.float32]:
    """Of these rows: whole numbers around 0."""
    down = np.arange(top, top + height, dtype=np.uint32)[:, None] * np.uint32(0x85EBCA77)
    bits = down ^ (np.arange(width, dtype=np.uint32) * np.uint32(0x9E3779B1))
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits ^= bits >> np.uint32(shift)
        bits *= np.uint32(factor)
    bits ^= bits >> np.uint32(16)
    sums: NDArray[np.float32] = bits.view(np.uint8).reshape(height, width, 4).sum(axis=2, dtype=np.float32)
    sums -= _MEAN
    return sums
