"""What is known of a video, which part of it is taken, and its frames."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.system.warn import warn

DEFAULT_RATE = Fraction(25)
"""Frames a second where nothing else is known."""

Wanted = Callable[[int], bool]
"""Whether the pixels of a frame are wanted, by its number from 0; what has none is read more quickly."""


def every(_: int) -> bool:
    """All of them."""
    return True


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes:
        rgb: (H, W, 3); None where the caller said that it needs no pixels.
        pts: When it is shown, in units of the clip's time base.
        duration: How long, if the file says so.
        alpha: (H, W), 255 is opaque; None when every pixel is.
    """

    rgb: NDArray[np.uint8] | None
    pts: int
    duration: int | None = None
    alpha: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Clip:
    """What is known before the first frame is asked for.

    Attributes:
        width: Of the frames as they come, upright and shrunk.
        height: Likewise.
        time_base: Seconds that a unit of time has.
        rate: Frames a second, on average; for a picture of progress and the distance of key frames, not for times.
        frames: How many there will be, about; None if nobody knows.
        pixel_aspect: Width over height of a pixel, upright.
        primaries: As ffmpeg numbers them; 2 for unknown.
        transfer: Likewise.
        copied: Streams whose packets come between the frames.
        metadata: Title and so on.
        chapters: As PyAV has them.
    """

    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    frames: int | None = None
    pixel_aspect: Fraction = Fraction(1)
    primaries: int = 2
    transfer: int = 2
    copied: tuple[Any, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    chapters: tuple[Any, ...] = ()

    @property
    def last(self) -> float | None:
        """When the last frame is shown, about, in seconds; None if nobody knows."""
        return None if self.frames is None else max(0.0, float((self.frames - 1) / self.rate))


@dataclass(frozen=True)
class Cut:
    """Which part of a video is taken, and how.

    Attributes:
        start: Seconds from the file's beginning; times are counted from there.
        end: Likewise, exclusive.
        max_side: Frames are shrunk so that no side is longer.
        rate: Make it this constant rate; None keeps every frame's own time.
    """

    start: Fraction | None = None
    end: Fraction | None = None
    max_side: int | None = None
    rate: Fraction | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= (self.start or 0):
            raise ValueError("the end must come after the start")


def shrunk(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """Width and height with no side longer than that."""
    factor = min(Fraction(1), Fraction(max_side or max(width, height), max(width, height)))
    return max(1, round(width * factor)), max(1, round(height * factor))


def nothing_left(name: str, cut: Cut, seconds: Fraction | None) -> VideoError:
    """What to say of a clip, so many seconds long, of which a cut leaves no frame."""
    if cut.start is not None and seconds is not None and seconds <= cut.start:
        return VideoError(f"{name} ends at {float(seconds):.1f} s, before --start; choose an earlier one")
    return VideoError(f"{name} has no frame between --start and --end; choose other times")


def warn_of_transparency(name: str) -> None:
    """Videos are written without it."""
    warn(f"{name} has transparency, which is left out; put it on a background first to choose what shows through")
