"""Which worker paints which group of a video, and when it may finish it; the driver's bookkeeping alone.

Groups are painted in any order. A group is finished when the state of the one before it is there.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

from fststyle.cluster.dispatch import CHANCES


class Relay:
    """Deals out groups, which are numbered from 0, and hands the state on.

    Args:
        done: So many of the first groups need not be painted.
        state: What is remembered of the frames before the next one.
        full: Frames in a group; one that has less is the last.
    """

    def __init__(self, done: int, state: Any, full: int) -> None:
        self._next = done
        self._again: list[int] = []
        self._before: dict[int, Any] = {done: state}
        self._painting: dict[Hashable, int] = {}
        self._painted: dict[int, Hashable] = {}
        self._finishing: dict[Hashable, int] = {}
        self._kept = done
        self._full = full
        self._lost_over: Counter[int] = Counter()
        self.count: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether all groups are finished."""
        return self.count is not None and self._kept >= self.count

    def paint(self, worker: Hashable) -> int | None:
        """The group that this idle worker paints now; None if there is none."""
        if self._again:
            number = self._again.pop(0)
        elif self.count is None:
            number = self._next
            self._next += 1
        else:
            return None
        self._painting[worker] = number
        return number

    def painted(self, worker: Hashable, frames: int) -> bool:
        """Note that it has; False if the group lies behind the end, and the worker is idle."""
        number = self._painting.pop(worker)
        if frames < self._full:
            last = number + 1 if frames else number
            self.count = last if self.count is None else min(self.count, last)
        if not frames:
            return False
        self._painted[number] = worker
        return True

    def ready(self) -> list[tuple[Hashable, int, Any]]:
        """Workers that may finish their groups now, each with the group and the state before it."""
        found = [(worker, number) for number, worker in self._painted.items() if number in self._before]
        for worker, number in found:
            del self._painted[number]
            self._finishing[worker] = number
        return [(worker, number, self._before[number]) for worker, number in found]

    def reached(self, worker: Hashable, state: Any) -> None:
        """Note the state behind the group that this worker is finishing."""
        self._before.setdefault(self._finishing[worker] + 1, state)

    def finished(self, worker: Hashable) -> tuple[int, Any]:
        """Note that its group is finished; gives the group, and the state behind it."""
        number = self._finishing.pop(worker)
        self._kept += 1
        del self._before[number]
        return number, self._before[number + 1]

    def lost(self, worker: Hashable) -> int | None:
        """Take its group back; gives the group if it is the last straw, else None."""
        held: Mapping[Hashable, int] = {
            **self._painting,
            **{by: number for number, by in self._painted.items()},
            **self._finishing,
        }
        self._painting.pop(worker, None)
        self._finishing.pop(worker, None)
        self._painted = {number: by for number, by in self._painted.items() if by != worker}
        number = held.get(worker)
        if number is None:
            return None
        self._again = sorted([*self._again, number])
        self._lost_over[number] += 1
        return number if self._lost_over[number] >= CHANCES else None
