"""Colors at full resolution -> at half of it, placed where H.264 and HEVC place them.

A stream that says nothing has its color samples at the even columns ("left") and halfway between two rows. Readers
interpolate them, ours and FFmpeg's with a bicubic kernel. Written are the samples whose interpolation is nearest to the
picture, by least squares: whatever was read from such a stream is written as it was, however often that is repeated.
"""

from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

_REACH = 12  # pixels to each side; the weights beyond are below 0.001
_BORDER = 2 * _REACH

# Rows of a plane that are worked on at one time, and stay in the processor's cache.
ROWS = 32

Floats = NDArray[np.float32]


def halved(plane: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """(H, W) with even sides to (H / 2, W / 2); 256 becomes 1."""
    half = Half(*plane.shape)
    for top in range(0, len(plane), ROWS):
        half.put(top, plane[top : top + ROWS])
    return half.finished()


class Half:
    """A plane with even sides that comes in bands of rows.

    Even and odd columns, then rows, are filtered each for themselves: of what a filter over all of them gives, only
    every second number is needed.
    """

    def __init__(self, height: int, width: int) -> None:
        self._narrow = np.empty((height + 2 * _BORDER, width // 2), np.float32)
        self._inner = self._narrow[_BORDER : _BORDER + height]

    def put(self, top: int, rows: NDArray[np.uint16]) -> None:
        """Take the rows from `top` on."""
        wide = cv2.copyMakeBorder(rows, 0, 0, _BORDER, _BORDER, cv2.BORDER_REPLICATE)
        even, odd = cv2.split(wide.reshape(len(rows), -1, 2))
        across = _weights(0.0)[None]
        columns = cv2.add(_filtered(even, across[:, ::2], _REACH // 2), _filtered(odd, across[:, 1::2], _REACH // 2))
        self._inner[top : top + len(rows)] = columns[:, _REACH:-_REACH]

    def finished(self) -> NDArray[np.uint8]:
        """(H / 2, W / 2), once all rows are there; 256 has become 1."""
        self._narrow[:_BORDER], self._narrow[-_BORDER:] = self._inner[0], self._inner[-1]
        # The middle of a column's weights lies between two rows.
        down = _weights(0.5)[:, None]
        upper = _filtered(self._narrow[::2], down[1::2], _REACH // 2 - 1)
        lower = _filtered(self._narrow[1::2], down[::2], _REACH // 2)
        tall = cv2.addWeighted(upper[_REACH:-_REACH], 1 / 256, lower[_REACH:-_REACH], 1 / 256, 0, dtype=cv2.CV_8U)
        return cast(NDArray[np.uint8], tall)


def _filtered(values: NDArray[Any], weights: Floats, middle: int) -> Floats:
    """By a row or a column of weights, the one at `middle` for the pixel itself."""
    anchor = (middle, 0) if len(weights) == 1 else (0, middle)
    return cast(
        Floats, cv2.filter2D(values.astype(np.float32, copy=False), -1, np.ascontiguousarray(weights), anchor=anchor)
    )


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
