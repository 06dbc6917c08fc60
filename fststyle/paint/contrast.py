"""The contrast that mixing two paintings of one texture takes from it, given back octave by octave."""

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Shorts = NDArray[np.int16]
Floats = NDArray[np.float32]

# Sides of less than this have no further octave, and hold no motion that could be found: OpenCV refuses them.
LEAST_SIDE = 12

# Octaves whose contrast is restored; a fourth brings little.
_OCTAVES = 3

# Contrast is that of so many pixels of an octave around. Wider windows flicker less at the same share, and cost more
# style than they save.
_AROUND = (3, 3)
_MOST_GAIN = 2.0

# Fixed point: gains are stored as multiples of 1 / 256, which takes half of the time of floating point.
_ONE = 256


def missing_contrast(mixed: Pixels, model: Pixels, octaves: int = _OCTAVES) -> Shorts:
    """What to add to the brightness of a mixture, (H, W), for the model's contrast, (H, W) too, in each octave.

    A Laplacian pyramid (Burt and Adelson 1983). No less contrast is asked for anywhere than the mixture has.
    """
    height, width = mixed.shape
    smaller, smaller_model = cv2.pyrDown(mixed), cv2.pyrDown(model)
    detail = cv2.subtract(mixed, cv2.pyrUp(smaller, dstsize=(width, height)), dtype=cv2.CV_16S)
    wanted = cv2.absdiff(model, cv2.pyrUp(smaller_model, dstsize=(width, height))).astype(np.int16)
    gain = cv2.resize(_gain(_contrast(wanted), _contrast(detail)), (width, height), interpolation=cv2.INTER_LINEAR)
    missing = cv2.multiply(detail, gain, scale=1 / _ONE)
    if octaves > 1 and min(smaller.shape) >= LEAST_SIDE:
        below = missing_contrast(cast(Pixels, smaller), cast(Pixels, smaller_model), octaves - 1)
        missing = cv2.add(missing, cv2.pyrUp(below, dstsize=(width, height)))
    return cast(Shorts, missing)


def _contrast(detail: Any) -> Floats:
    """The variance around, at half the sides."""
    height, width = detail.shape
    squares = cv2.multiply(detail, detail)
    halved = cv2.resize(squares, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    return cast(Floats, cv2.blur(halved.astype(np.float32), _AROUND))


def _gain(wanted: Floats, there: Floats) -> Shorts:
    """By how much more than once detail is to be taken; both arrays are used up."""
    # One level more on both sides, so that nothing is made of what is flat.
    wanted += 1
    there += 1
    gain = np.sqrt(np.divide(wanted, there, out=wanted), out=wanted)
    return cast(Shorts, (np.clip(gain - 1, 0, _MOST_GAIN - 1) * _ONE).astype(np.int16))
