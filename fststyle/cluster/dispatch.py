"""Who paints what: small batches, work of lost workers given to others, and an end to what loses worker after worker.

The driver's bookkeeping alone; it knows neither Ray nor pictures.
"""

from collections import Counter, deque
from collections.abc import Hashable

# Workers that may be lost in a row without a picture that comes to an end, beside one each.
_LOST_IN_VAIN = 4

# Pictures that may be given up in a row without one painted: when it is more, it is not the pictures.
_GIVEN_UP_IN_VAIN = 10

# A worker reads a picture ahead and writes one behind, so that any of so many may have ended it.
_SUSPECTS = 3

# So many workers may be lost over a picture, or a group of a video, before it is given up.
CHANCES = 3

_LARGEST_BATCH = 32

# Batches that each worker would get of what is left: they shrink towards the end, and all workers end together.
_SHARES = 4


class Dispatch:
    """Deals out tasks, which are numbers from 0.

    Args:
        count: How many there are.
        workers: How many share them.

    Attributes:
        left: How many are neither done nor given up.
        repeated: How many were dealt out again.
    """

    def __init__(self, count: int, workers: int) -> None:
        self.left = count
        self.repeated = 0
        self._fresh = iter(range(count))
        self._unbegun = count
        self._workers = workers
        self._again: deque[int] = deque()
        self._alone: deque[int] = deque()
        self._lost_over: Counter[int] = Counter()
        self._held: dict[Hashable, deque[int]] = {}

    def batch(self, worker: Hashable) -> list[int]:
        """What this worker does next, in this order; nothing if all is dealt out.

        A task that may have ended a worker comes alone, so that no other is blamed for it.
        """
        if self._alone:
            numbers = [self._alone.popleft()]
        else:
            waiting = self._unbegun + len(self._again)
            size = min(_LARGEST_BATCH, max(1, waiting // (self._workers * _SHARES)), waiting)
            numbers = [self._again.popleft() if self._again else self._take() for _ in range(size)]
        if numbers:
            self._held[worker] = deque(numbers)
        return numbers

    def done(self, worker: Hashable, number: int) -> None:
        """Note that a task of this worker's batch has come to an end, well or not."""
        self._held[worker].remove(number)
        self.left -= 1

    def lost(self, worker: Hashable) -> list[int]:
        """Take back what a lost worker held; returns the tasks that are given up."""
        held = list(self._held.pop(worker, ()))
        suspects, others = held[:_SUSPECTS], held[_SUSPECTS:]
        self._lost_over.update(suspects)
        given_up = [number for number in suspects if self._lost_over[number] >= CHANCES]
        self._alone.extend(number for number in suspects if number not in given_up)
        self._again.extend(others)
        self.left -= len(given_up)
        self.repeated += len(held) - len(given_up)
        return given_up

    def _take(self) -> int:
        self._unbegun -= 1
        return next(self._fresh)


class InVain:
    """Tells when workers end whatever they are given.

    Args:
        workers: How many there are.
    """

    def __init__(self, workers: int) -> None:
        self._most = workers + _LOST_IN_VAIN
        self.painted()

    def painted(self) -> None:
        """Note that a picture was."""
        self._lost = self._given_up = 0

    def lost(self, given_up: int) -> bool:
        """Note that a worker was lost, and so many pictures given up with it; whether that is too much."""
        self._lost = 0 if given_up else self._lost + 1
        self._given_up += given_up
        return self._lost > self._most or self._given_up > _GIVEN_UP_IN_VAIN
