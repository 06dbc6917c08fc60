"""Colors at full resolution -> at half of it, placed where H.264 and HEVC place them.

A stream that says nothing has its color samples at the even columns ("left") and halfway between two rows. Readers
interpolate them, ours and FFmpeg's with a bicubic kernel. Written are the samples whose interpolation is nearest to the
picture, by least squares: whatever was read from such a stream is written as it was, however often that is repeated.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

_REACH = 12  # pixels to each side; the weights beyond are below 0.001

Floats = NDArray[np.float32]


def halved(plane: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """(H, W) with even sides to (H / 2, W / 2); 256 becomes 1."""
    wide = cv2.filter2D(plane.astype(np.float32), -1, _weights(0.0)[None], borderType=cv2.BORDER_REPLICATE)
    narrow = np.ascontiguousarray(wide[:, ::2])
    # The middle of a column's weights lies between two rows.
    tall = cv2.filter2D(narrow, -1, _weights(0.5)[:, None], anchor=(0, _REACH - 1), borderType=cv2.BORDER_REPLICATE)
    return np.clip(tall[::2] / 256 + 0.5, 0, 255).astype(np.uint8)


@lru_cache
def _weights(offset: float) -> Floats:
    """Of the pixels around sample k, which lies at pixel 2 k + `offset`; their sum is 1."""
    samples = 8 * _REACH
    inverse = np.linalg.pinv(_interpolation(samples, offset))
    middle = samples // 2
    first = 2 * middle - _REACH + (1 if offset else 0)
    weights = inverse[middle, first : 2 * middle + _REACH + 1]
    return np.asarray(weights / weights.sum(), np.float32)


def _interpolation(samples: int, offset: float) -> NDArray[np.float64]:
    """(2 samples, samples): how pixels come from samples."""
    places = (np.arange(2 * samples) - offset) / 2
    distances = np.abs(places[:, None] - np.arange(samples)[None])
    return _bicubic(distances)


def _bicubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """FFmpeg's kernel: Mitchell and Netravali's with B = 0, C = 0.6."""
    near = 1.4 * distance**3 - 2.4 * distance**2 + 1
    far = -0.6 * distance**3 + 3 * distance**2 - 4.8 * distance + 2.4
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))
