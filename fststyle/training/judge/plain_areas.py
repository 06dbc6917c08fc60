"""The plainest parts of a photo: sky, walls, water. Networks paint too little there, or repeat one stroke.

Two scores show it. The style cost of the plainest windows is high if a network leaves them empty. *Repetition* is the
similarity of a window to itself a little further on; it is high for regular hatching, dots and grids.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

WINDOW = 128
"""Side of the windows, in pixels."""

_STEP = WINDOW // 2
_COUNT = 4

# Detail is what a blur of this standard deviation, in pixels, takes away.
_BLUR = 3.0

# How far apart two strokes may lie and still count as one pattern, in pixels.
_FARTHEST = 32
_NEAREST = 6


def plainest_windows(photo: NDArray[np.uint8]) -> list[tuple[slice, slice]]:
    """The up to four windows of 128 pixels in which (H, W, 3) has the least contrast; none if a side is shorter."""
    gray = photo.astype(float).mean(axis=2)
    height, width = gray.shape
    windows = [
        (slice(top, top + WINDOW), slice(left, left + WINDOW))
        for top in range(0, height - WINDOW + 1, _STEP)
        for left in range(0, width - WINDOW + 1, _STEP)
    ]
    return sorted(windows, key=lambda window: float(gray[window].std()))[:_COUNT]


def repetition(window: NDArray[np.uint8]) -> float:
    """Highest autocorrelation of a window's fine detail, 0..1, outside the peak around zero.

    The peak ends where the mean over directions has its first minimum; lags from twice that radius, and at least 6
    pixels, up to 32 count. Noise has about 0.1 on windows of 128 pixels, a grid nearly 1.

    Args:
        window: (H, W, 3), sides of at least 64 pixels.
    """
    gray = window.astype(float).mean(axis=2)
    detail = gray - gaussian_filter(gray, _BLUR)
    taper = np.hanning(gray.shape[0])[:, None] * np.hanning(gray.shape[1])
    correlation = _autocorrelation((detail - detail.mean()) * taper) / _autocorrelation(taper).clip(1e-9)
    peak = correlation[0, 0]
    if peak <= 1e-9:
        return 0.0
    correlation /= peak
    rows, columns = (np.fft.fftfreq(side, 1 / side) for side in correlation.shape)
    lag = np.hypot(rows[:, None], columns)
    radius = _first_minimum(correlation, lag)
    counted = (lag >= max(2 * radius, _NEAREST)) & (lag <= _FARTHEST)
    return float(max(correlation[counted].max(), 0.0))


def fine_detail(picture: NDArray[np.uint8]) -> float:
    """Share of a picture's contrast that lies in its finest octave, 0..1.

    The energy at frequencies above a quarter of the sampling rate over that above a thirty-second. An enlarged picture
    has next to nothing there and noise has most of its energy there; sharp paint is near the painting's own value.

    Args:
        picture: (H, W, 3), sides of at least 64 pixels.
    """
    gray = picture.astype(float).mean(axis=2)
    taper = np.hanning(gray.shape[0])[:, None] * np.hanning(gray.shape[1])
    energy = np.abs(np.fft.fft2((gray - gray.mean()) * taper)) ** 2
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(side) for side in gray.shape), indexing="ij"))
    whole = energy[frequency > 1 / 32].sum()
    return float(energy[frequency > 1 / 4].sum() / whole) if whole else 0.0


def _autocorrelation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Not circular: of twice the sides, lag 0 first."""
    spectrum = np.fft.fft2(values, [2 * side for side in values.shape])
    return np.asarray(np.fft.ifft2(np.abs(spectrum) ** 2).real)


def _first_minimum(correlation: NDArray[np.float64], lag: NDArray[np.float64]) -> int:
    rings = [correlation[(lag >= radius - 0.5) & (lag < radius + 0.5)].mean() for radius in range(_FARTHEST // 2 + 1)]
    return next((r for r in range(1, len(rings) - 1) if rings[r + 1] >= rings[r]), len(rings) - 1)
