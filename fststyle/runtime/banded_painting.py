"""One large picture while it is painted in bands: which rows are held of what, and for how long."""

import math
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fststyle.graph.parts import Part, Parts
from fststyle.graph.statistics import Statistics, Sums
from fststyle.runtime.network import Network
from fststyle.runtime.room import Room

# Numbers that are summed at one time, by a product: for more, BLAS would start threads of its own.
_SUMMED = 8192

Tensor = NDArray[Any]


@dataclass(frozen=True)
class Band:
    """The pixel rows from `start` to `end` of a picture of `height` rows."""

    start: int
    end: int
    height: int

    def wider(self, before: int, after: int) -> "Band":
        """With so many more rows above and below, as far as there are any."""
        return Band(max(0, self.start - before), min(self.height, self.end + after), self.height)

    def rows(self, stride: int) -> tuple[int, int | None]:
        """First and last row, exclusive, of a tensor; a tensor may be longer than the picture, so the last is open."""
        return self.start // stride, None if self.end == self.height else self.end // stride


class BandedPainting:
    """One picture while it is painted. Of every tensor there is an array for each band; it is painted once."""

    def __init__(
        self,
        network: Network,
        cut: Parts,
        bands: Sequence[Band],
        rgb: NDArray[np.uint8],
        strength: float,
        threads: int,
    ) -> None:
        self._network = network
        self._threads = threads
        self._cut = cut
        self._bands = bands
        self._rgb = rgb
        self._strength = strength
        self._painted = np.empty_like(rgb)
        self._held: dict[str, list[Tensor | None]] = {}
        self._room = Room()
        self._lock = threading.Lock()
        self._known: dict[tuple[Any, ...], list[tuple[tuple[int, ...], np.dtype[Any]]]] = {}
        self._scratch = threading.local()
        channels = sum(part.channels for part in cut.parts)
        self._statistics = Statistics(np.zeros(channels, np.float32), np.ones(channels, np.float32))

    def paint(self) -> NDArray[np.uint8]:
        """The painting, (H, W, 3).

        Raises:
            ModelFileError: The network fails.
        """
        known = 0
        with ThreadPoolExecutor(self._threads, "bands") as pool:
            for number, part in enumerate(self._cut.parts):
                later = {name for other in self._cut.parts[number + 1 :] for name in other.takes}
                ending = [name for name in part.takes if name in self._held and name not in later]
                self._held |= {name: [None] * len(self._bands) for name in part.gives}
                if part.source is None:
                    self._room.close()
                work = partial(self._run, part, self._network.open(part.data, pooled=True), ending, set[int]())
                sums = Sums(part.channels)
                # Each needs a context of its own, in which it hears when it is to stop.
                running = [pool.submit(copy_context().run, work, place) for place in range(len(self._bands))]
                try:
                    for done in running:
                        sums.add(*done.result())
                finally:
                    for waiting in running:
                        waiting.cancel()
                where = slice(known, known + part.channels)
                self._statistics.mean[where], self._statistics.variance[where] = sums.mean, sums.variance
                known += part.channels
        return self._painted

    def _run(
        self, part: Part, session: onnxruntime.InferenceSession, ending: list[str], done: set[int], place: int
    ) -> tuple[int, Tensor, Tensor]:
        """Run a part over a band; count, mean and variance of what the next norm normalizes.

        Args:
            part: Of the network.
            session: Of the part.
            ending: Tensors that nothing takes after this part.
            done: The bands that the part was run over.
            place: The number of the band.
        """
        band = self._bands[place]
        seen = band.wider(part.before, part.after)
        known = {value.name for value in session.get_inputs()}
        feeds = {name: value for name, value in self._statistics.feeds().items() if name in known}
        held = [name for name in part.takes if name in self._held]
        feeds |= {name: self._rows(name, place, seen, number) for number, name in enumerate(held)}
        rgb = self._rgb[seen.start : seen.end]
        if part.source is None:
            network = self._network.thrifty() if place >= len(self._bands) - self._threads else self._network
            (answer,) = network.ask(session, rgb, feeds, part.gives, self._strength)
            self._put(answer, band, seen)
            self._let_go(ending, done, place)
            return 0, *np.zeros((2, 0), np.float32)
        made = {name: self._own(answer, name, band, seen) for name, answer in self._ask(part, session, rgb, feeds)}
        for name in part.gives:
            self._held[name][place] = made[name]
        self._let_go(ending, done, place)
        return _moments(made[part.source], part)

    def _ask(
        self, part: Part, session: onnxruntime.InferenceSession, rgb: NDArray[np.uint8], feeds: dict[str, Tensor]
    ) -> Iterable[tuple[str, Tensor]]:
        """What a part gives by name, in memory that stays; what is measured alone, in this thread's."""
        names = dict.fromkeys([*part.gives, *([part.source] if part.source is not None else [])])
        sides = part.source, rgb.shape, *(values.shape for values in feeds.values())
        if (known := self._known.get(sides)) is not None:
            into = [
                self._room.array(*form) if name in part.gives else self._own_room(name, *form)
                for name, form in zip(names, known, strict=True)
            ]
            return zip(names, self._network.ask(session, rgb, feeds, [*names], self._strength, into), strict=True)
        answers = self._network.ask(session, rgb, feeds, [*names], self._strength)
        self._known[sides] = [(answer.shape, answer.dtype) for answer in answers]
        return [
            (name, self._room.copy(answer) if name in part.gives else answer)
            for name, answer in zip(names, answers, strict=True)
        ]

    def _rows(self, name: str, place: int, seen: Band, room: int) -> Tensor:
        """A tensor's rows for a band, whose edges lie in those of its neighbors, in this thread's room of this number.

        New memory for every band would cost as much as what is done with it.
        """
        stride = self._cut.strides[name][0]
        first, last = seen.rows(stride)
        pieces = []
        for number in self._near(place):
            values, begun = self._held[name][number], self._bands[number].start // stride
            if values is not None:  # it is never let go of before its last reader
                pieces.append(values[:, :, max(0, first - begun) : None if last is None else max(0, last - begun)])
        shape = (*pieces[0].shape[:2], sum(piece.shape[2] for piece in pieces), pieces[0].shape[3])
        return np.concatenate(pieces, axis=2, out=self._own_room(room, shape, pieces[0].dtype))

    def _own_room(self, key: int | str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """An array in this thread's room of this key, which holds anything."""
        rooms: dict[int | str, Tensor] = self._scratch.__dict__.setdefault("rooms", {})
        size = math.prod(shape) * dtype.itemsize
        if key not in rooms or len(rooms[key]) < size:
            rooms[key] = np.empty(size, np.uint8)
        return rooms[key][:size].view(dtype).reshape(shape)

    def _own(self, answer: Tensor, name: str, band: Band, seen: Band) -> Tensor:
        """The rows that belong to a band and not to its neighbors."""
        stride = self._cut.strides[name][0]
        first, last = band.rows(stride)
        before = seen.start // stride
        return answer[:, :, first - before : None if last is None else last - before]

    def _put(self, answer: Tensor, band: Band, seen: Band) -> None:
        own = slice(band.start - seen.start, band.end - seen.start)
        rows = answer[:, own] if answer.shape[3] == 3 != answer.shape[1] else answer[:, :, own]
        sides = band.end - band.start, self._rgb.shape[1]
        self._painted[band.start : band.end] = self._network.to_rgb(rows, sides)

    def _let_go(self, names: list[str], done: set[int], place: int) -> None:
        """Let go of what none of the bands that are still to come reads."""
        with self._lock:
            done.add(place)
            for number in self._near(place):
                if done.issuperset(self._near(number)):
                    for name in names:
                        values, self._held[name][number] = self._held[name][number], None
                        if values is not None:
                            self._room.take_back(values)

    def _near(self, place: int) -> range:
        """A band and its neighbors."""
        return range(max(0, place - 1), min(len(self._bands), place + 2))


def _moments(source: Tensor, part: Part) -> tuple[int, Tensor, Tensor]:
    """Count, mean and variance of every channel, as `Sums` takes them."""
    planes = source[0]
    mean, variance = np.empty((2, len(planes)))
    numbers = np.empty(planes[0].size, np.float32)
    pieces = [numbers[start : start + _SUMMED] for start in range(0, numbers.size, _SUMMED)]
    ones = np.ones(_SUMMED, np.float32)
    for channel, plane in enumerate(planes):  # one at a time stays in the cache
        np.copyto(numbers.reshape(plane.shape), plane)
        mean[channel] = sum(float(np.dot(piece, ones[: len(piece)])) for piece in pieces) / numbers.size
        numbers -= np.float32(mean[channel])
        variance[channel] = sum(float(np.dot(piece, piece)) for piece in pieces) / numbers.size
    means = mean.reshape(part.channels, -1)
    variance = variance.reshape(part.channels, -1).mean(1) + means.var(1)
    count = planes[0].size * means.shape[1]
    return count, part.step * (means.mean(1) - part.zero), part.step**2 * variance
