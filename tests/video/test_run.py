"""Frames through a function of two parts: several at a time, in their order, each at its own time."""

import threading
import weakref
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.video.clip import Clip, Frame
from fststyle.video.run import Progress, paint

Pixels = NDArray[np.uint8]

FRAMES = 12
BASE = Fraction(1, 25)


class Reader:
    """Frames of one pixel, which tells the frame's number; a packet comes after every third."""

    clip = Clip(1, 1, BASE, 1 / BASE, FRAMES)

    def items(self, wanted: Callable[[int], bool] = lambda _: True) -> Iterator[Any]:
        for number in range(FRAMES):
            yield Frame(np.full((1, 1, 3), number, np.uint8) if wanted(number) else None, number)
            if number % 3 == 2:
                yield f"packet {number}"


class Writer:
    """Keeps what comes: of frames the first value, of packets themselves."""

    group = 4

    def __init__(self) -> None:
        self.given: list[Any] = []

    def write(self, rgb: Pixels | None, frame: Frame) -> None:  # noqa: ARG002 -- the real one's
        self.given.append(None if rgb is None else int(rgb[0, 0, 0]))

    def copy(self, packet: Any) -> None:
        self.given.append(packet)


class Summing:
    """Adds to a frame the number of its time, for any thread, and then the number of frames before it."""

    def __init__(self, at_once: int, meet: Callable[[], object] = lambda: None, fails_at: int = FRAMES) -> None:
        self.at_once = at_once
        self._meet, self._fails_at = meet, fails_at
        self._before, self._now = 0, 0

    def __call__(self, rgb: Pixels) -> Pixels:
        return self.after(rgb, self.begun(rgb)())

    def lasts(self, seconds: float | None) -> None:
        assert seconds == pytest.approx((FRAMES - 1) / 25)

    def at(self, seconds: Fraction) -> None:
        self._now = int(seconds / BASE)

    def begun(self, rgb: Pixels) -> Callable[[], Pixels]:
        now = self._now

        def add() -> Pixels:
            self._meet()
            if now == self._fails_at:
                raise VideoError("it broke; mend it")
            return rgb + np.uint8(now)

        return add

    def after(self, rgb: Pixels, painted: Pixels) -> Pixels:
        assert rgb[0, 0, 0] * 2 == painted[0, 0, 0]
        self._before += 1
        return painted + np.uint8(self._before - 1)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"before": np.array(self._before)}

    def restore(self, state: Any) -> None:
        self._before = int(state["before"])


def given(function: Summing, **more: Any) -> tuple[list[Any], Progress]:
    writer = Writer()
    return writer.given, paint(Reader(), writer, function, **more)


@pytest.mark.parametrize("overlap", [True, False])
def test_frames_and_packets_keep_their_order_and_their_times(overlap: bool) -> None:
    states: dict[int, int] = {}

    def remember(frames: int, state: Any) -> None:
        states[frames] = int(state["before"])

    several, progress = given(Summing(2), overlap=overlap, remember=remember)
    assert several == [0, 3, 6, "packet 2", 9, 12, 15, "packet 5", 18, 21, 24, "packet 8", 27, 30, 33, "packet 11"]
    assert several == given(Summing(1))[0]
    assert states == {4: 4, 8: 8, 12: 12}
    assert progress == Progress(FRAMES, (FRAMES - 1) * BASE)


def test_two_frames_are_painted_at_the_same_time() -> None:
    """Each waits until another one has begun."""
    pair = threading.Barrier(2)
    several, _ = given(Summing(2, lambda: pair.wait(timeout=10)))
    assert several == given(Summing(1))[0]


def test_what_was_painted_before_an_error_is_given() -> None:
    writer = Writer()
    with pytest.raises(VideoError, match="it broke"):
        paint(Reader(), writer, Summing(2, fails_at=7))
    assert writer.given == [0, 3, 6, "packet 2", 9, 12, 15, "packet 5", 18]


def test_frames_that_were_begun_are_finished_at_a_stop() -> None:
    asked = iter(range(99))
    some, progress = given(Summing(2), stop=lambda: next(asked) == 6)
    assert some == [0, 3, 6, "packet 2", 9, 12]
    assert progress.frames == 5


def test_a_function_hears_where_groups_begin() -> None:
    class InGroups(Summing):
        began: list[int]

        def afresh(self) -> None:
            self.began.append(self._now)

    for done in (0, 4):
        function = InGroups(2)
        function.began = []
        given(function, done=done)
        assert function.began == [0, 3, 7]  # the times of the frames before


def test_frames_of_an_earlier_run_are_passed_over() -> None:
    function = Summing(2)
    function.restore({"before": np.array(4)})
    some, _ = given(function, done=4)
    assert some == [None, None, None, "packet 2", None, *given(Summing(1))[0][5:]]


@pytest.mark.parametrize("at_once", [1, 2])
def test_pixels_are_freed_though_the_writer_keeps_the_times_of_a_group(at_once: int) -> None:
    read: list[weakref.ref[Pixels]] = []
    kept: list[Frame] = []
    there: list[int] = []

    class Watched(Reader):
        def items(self, wanted: Callable[[int], bool] = lambda _: True) -> Iterator[Any]:
            for item in super().items(wanted):
                if isinstance(item, Frame) and item.rgb is not None:
                    read.append(weakref.ref(item.rgb))
                yield item

    class Keeping(Writer):
        def write(self, rgb: Pixels | None, frame: Frame) -> None:
            super().write(rgb, frame)
            kept.append(frame)
            there.append(sum(pixels() is not None for pixels in read))

    paint(Watched(), Keeping(), Summing(at_once), overlap=False)
    assert [frame.pts for frame in kept] == list(range(FRAMES))
    assert max(there) <= at_once + 2
