"""Paint the right half of a video and keep the left, with its sound.

Usage: python examples/compare_clips.py MODEL IN OUT.mp4
"""

import io
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fststyle import FststyleError, Stylizer
from fststyle.paint.frames import FrameStylizer
from fststyle.video.convert import Job, convert, describe


class LeftAndRight:
    """The left half as it came, the right half painted."""

    def __init__(self, painter: FrameStylizer) -> None:
        self._painter = painter

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Paint the next frame, (H, W, 3)."""
        painted = self._painter(rgb)
        middle = rgb.shape[1] // 2
        both = np.concatenate([rgb[:, :middle], painted[:, middle:]], axis=1)
        both[:, max(0, middle - 1) : middle + 1] = 255
        return both

    def state(self) -> Mapping[str, NDArray[Any]]:
        """What the painter remembers."""
        return self._painter.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Let it remember that instead."""
        self._painter.restore(state)


def main(model: str, source: str, target: str) -> None:
    painter = LeftAndRight(FrameStylizer(Stylizer.load(model)))
    done = convert(Job(source, target, restart=True), painter, stdin=io.BytesIO(), stdout=io.BytesIO())
    print(describe(done))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except FststyleError as error:
        sys.exit(f"error: {error}")
