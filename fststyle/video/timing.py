"""When frames are shown: times that run backwards are mended, and a constant rate is made on request."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

from fststyle.system.warn import warn
from fststyle.video.clip import Cut

_T = TypeVar("_T")

# A leap back by more is a new count, not a frame out of place.
_NEW_COUNT = 1  # seconds

_FINEST = 1000  # units a second, where a coarser time base would not do

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)")


def parse_time(text: str) -> Fraction:
    """Seconds of "12.5", "1:30" or "1:02:03.4".

    Raises:
        ValueError: It is not a time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a time; write seconds (12.5), minutes (1:30) or hours (1:02:03)")
    hours, minutes, seconds = found.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def parse_rate(text: str) -> Fraction:
    """Frames per second of "25", "23.976" or "24000/1001".

    23.976, 29.97 and 59.94 are what television means by them: 24000/1001 and so on.

    Raises:
        ValueError: It is not a rate.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{text!r} is not a frame rate; write 25, 23.976 or 24000/1001") from error
    if not 0 < rate <= 1000:
        raise ValueError(f"a frame rate must be above 0 and at most 1000, not {text}")
    for whole in (24, 30, 48, 60, 120):
        television = Fraction(whole * 1000, 1001)
        if rate != whole and abs(rate - television) < Fraction(1, 150):
            return television
    return rate


def parse_cut(start: str | None, end: str | None, max_side: int | None, rate: str | None) -> Cut:
    """The part of a video that is asked for in words; None stands for what a cut takes by itself.

    Raises:
        ValueError: A time or the rate cannot be read, or the end does not come after the start.
    """
    return Cut(
        None if start is None else parse_time(start),
        None if end is None else parse_time(end),
        max_side,
        None if rate is None else parse_rate(rate),
    )


class BestTime:
    """A frame's own time, or where those are wrong, the time of its decoding.

    AVI and some MXF files store only the order of decoding; what a demuxer makes of it may run backwards.
    """

    def __init__(self, decoding_delay: int | None = None) -> None:
        """`decoding_delay`: frames come out this much behind their packets; None goes by the frames' own times."""
        self._delay = decoding_delay

    def __call__(self, pts: int | None, dts: int | None) -> int | None:
        """The time of the next frame; None if there is none to go by."""
        if self._delay is not None:
            return None if dts is None else dts - self._delay
        return dts if pts is None else pts


def run_backwards(times: Sequence[int | None]) -> bool:
    """Whether one of these times is not later than the one before it."""
    known = [time for time in times if time is not None]
    return any(later <= earlier for earlier, later in pairwise(known))


def fine(base: Fraction, second: Fraction) -> tuple[Fraction, int]:
    """A time base that has a second, to a millisecond at least, and how many of its units make one of `base`."""
    factor = 1 if second % base == 0 else math.ceil(base * _FINEST)
    return base / factor, factor


class Monotonic:
    """Gives every frame a later time than the one before it.

    A frame out of place is put right behind its predecessor; where the count starts again, it is continued.
    """

    def __init__(self, time_base: Fraction, nominal: int, name: str, step: int = 1) -> None:
        """Nothing is read yet.

        Args:
            time_base: Seconds that a unit of time has.
            nominal: A frame's usual duration in these units.
            name: For the warning.
            step: Units from one frame to the next at least; 0 allows equal times.
        """
        self._nominal = max(1, nominal)
        self._leap = _NEW_COUNT / time_base
        self._name = name
        self._step = step
        self._last: int | None = None
        self._next = 0
        self._offset = 0
        self._warned = False

    def __call__(self, pts: int | None, duration: int = 0) -> int:
        """The time to use for the next frame.

        Args:
            pts: Its own; None is a frame that has none, which follows the one before.
            duration: How long it is shown; 0 if that is not known.
        """
        if pts is None:
            placed = self._next
        elif self._last is None:
            placed = pts
        else:
            placed = pts + self._offset
            if placed < self._last + self._step:
                if not self._warned:
                    self._warned = True
                    warn(f"{self._name} has times that do not go forward; they are mended")
                if self._last - placed > self._leap:
                    self._offset += self._last + self._nominal - placed
                    placed = self._last + self._nominal
                else:
                    placed = self._last + self._step
        self._last = placed
        self._next = placed + (duration or self._nominal)
        return placed


def at_rate(frames: Iterable[tuple[_T, Fraction, Fraction]], rate: Fraction) -> Iterator[tuple[_T, int]]:
    """At every tick of a constant rate the frame that is shown then; frames are repeated or left out.

    Args:
        frames: Each with the second at which it appears, and how many seconds it stays if none follows.
        rate: Ticks a second; tick 0 is second 0.

    Yields:
        Frame and tick.
    """
    shown: tuple[_T, int] | None = None
    end, first = Fraction(0), 0
    for frame, seconds, duration in frames:
        tick = -(-seconds * rate // 1)  # the first at which this frame is to be seen
        if shown is not None:
            yield from ((shown[0], number) for number in range(shown[1], int(tick)))
        else:
            first = int(tick)
        shown = (frame, int(tick))
        end = seconds + duration
    if shown is not None:
        stop = max(round(end * rate), first + 1)  # however short, it is seen once
        yield from ((shown[0], number) for number in range(shown[1], stop))
