import numpy as np

from fststyle.runtime.room import Room


def test_memory_that_was_let_go_is_used_again() -> None:
    room = Room()
    values = np.arange(5000, dtype=np.float32).reshape(50, 100)
    first = room.copy(values)
    second = room.copy(values[:, ::-1])
    np.testing.assert_array_equal(first, values)
    np.testing.assert_array_equal(second, values[:, ::-1])
    assert not np.shares_memory(first, second)
    with room.lock:
        room.take_back(first)
    third = room.copy(values[:49].astype(np.int32))
    assert np.shares_memory(first, third)
    np.testing.assert_array_equal(third, values[:49])


def test_memory_of_another_size_goes_back_to_the_system() -> None:
    room = Room()
    first = room.copy(np.zeros(5000, np.uint8))
    room.clear()
    room.copy(np.zeros(9000, np.uint8))
    with room.lock:
        room.take_back(first)
        room.take_back(None)
    assert not np.shares_memory(room.copy(np.ones(5000, np.uint8)), first)
