"""From one style of a network to another while a clip plays."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fststyle.system.entries import entries, entry

# The last frame is shown for so long at most, in seconds, but in slide shows.
_FRAME = 1.0

_SPELLING = "a morph reads like wave,udnie or wave:0,udnie:12.5, with growing seconds"


@dataclass(frozen=True)
class Morph:
    """Styles that are reached one after the other; between two of them the weights change evenly.

    Attributes:
        names: Of the styles, at least two.
        seconds: When each is reached; None spreads them evenly over the clip.
    """

    names: tuple[str, ...]
    seconds: tuple[float, ...] | None = None

    def __str__(self) -> str:
        times: Sequence[float | None] = self.seconds or [None] * len(self.names)
        return ",".join(map(entry, self.names, times))

    def at(self, seconds: float, length: float | None) -> dict[str, float]:
        """The weights of a frame.

        Args:
            seconds: When it is shown.
            length: When the last frame of the clip is shown; None if nobody knows.

        Raises:
            ValueError: The styles are to be spread over a clip of unknown length.
        """
        times = self._times(length)
        if seconds <= times[0]:
            return {self.names[0]: 1.0}
        for (name, begins), (following, ends) in pairwise(zip(self.names, times, strict=True)):
            if seconds < ends:
                share = (seconds - begins) / (ends - begins)
                return {name: 1.0} if name == following else {name: 1 - share, following: share}
        return {self.names[-1]: 1.0}

    def unreached(self, length: float | None) -> str | None:
        """The first style that a clip ends before, and its second, for messages; None if all are reached.

        `length` is that of `at`: a style at the very end of a clip is reached a frame later.
        """
        if self.seconds is None or length is None:
            return None
        late = ((name, time) for name, time in zip(self.names, self.seconds, strict=True) if time > length + _FRAME)
        return next((f"{name} at {time:g} s" for name, time in late), None)

    def _times(self, length: float | None) -> Sequence[float]:
        if self.seconds is not None:
            return self.seconds
        if length is None:
            raise ValueError(
                "nobody knows how long this clip is; say at which second each style is reached: "
                + ",".join(entry(name, 10 * place) for place, name in enumerate(self.names))
            )
        return [length * place / (len(self.names) - 1) for place in range(len(self.names))]


def parse_morph(text: str) -> Morph:
    """Read "wave,udnie", or "wave:0,udnie:12.5" with the seconds at which each style is reached.

    Raises:
        ValueError: It is no such list.
    """
    stops = [_stop(*each) for each in entries(text)]
    names = tuple(name for name, _ in stops)
    times = [time for _, time in stops if time is not None]
    growing = all(0 <= one < other < float("inf") for one, other in pairwise(times))
    if len(names) < 2 or not all(names) or len(times) not in (0, len(names)) or not growing:
        raise ValueError(f"{_SPELLING}, not {text!r}")
    return Morph(names, tuple(times) or None)


def _stop(name: str, number: str | None, whole: str | None) -> tuple[str, float | None]:
    try:
        return name, None if number is None or not name else float(number)
    except ValueError:
        # Names may have a colon, too.
        return (name, float("nan")) if whole is None else (whole, None)
