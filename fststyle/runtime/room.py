"""Memory for large arrays that follow each other: new memory costs as much as what is done with it."""

import mmap
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Tensors of one network differ by some columns at their borders.
_SPARE = 1.05


class Room:
    """Memory for copies of arrays, each of which often takes the place of one that was let go.

    Attributes:
        lock: Held by whoever gives memory back.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._free: list[NDArray[Any]] = []
        self._sizes: set[int] = set()

    def clear(self) -> None:
        """Forget how large tensors were."""
        self._sizes.clear()

    def copy(self, values: NDArray[Any]) -> NDArray[Any]:
        """A copy that stays."""
        with self.lock:
            self._sizes.add(values.nbytes)
            fits = [_fits(len(free), values.nbytes) for free in self._free]
            room = self._free.pop(fits.index(True)) if any(fits) else None
        if room is None:
            # Mapped, so that the system has it back as soon as it is let go.
            room = np.frombuffer(mmap.mmap(-1, round(_SPARE * values.nbytes)), np.uint8)
        kept = room[: values.nbytes].view(values.dtype).reshape(values.shape)
        np.copyto(kept, values)
        return kept

    def take_back(self, values: NDArray[Any] | None) -> None:
        """Keep the memory of a tensor for others of its size, if there are any; the lock is held."""
        room = None if values is None else values.base
        if room is not None and any(_fits(len(room), size) for size in self._sizes):
            self._free.append(room)


def _fits(room: int, size: int) -> bool:
    return size <= room <= _SPARE**2 * size
