import mmap

import numpy as np
import pytest

from fststyle.runtime import room as rooms
from fststyle.runtime.room import Room


@pytest.fixture(autouse=True)
def small_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "_REGION_BYTES", 10 * 4096)


def test_arrays_keep_what_they_hold() -> None:
    room = Room()
    values = np.arange(5000, dtype=np.float32).reshape(50, 100)
    copies = [room.copy(values + number) for number in range(5)]
    empty = room.array((3, 7), np.dtype(np.float16))
    empty[:] = 1
    for number, copy in enumerate(copies):
        np.testing.assert_array_equal(copy, values + number)
    assert (empty.shape, empty.dtype) == ((3, 7), np.float16)


def test_places_that_were_let_go_are_taken_by_arrays_of_any_size() -> None:
    room = Room()
    first, second, third = (room.array((4096,), np.dtype(np.uint8)) for _ in range(3))
    rest = room.array((7, 4096), np.dtype(np.uint8))
    for let_go in (third, first, second[5:]):
        room.take_back(let_go)
    large = room.array((3, 1024), np.dtype(np.float32))
    assert np.shares_memory(large, first)
    assert np.shares_memory(large, third)
    assert not np.shares_memory(large, rest)
    assert len(room._regions) == 1


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="the system takes no memory back")
def test_a_closed_room_gives_back_what_is_let_go() -> None:
    room = Room()
    arrays = [room.copy(np.ones(4096, np.uint8)) for _ in range(3)]
    room.take_back(arrays[0])
    room.close()
    room.take_back(arrays[2])
    # What the system had in its hands is zero.
    assert [int(values.max()) for values in arrays] == [0, 1, 0]
