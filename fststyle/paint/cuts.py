"""Where the scene of a video is cut."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

# Sides of the tiny gray pictures in which cuts are looked for.
_TINY = (32, 18)

# Of large frames each fourth pixel of each fourth row is looked at: a mean of dozens serves as well as one of hundreds.
_SKIPPED = 4

# Gray levels of 0..255 by which a tiny picture changes on average at a cut, and how much that is more than usual.
_CUT_LEVELS = 18.0
_CUT_RATIO = 4.0


class CutFinder:
    """Tells a new scene from motion: the picture changes much, and much more than it did lately."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._usual: float | None = None  # nobody knows before there were two frames

    def __call__(self, rgb: Pixels) -> bool:
        """Whether this frame, (H, W, 3), begins a scene; the first one does not."""
        tiny = tiny_picture(rgb)
        last, self._last = self._last, tiny
        if last is None:
            return False
        change = float(np.abs(tiny - last).mean())
        if self._usual is None:
            self._usual = change
            return False
        cut = change > _CUT_LEVELS and change > _CUT_RATIO * self._usual
        if not cut:
            self._usual = max(0.8 * self._usual + 0.2 * change, 0.5 * change)
        return cut

    def state(self) -> dict[str, NDArray[Any]]:
        """For `restore`."""
        state: dict[str, NDArray[Any]] = {} if self._last is None else {"tiny": self._last}
        return state if self._usual is None else state | {"usual": np.array(self._usual)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on as if the frames before had been seen here."""
        self._last = state.get("tiny")
        self._usual = float(state["usual"]) if "usual" in state else None


def tiny_picture(rgb: Pixels) -> NDArray[np.float32]:
    """A few hundred pixels of a frame, (H, W, 3), in which to see whether the scene is another; levels of 0..255."""
    few = rgb[::_SKIPPED, ::_SKIPPED] if min(rgb.shape[:2]) >= _SKIPPED * max(_TINY) else rgb
    return np.asarray(Image.fromarray(few).resize(_TINY, Image.Resampling.BOX, reducing_gap=2.0), np.float32)
