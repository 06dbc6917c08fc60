"""Reads, paints and writes at the same time, and stops where it is told to without losing what is done."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol, runtime_checkable

import av
import numpy as np
from numpy.typing import NDArray

from fststyle.pictures.hidden_color import over_white
from fststyle.video.clip import Clip, Frame, Wanted, every
from fststyle.video.partial import State

# Frames that wait before each of the two later stages. More would only take memory: the network is the slowest.
_WAITING = 3

_END = object()


class FrameFunction(Protocol):
    """What is done to frames, one after the other."""

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Paint (H, W, 3); the answer has the same size."""

    def state(self) -> State:
        """What it remembers of earlier frames."""

    def restore(self, state: State) -> None:
        """Remember that instead."""


@runtime_checkable
class Timed(Protocol):
    """A frame function that changes with time."""

    def lasts(self, seconds: float | None) -> None:
        """Hear when the last frame is shown, about, before the first one; None if nobody knows."""

    def at(self, seconds: Fraction) -> None:
        """Hear when the next frame is shown, counted from the beginning of the cut."""


@runtime_checkable
class Grouped(Protocol):
    """A frame function of which groups of pictures are painted in several processes."""

    def afresh(self) -> None:
        """Hear that the next frame begins a group."""


@runtime_checkable
class InTwoParts(Protocol):
    """A frame function whose longer part sees each frame by itself, so that several frames may be in it at a time.

    Attributes:
        at_once: So many; 1 to call it as any other.
    """

    at_once: int

    def begun(self, rgb: NDArray[np.uint8]) -> Callable[[], NDArray[np.uint8]]:
        """The first part for (H, W, 3), as it is to be done for the time that was told last; for any thread."""

    def after(self, rgb: NDArray[np.uint8], painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The rest, frame after frame; `painted` is what the first part made."""


class Reader(Protocol):
    """Where frames come from."""

    clip: Clip

    def items(self, wanted: Wanted = every) -> Iterator["Frame | av.Packet[Any]"]:
        """Frames and packets; frames that are not wanted come without pixels."""


class Writer(Protocol):
    """Where they go."""

    group: int

    def write(self, rgb: NDArray[np.uint8] | None, frame: Frame) -> None:
        """Add a picture; None stands for one of an earlier run."""

    def copy(self, packet: "av.Packet[Any]") -> None:
        """Add a packet as it is."""


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        frames: Painted so far, those of an earlier run included.
        seconds: Time of the last one in the video.
    """

    frames: int
    seconds: Fraction


def paint(
    reader: Reader,
    writer: Writer,
    function: FrameFunction,
    *,
    done: int = 0,
    painted: Callable[[Progress], None] = lambda _: None,
    remember: Callable[[int, State], None] = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
    overlap: bool = True,
) -> Progress:
    """Put every frame through the function and hand it to the writer, which the caller closes.

    Args:
        reader: Where frames come from.
        writer: Where they go.
        function: What is done to them, here in this thread; if it is `InTwoParts`, the first one in threads beside.
        done: So many frames were painted and written before; they are passed over.
        painted: Told after every frame.
        remember: Given the function's state at every end of a group of pictures, before the group is written.
        stop: Asked before every frame; True ends the run there, with the frames that were begun.
        overlap: Read and write in threads of their own.

    Returns:
        How far it came.
    """
    items: Iterator[Any] = reader.items(lambda number: number >= done)
    sink: _Sink = _Sink(writer)
    source = _Ahead(items) if overlap else None
    behind = _Behind(sink) if overlap else None
    give: Callable[[Any], None] = behind.give if behind is not None else sink
    progress = Progress(0, Fraction(0))
    through = _several if isinstance(function, InTwoParts) and function.at_once > 1 else _one_by_one
    try:
        taken = _taken(source if source is not None else items, function, reader.clip, writer.group, stop)
        with closing(through(taken, function)) as shown:
            for item, rgb in shown:
                if not isinstance(item, Frame):
                    give(item)
                    continue
                # A writer keeps the times of a group of pictures; with the pixels that were read, it kept those, too.
                time = replace(item, rgb=None, alpha=None)
                give((rgb if rgb is None or item.alpha is None else over_white(rgb, item.alpha), time))
                progress = Progress(progress.frames + 1, item.pts * reader.clip.time_base)
                if rgb is not None:
                    painted(progress)
                    if progress.frames % writer.group == 0:
                        remember(progress.frames, function.state())
        if behind is not None:
            behind.finish()
    finally:
        if source is not None:
            source.stop()
        if behind is not None:
            behind.stop()
    return progress


def _taken(
    items: Iterable[Any], function: FrameFunction, clip: Clip, group: int, stop: Callable[[], bool]
) -> Iterator[Any]:
    """Items until it is to stop; the function hears of each frame's time, and where a group begins."""
    timed = function if isinstance(function, Timed) else None
    if timed is not None:
        timed.lasts(clip.last)
    frames = 0
    for item in items:
        if stop():
            return
        if isinstance(item, Frame):
            if frames % group == 0 and isinstance(function, Grouped):
                function.afresh()
            if timed is not None:
                timed.at(item.pts * clip.time_base)
            frames += 1
        yield item


# An item, and what is to be shown of it, if it is a frame that is wanted. Videos are written without transparency:
# white shows through.
_Shown = Generator[tuple[Any, NDArray[np.uint8] | None]]


def _one_by_one(items: Iterator[Any], function: Any) -> _Shown:
    for item in items:
        rgb = item.rgb if isinstance(item, Frame) else None
        yield item, None if rgb is None else function(rgb)


def _several(items: Iterator[Any], function: Any) -> _Shown:
    """One frame more than are painted waits for its turn, so that no thread waits for what is done here."""
    begun: deque[tuple[Any, Future[NDArray[np.uint8]] | None]] = deque()

    def first() -> tuple[Any, NDArray[np.uint8] | None]:
        item, painted = begun.popleft()
        return item, None if painted is None else function.after(item.rgb, painted.result())

    pool = ThreadPoolExecutor(function.at_once, "painter")
    try:
        for item in items:
            rgb = item.rgb if isinstance(item, Frame) else None
            work = None if rgb is None else pool.submit(copy_context().run, function.begun(rgb))
            begun.append((item, work))
            while begun and (begun[0][1] is None or sum(work is not None for _, work in begun) > function.at_once + 1):
                yield first()
        while begun:
            yield first()
    finally:
        pool.shutdown(cancel_futures=True)


class _Sink:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __call__(self, item: Any) -> None:
        if isinstance(item, tuple):
            self._writer.write(*item)
        else:
            self._writer.copy(item)


class _Ahead:
    """Runs an iterator in a thread, a few items ahead."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._queue: queue.Queue[Any] = queue.Queue(_WAITING)
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Any]:
        while (item := self._queue.get()) is not _END:
            yield item
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the thread, wherever it is."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def _run(self) -> None:
        try:
            for item in self._items:
                if self._stopped.is_set():
                    return
                self._queue.put(item)
        except Exception as error:  # noqa: BLE001 -- raised again where the items are used
            self._failure = error
        finally:
            self._queue.put(_END)


class _Behind:
    """Gives items to a function in a thread."""

    def __init__(self, function: Callable[[Any], None]) -> None:
        self._function = function
        self._queue: queue.Queue[Any] = queue.Queue(_WAITING)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def give(self, item: Any) -> None:
        """Hand over an item; what went wrong with an earlier one is raised here."""
        if self._failure is not None:
            raise self._failure
        self._queue.put(item)

    def finish(self) -> None:
        """Wait until everything is written."""
        self.stop()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the thread when it has done what was handed over."""
        if self._thread.is_alive():
            self._queue.put(_END)
            self._thread.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not _END:
            if self._failure is not None:
                continue  # keeps giving room, so that nobody waits for it
            try:
                self._function(item)
            except Exception as error:  # noqa: BLE001 -- raised again in the thread that gives
                self._failure = error
