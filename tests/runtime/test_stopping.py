"""A painting can be ended from another thread."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle import Stylizer
from fststyle.errors import ModelFileError
from fststyle.runtime.stopping import Stop, StoppedError, current_stop


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer("udnie_tiny", "cpu", threads=1)


def paint_for_ever(stylizer: Stylizer, photo: NDArray[np.uint8]) -> None:
    while True:
        stylizer(photo)


def test_a_painting_that_is_no_longer_wanted_never_begins(stylizer: Stylizer) -> None:
    stop = Stop()
    stop.set()
    with stop.heard(), pytest.raises(StoppedError, match="ask for it again"):
        stylizer(np.zeros((64, 64, 3), np.uint8))


def test_a_painting_ends_in_its_midst(stylizer: Stylizer) -> None:
    stop, photo = Stop(), np.zeros((2000, 2000, 3), np.uint8)
    threading.Timer(0.05, stop.set).start()
    with stop.heard(), pytest.raises(StoppedError):
        paint_for_ever(stylizer, photo)


def test_others_paint_on(stylizer: Stylizer) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    before = stylizer(photo)
    stop = Stop()
    stop.set()
    with stop.heard(), pytest.raises(StoppedError):
        stylizer(photo)
    assert current_stop() is None
    np.testing.assert_array_equal(stylizer(photo), before)


def test_a_network_that_fails_is_not_taken_for_one_that_was_ended(stylizer: Stylizer) -> None:
    with Stop().heard(), pytest.raises(ModelFileError, match="fails on"):
        stylizer.network.ask(
            stylizer.network.open(stylizer.network.model.data), np.zeros((8, 8, 3), np.uint8), {}, ["no"]
        )
