"""Arithmetic on whole pictures, a few rows at a time, so that it stays small beside them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_BAND_PIXELS = 1_000_000


def by_bands(change: Callable[[slice], Pixels], rgb: Pixels) -> Pixels:
    """Do for a few rows at a time what would make floating-point copies of everything."""
    rows = max(1, _BAND_PIXELS // rgb.shape[1])
    changed = np.empty_like(rgb)
    for top in range(0, len(rgb), rows):
        band = slice(top, top + rows)
        changed[band] = change(band)
    return changed
