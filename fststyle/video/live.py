"""From a camera to a virtual one: each picture is painted if there is time, and the clock is kept."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fststyle.video.virtual_camera import ReaderGoneError, Sink

Pixels = NDArray[np.uint8]

# So long ago is what the counter still counts, in seconds.
_COUNTED = 2.0

# After a longer gap, of a laptop that slept for example, missing pictures are not made up for.
_LONGEST_GAP = 2.0


class _Pictures(Protocol):
    taken: int

    def next(self, stop: Callable[[], bool] = ...) -> Pixels | None:
        """The newest picture; None if there are none any more."""


@dataclass(frozen=True)
class Counts:
    """How it goes.

    Attributes:
        painted: Pictures that were painted.
        dropped: Pictures of the camera that nobody had time for.
        seconds: Since the beginning.
        fps: Painted a second, lately.
        delay: Seconds from a picture to its painting, lately and on average.
        gone: Whether whoever read the output has gone.
    """

    painted: int
    dropped: int
    seconds: float
    fps: float
    delay: float
    gone: bool = False


def run_live(
    camera: _Pictures,
    paint: Callable[[Pixels], Pixels],
    sink: Sink,
    rate: Fraction,
    *,
    seconds: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    told: Callable[[Counts], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Counts:
    """Paint until the camera ends, `stop` says so, the reader has gone, or `seconds` have passed.

    Args:
        camera: Gives the newest picture.
        paint: What is done to it.
        sink: Where it goes. One that does not hold a picture gets it again for every tick it stands for.
        rate: Ticks a second.
        seconds: At most so long.
        stop: Asked before every picture.
        told: How it goes, after every picture.
        clock: In seconds.
        sleep: Waits for so many.
    """
    pace = _Pace(rate, clock, sleep)
    start = clock()
    lately: deque[tuple[float, float]] = deque()
    painted, gone, usual = 0, False, 0.0

    def over() -> bool:
        return stop() or (seconds is not None and clock() - start >= seconds)

    def counts() -> Counts:
        now = clock()
        while lately and lately[0][0] < now - _COUNTED:
            lately.popleft()
        span = min(_COUNTED, now - start) or 1.0
        delay = sum(pause for _, pause in lately) / max(1, len(lately))
        return Counts(painted, camera.taken - painted, now - start, len(lately) / span, delay, gone)

    try:
        while not over() and (picture := camera.next(over)) is not None:
            begun = clock()
            answer = paint(picture)
            painted += 1
            took = clock() - begun
            lately.append((clock(), took))
            for _ in range(pace.ticks(sink.holds, usual)):
                sink.send(answer)
            usual = took
            told(counts())
        sink.close()
    except ReaderGoneError:
        gone = True
    return counts()


class _Pace:
    """Keeps a constant rate: waits where pictures come early, repeats them where they come late."""

    def __init__(self, rate: Fraction, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._tick = float(1 / rate)
        self._clock, self._sleep = clock, sleep
        self._next: float | None = None

    def ticks(self, once: bool, usual: float) -> int:
        """For how many ticks the picture stands, after waiting for the first of them.

        Args:
            once: Whether it is shown once, however late it is.
            usual: Seconds that the picture before it took; so much is slow painting, and no gap.
        """
        now = self._clock()
        if self._next is None or now - self._next - usual > _LONGEST_GAP:
            self._next = now
        if self._next > now:
            self._sleep(self._next - now)
        late = max(0, int((now - self._next) / self._tick))
        self._next += (late + 1) * self._tick
        return 1 if once else late + 1
