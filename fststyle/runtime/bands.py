"""A large picture in little memory and on all cores: a network's parts, one after the other, over bands of rows.

What a network has computed up to a norm is kept, in bands, and the norm gets the statistics of all of them. Every
thread takes a band by itself. So nothing waits for what onnxruntime does on one thread, and nothing but the rows at the
edges of bands is computed twice, as it is where tiles begin anew for every norm (`tiling.py`).
"""

import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.parts import Part, Parts
from fststyle.graph.statistics import Statistics, Sums
from fststyle.runtime.network import Network
from fststyle.runtime.room import Room
from fststyle.system.cores import usable_cores
from fststyle.system.memory import give_back_freed_memory

LEAST_PIXELS = 4_000_000
"""Below, a picture is painted whole: it takes less time, and not much memory."""

LIGHT = 750_000_000
"""A larger picture, too, if it takes no more bytes than that whole."""

# What onnxruntime takes of a picture that is painted whole, as a multiple of the tensors between two parts. Measured at
# 12 megapixels: 2 to 5.
_OF_WHOLE = 5

# Of a band, and of all bands that are painted at one time. Fewer pixels are less memory, but more rows at edges.
_BAND_PIXELS, _ALL_PIXELS = 750_000, 2_000_000
_LEAST_ROWS = 128

# What a part takes while it runs, per pixel of its band, beside the tensors between parts. Measured: 60 to 110.
_BYTES = 120
_FIXED_BYTES = 150_000_000

# More of them wait for the memory.
_MOST_THREADS = 8

# Numbers that are summed at one time, by a product: for more, BLAS would start threads of its own.
_SUMMED = 8192

Tensor = NDArray[Any]


@dataclass(frozen=True)
class Band:
    """The pixel rows from `start` to `end` of a picture of `height` rows."""

    start: int
    end: int
    height: int

    def wider(self, halo: int) -> "Band":
        """With so many more rows on either side, as far as there are any."""
        return Band(max(0, self.start - halo), min(self.height, self.end + halo), self.height)

    def rows(self, stride: int) -> tuple[int, int | None]:
        """First and last row, exclusive, of a tensor; a tensor may be longer than the picture, so the last is open."""
        return self.start // stride, None if self.end == self.height else self.end // stride


class BandedNetwork:
    """A network ready to paint band by band."""

    def __init__(self, network: Network, multiple: int = 1) -> None:
        """Cut the graph.

        Args:
            network: What paints, on the CPU.
            multiple: Its sides, and so those of bands, must be multiples of this many pixels.

        Raises:
            ModelFileError: It cannot be painted so.
        """
        model = network.model
        if network.device != "cpu" or network.holds or any(model.input_shape[2:]):
            raise ModelFileError(f"{model.name} runs on no CPU, holds statistics, or is for one size; it has no bands")
        self._network = network
        self._cut = Parts.read(model.data, stored=True)
        if any(model.input_name in part.gives for part in self._cut.parts):
            raise ModelFileError(f"{model.name} begins with a norm; it has no bands")
        self._align = math.lcm(self._cut.align, multiple)
        self._threads = network.threads or min(_MOST_THREADS, usable_cores())

    def fits(self, height: int, width: int, memory: int) -> bool:
        """Whether a picture can be painted in bands within so many bytes."""
        at_once = min(height, self._threads * self._rows(width)) * width
        return _FIXED_BYTES + height * width * (6 + self._held()) + at_once * _BYTES <= memory

    def bytes_whole(self, height: int, width: int) -> float:
        """What a picture takes that is painted whole, by estimate."""
        return _FIXED_BYTES + height * width * (6 + _OF_WHOLE * self._held())

    def run(self, rgb: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Paint (H, W, 3).

        Args:
            rgb: The picture.
            strength: As for `Network.run`.

        Raises:
            ModelFileError: The network fails.
        """
        give_back_freed_memory()
        return _Painting(self._network, self._cut, self._bands(*rgb.shape[:2]), rgb, strength).paint(self._threads)

    def _rows(self, width: int) -> int:
        pixels = min(_BAND_PIXELS, _ALL_PIXELS // self._threads)
        rows = max(_LEAST_ROWS, pixels // width, *(part.halo for part in self._cut.parts))
        return math.ceil(rows / self._align) * self._align

    def _bands(self, height: int, width: int) -> list[Band]:
        return [Band(start, end, height) for start, end in pairwise([*range(0, height, self._rows(width)), height])]

    def _held(self) -> float:
        """The most bytes per pixel that the tensors between two parts take."""
        parts = self._cut.parts
        most, alive = 0.0, set[str]()
        for number, part in enumerate(parts):
            later = {name for other in parts[number + 1 :] for name in other.takes}
            alive = (alive | set(part.gives)) & later
            most = max(most, sum(self._cut.sizes[name] for name in alive))
        return most


class _Painting:
    """One picture while it is painted. Of every tensor there is an array for each band."""

    def __init__(
        self, network: Network, cut: Parts, bands: Sequence[Band], rgb: NDArray[np.uint8], strength: float
    ) -> None:
        self._network = network
        self._cut = cut
        self._bands = bands
        self._rgb = rgb
        self._strength = strength
        self._painted = np.empty_like(rgb)
        self._held: dict[str, list[Tensor | None]] = {}
        self._room = Room()
        self._scratch = threading.local()
        channels = sum(part.channels for part in cut.parts)
        self._statistics = Statistics(np.zeros(channels, np.float32), np.ones(channels, np.float32))

    def paint(self, threads: int) -> NDArray[np.uint8]:
        known = 0
        with ThreadPoolExecutor(threads, "bands") as pool:
            for number, part in enumerate(self._cut.parts):
                later = {name for other in self._cut.parts[number + 1 :] for name in other.takes}
                ending = [name for name in part.takes if name in self._held and name not in later]
                self._held |= {name: [None] * len(self._bands) for name in part.gives}
                self._room.clear()
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
        seen = band.wider(part.halo)
        known = {value.name for value in session.get_inputs()}
        feeds = {name: value for name, value in self._statistics.feeds().items() if name in known}
        held = [name for name in part.takes if name in self._held]
        feeds |= {name: self._rows(name, place, seen, number) for number, name in enumerate(held)}
        answers = self._network.ask(session, self._rgb[seen.start : seen.end], feeds, part.gives, self._strength)
        for name, answer in zip(part.gives, answers, strict=True):
            if part.source is None:
                self._put(answer, band, seen)
            else:
                self._held[name][place] = self._room.copy(self._own(answer, name, band, seen))
        self._let_go(ending, done, place)
        source = None if part.source is None else self._held[part.source][place]
        return (0, *np.zeros((2, 0), np.float32)) if source is None else _moments(source, part)

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
        rooms: dict[int, Tensor] = self._scratch.__dict__.setdefault("rooms", {})
        shape = (*pieces[0].shape[:2], sum(piece.shape[2] for piece in pieces), pieces[0].shape[3])
        size = math.prod(shape) * pieces[0].itemsize
        if room not in rooms or len(rooms[room]) < size:
            rooms[room] = np.empty(size, np.uint8)
        return np.concatenate(pieces, axis=2, out=rooms[room][:size].view(pieces[0].dtype).reshape(shape))

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
        with self._room.lock:
            done.add(place)
            for number in self._near(place):
                if done.issuperset(self._near(number)):
                    for name in names:
                        values, self._held[name][number] = self._held[name][number], None
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
