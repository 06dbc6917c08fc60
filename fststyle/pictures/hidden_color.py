"""Colors under transparent pixels: replaced by what is visible nearby, or by white."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Weights = NDArray[np.float32]

# From this alpha on, a color counts as it is. Below, it hardly shows, and would drive the paint all the same.
_PLAIN = 16


def over_white(rgb: Pixels, alpha: Pixels) -> Pixels:
    """(H, W, 3) as it looks on white paper, for files without transparency; `alpha` is (H, W)."""
    opacity = alpha[:, :, None].astype(np.float32) / 255
    shown: Pixels = (rgb * opacity + 255 * (1 - opacity) + 0.5).astype(np.uint8)
    return shown


def fill_hidden(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Replace the colors where alpha is below 16; every other pixel keeps its own.

    A network sees what is hidden, and its instance norms average over all of it, so arbitrary hidden colors would
    change the paint of what is visible. This is push-pull filling (Gortler et al. 1996): means of visible pixels at
    ever smaller sizes, then enlarged again into the holes.

    Args:
        rgb: (H, W, 3).
        alpha: (H, W).
    """
    plain = min(_PLAIN, int(alpha.max()))
    hidden = alpha < plain
    if not hidden.any():
        return rgb
    filled = rgb.copy()
    smaller, weights = _halved(rgb, np.where(hidden, 0, alpha).astype(np.float32))
    _fill(smaller, weights)
    np.copyto(filled, _enlarged(smaller, *alpha.shape), where=hidden[:, :, None])
    return filled


def _fill(colors: Pixels, weights: Weights) -> None:
    """Fill the pixels of weight 0 in place; the recursion ends where there are none, at one pixel at the latest."""
    holes = weights == 0
    if not holes.any():
        return
    smaller, smaller_weights = _halved(colors, weights)
    _fill(smaller, smaller_weights)
    np.copyto(colors, _enlarged(smaller, *weights.shape), where=holes[:, :, None])


def _halved(colors: Pixels, weights: Weights) -> tuple[Pixels, Weights]:
    """Weighted means of 2×2 pixels. A mean weighs at most 255, and more than 0 if any of its pixels does."""
    height, width = weights.shape
    sums = np.zeros((-(-height // 2), -(-width // 2), 3), np.float32)
    total = np.zeros(sums.shape[:2], np.float32)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        some = weights[row::2, column::2]
        inside = slice(some.shape[0]), slice(some.shape[1])
        sums[inside] += colors[row::2, column::2] * some[:, :, None]
        total[inside] += some
    means = (sums / np.maximum(total, 1e-6)[:, :, None] + 0.5).astype(np.uint8)
    return means, np.minimum(total, np.float32(255))


def _enlarged(colors: Pixels, height: int, width: int) -> Pixels:
    return np.asarray(Image.fromarray(colors).resize((width, height), Image.Resampling.BILINEAR))
