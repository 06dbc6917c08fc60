"""The part of a file that is taken, on the file's own clock, and what that does to packets and chapters."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from fststyle.video.clip import Cut
from fststyle.video.timing import fine

# Seconds of sound before 0 that its decoder needs to start.
_LEAD = Fraction(1, 10)

# Seconds for which nothing may be shown when a part begins between two frames.
_BLINK = Fraction(1, 10)


@dataclass(frozen=True)
class Span:
    """Seconds of the file's own clock.

    Attributes:
        origin: When the file begins.
        start: Nothing before it is taken; None takes everything, sound that leads the pictures included.
        end: Exclusive; None takes everything.
    """

    origin: Fraction
    start: Fraction | None = None
    end: Fraction | None = None

    @classmethod
    def of(cls, cut: Cut, origin: Fraction) -> "Span":
        """The span of a cut in a file whose clock begins at `origin`."""
        return cls(
            origin,
            origin + cut.start if cut.start else None,
            None if cut.end is None else origin + cut.end,
        )

    @property
    def zero(self) -> Fraction:
        """What becomes second 0 of the output."""
        return self.origin if self.start is None else self.start

    def is_before(self, seconds: Fraction) -> bool:
        """Whether this lies before the part."""
        return self.start is not None and seconds < self.start

    def is_behind(self, seconds: Fraction) -> bool:
        """Whether this lies behind the part."""
        return self.end is not None and seconds >= self.end

    def is_hidden(self, seconds: Fraction) -> bool:
        """Whether what an edit list hides there is more than a decoder of sound needs to start.

        It is heard in Matroska, which has no edit lists.
        """
        return self.zero - seconds > _LEAD

    def shows(self, ends: Fraction, *, every_tick: bool) -> bool:
        """Whether a frame that began before the part is to be seen in it.

        Args:
            ends: When it is over, on the file's clock.
            every_tick: Even if it is seen no longer than a blink.
        """
        return self.start is not None and ends - self.start > (0 if every_tick else _BLINK)

    def within(self, begins: Fraction, lasts: Fraction) -> Fraction:
        """How long something is shown that would last longer than the part."""
        return lasts if self.end is None else min(lasts, self.end - begins)

    def placed(self, packet: "av.Packet[Any]", start: Fraction | None = None) -> "av.Packet[Any]":
        """The packet on the output's clock; one that is longer than the part ends with it.

        Args:
            packet: On the file's clock; changed.
            start: Begin here, on the file's clock, and end where the packet did.
        """
        base, factor = fine(Fraction(packet.time_base), self.zero)
        packet.pts, packet.dts = _times(packet.pts, factor), _times(packet.dts, factor)
        packet.duration, packet.time_base = (packet.duration or 0) * factor, base
        if start is not None and packet.pts is not None:
            begin = round(start / base)
            packet.duration = max(0, packet.pts + packet.duration - begin)
            packet.pts = packet.dts = begin
        if self.end is not None and packet.pts is not None and packet.stream.type == "subtitle":
            packet.duration = min(packet.duration, round(self.end / base) - packet.pts)
        shift = round(self.zero / base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        return packet

    def chapters(self, chapters: list[Any]) -> list[Any]:
        """Those that the part touches, on the output's clock."""
        placed = []
        for chapter in chapters:
            base = Fraction(chapter["time_base"] or Fraction(1, 1_000_000))
            start, end = chapter["start"] * base, chapter["end"] * base
            if self.is_behind(start) or (start < self.zero and end <= self.zero):
                continue
            start = max(start, self.zero)
            end = end if self.end is None else min(end, self.end)
            times = {"start": round((start - self.zero) / base), "end": round((end - self.zero) / base)}
            placed.append({**chapter, **times})
        return placed


def _times(time: int | None, factor: int) -> int | None:
    return None if time is None else time * factor


def origin(start: int | None, pictures: Fraction) -> Fraction:
    """Second 0 of what a player shows, on the file's own clock.

    Args:
        start: Of the container, in microseconds, if it has one.
        pictures: When the first frame is shown.
    """
    if start is None:
        return pictures
    seconds = Fraction(start, 1_000_000)
    return seconds if seconds >= 0 or pictures - seconds > _LEAD else min(pictures, Fraction(0))
