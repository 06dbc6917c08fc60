"""Memory for large arrays that follow each other: new memory costs as much as what is done with it."""

import bisect
import math
import mmap
import threading
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What is asked of the system at one time. Of an array that is larger, its size.
_REGION_BYTES = 1 << 25

# Arrays begin at multiples of it, as they would by themselves.
_PAGE_BYTES = 1 << 12


class Room:
    """Memory for arrays that are let go one by one, and whose places others of any size then take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._regions: list[_Region] = []
        self._places: dict[int, tuple[_Region, int, int]] = {}  # by address
        self._closed = False

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array that holds anything."""
        size = math.prod(shape) * dtype.itemsize
        pages = max(1, -(-size // _PAGE_BYTES)) * _PAGE_BYTES
        with self._lock:
            found = next(
                ((region, start) for region in self._regions if (start := region.take(pages)) is not None), None
            )
            if found is None:
                region = _Region(max(pages, _REGION_BYTES))
                self._regions.append(region)
                found = region, region.take(pages) or 0
            region, start = found
            memory = np.frombuffer(region.memory, np.uint8, size, start)
            self._places[memory.ctypes.data] = region, start, pages
        return memory.view(dtype).reshape(shape)

    def copy(self, values: NDArray[Any]) -> NDArray[Any]:
        """A copy that stays."""
        kept = self.array(values.shape, values.dtype)
        np.copyto(kept, values)
        return kept

    def take_back(self, values: NDArray[Any]) -> None:
        """Give the place of an array, or of the one that it is a part of, to others; nobody may look at it any more."""
        base: Any = values.base
        with self._lock:
            region, start, pages = self._places.pop(base.ctypes.data)
            region.take_back(start, pages)
            if self._closed:
                region.give_back(start, pages)

    def close(self) -> None:
        """Give the system what is free, and from now on all that is let go: no more arrays are needed."""
        with self._lock:
            self._closed = True
            for region in self._regions:
                for start, end in region.free:
                    region.give_back(start, end - start)


class _Region:
    """Memory in one piece, mapped, so that the system has it back as soon as it is let go; in large pages if it can."""

    def __init__(self, size: int) -> None:
        self.free = [(0, size)]  # starts and ends, ascending
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            self.memory = mmap.mmap(-1, size)
            return
        self.memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # of a system that was built without large pages
            self.memory.madvise(mmap.MADV_HUGEPAGE)

    def take(self, size: int) -> int | None:
        """Where so many bytes begin that are not free any more; None if there is no such place."""
        for number, (start, end) in enumerate(self.free):
            if size <= end - start:
                self.free[number : number + 1] = [(start + size, end)] if size < end - start else []
                return start
        return None

    def take_back(self, start: int, size: int) -> None:
        number = bisect.bisect(self.free, (start, start))
        end = start + size
        if number < len(self.free) and self.free[number][0] == end:
            end = self.free.pop(number)[1]
        if number and self.free[number - 1][1] == start:
            start = self.free.pop(number - 1)[0]
            number -= 1
        self.free.insert(number, (start, end))

    def give_back(self, start: int, size: int) -> None:
        """Let the system have these bytes, which are free."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.memory.madvise(mmap.MADV_DONTNEED, start, size)
