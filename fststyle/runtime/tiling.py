"""A picture of any size in bounded memory, without seams.

A network sees nothing of a pixel farther away than its receptive field, except through its instance norms, which take
the mean and the variance of every channel over the whole picture. So those are found first, norm by norm, by running
the network up to that norm over tiles; then the tiles are painted with them. A tile is cut with a halo as wide as the
receptive field. At the picture's own border it ends there, so that the network continues it as it does the whole.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.receptive_field import Field, alignment, needs_alignment, receptive_fields
from fststyle.graph.statistics import MEASURED_COUNT, MEASURED_MEAN, MEASURED_VARIANCE, Statistics, Sums
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.runtime.network import Network

# Tiles begin and end at multiples of it, whatever the network.
_MULTIPLE = 8

# Larger tiles are no faster: their halo is small already, and the processor's caches are smaller still.
_LARGEST_CORE = 1024
_SMALLEST_CORE = 128

# Unless asked to be exact, the statistics come from this many pixels at most, in squares spread over the picture. Many
# small squares see more of it: of 16 megapixels, these are 43 dB from the whole, twice as many in squares of 256 41 dB,
# and those take longer.
_MEASURED_PIXELS = 4_000_000
_MEASURED_CORE = 128

# onnxruntime takes more than the tensors that are alive: convolutions work on copies in another order, and its arena
# rounds up. Measured at a megapixel: 665 bytes a pixel where 512 are alive, 683 where 256 are (peers' full width).
_OVERHEAD = 1.3
_OVERHEAD_BYTES = 350
_FIXED_BYTES = 150_000_000

_BEYOND = 2**31 - 1


@dataclass(frozen=True)
class Span:
    """Along one side: the pixels from `start` to `end` are wanted, those from `low` to `high` are run for it."""

    start: int
    end: int
    low: int
    high: int
    total: int

    def positions(self, field: Field) -> tuple[int, int]:
        """Which positions of a tensor with this field belong to the wanted pixels, counted from its beginning here.

        Those of all spans together are all the tensor's positions, each once.
        """
        shift, before = _center(field), int(self.low / field.stride)
        first = 0 if self.start == 0 else int(self.start / field.stride) + shift - before
        last = _BEYOND if self.end == self.total else int(self.end / field.stride) + shift - before
        return first, last


Tile = tuple[Span, Span]


class TiledNetwork:
    """A network ready to paint tile by tile.

    Attributes:
        bytes_per_pixel: What it takes to run, by estimate.
    """

    def __init__(self, network: Network, multiple: int = 1) -> None:
        """Read the graph.

        Args:
            network: What paints.
            multiple: Its sides, and so those of tiles, must be multiples of this many pixels.

        Raises:
            ModelFileError: It cannot be painted in tiles.
        """
        if any(network.model.input_shape[2:]):
            raise ModelFileError(
                f"{network.model.name} is for one size only and gets every picture resized to it; it needs no tiles"
            )
        self._network = network
        self._form = StatisticsForm.read(network.model.data)
        self._fields = receptive_fields(self._form.graph, self._form.norms)
        self._align = math.lcm(alignment(self._fields), _MULTIPLE, multiple)
        self._strides = alignment(self._fields) if needs_alignment(self._form.graph) else 1
        self.bytes_per_pixel = _OVERHEAD * self._live_bytes() + _OVERHEAD_BYTES

    def fits(self, height: int, width: int, memory: int) -> bool:
        """Whether a picture can be painted whole within so many bytes."""
        return _FIXED_BYTES + height * width * (self.bytes_per_pixel + 6) <= memory

    def least_memory(self, height: int, width: int) -> int:
        """Bytes that a picture takes in the smallest tiles."""
        side = _SMALLEST_CORE + 2 * self._halo(self._fields.values())
        return _besides_tiles(height, width) + math.ceil(side**2 * self.bytes_per_pixel)

    def run(
        self, rgb: NDArray[np.uint8], memory: int, *, exact: bool = False, strength: float = 1.0, held: int = 0
    ) -> NDArray[np.uint8]:
        """Paint (H, W, 3).

        Args:
            rgb: The picture.
            memory: In bytes, all of it: the process, the picture, what becomes of it, and a tile.
            exact: Take the statistics from all of the picture, as the network itself would, instead of from a sample.
            strength: As for `Network.run`.
            held: Bytes of the memory that other pictures take.

        Raises:
            ModelFileError: The network fails, or the memory does not even suffice for the smallest tile.
        """
        if any(side % self._strides for side in rgb.shape[:2]):
            raise ModelFileError(
                f"{self._network.model.name} can be painted in tiles only if the picture's sides are multiples of "
                f"{self._strides} pixels; shrink it with max_side, or allow more memory"
            )
        core = self._core_side(rgb.shape[0], rgb.shape[1], memory, held)
        statistics = self.measure(rgb, core, exact=exact, strength=strength)
        session = self._network.open(self._form.build(given=True))
        painted = np.empty_like(rgb)
        halo = self._halo([self._fields[self._form.graph.output_name]])
        for rows, columns in self._tiles(rgb.shape[0], rgb.shape[1], core, halo):
            part = rgb[rows.low : rows.high, columns.low : columns.high]
            tile = self._network.paint(session, part, self._feeds(statistics), strength)
            painted[rows.start : rows.end, columns.start : columns.end] = tile[
                rows.start - rows.low : rows.end - rows.low, columns.start - columns.low : columns.end - columns.low
            ]
        return painted

    def measure(
        self, rgb: NDArray[np.uint8], core: int = _LARGEST_CORE, *, exact: bool = False, strength: float = 1.0
    ) -> Statistics:
        """The statistics of every norm over all of the picture, or over a sample of it.

        Args:
            rgb: (H, W, 3).
            core: Side of the tiles, without their halo.
            exact: All of it.
            strength: As for `Network.run`.
        """
        height, width = rgb.shape[:2]
        channels = sum(norm.channels for norm in self._form.norms)
        statistics = Statistics(np.zeros(channels, np.float32), np.ones(channels, np.float32))
        sampled = not exact and height * width > _MEASURED_PIXELS
        for number, norm in enumerate(self._form.norms):
            session = self._network.open(
                self._form.build(given=number > 0, measured=[number], cores=True, picture=False)
            )
            names = [value.name for value in session.get_inputs()]
            fields = self._fields[norm.source]
            measured = min(core, max(1, _MEASURED_CORE // self._align) * self._align) if sampled else core
            tiles = self._tiles(height, width, measured, self._halo([fields]))
            sums = Sums(norm.channels)
            for rows, columns in _spread(tiles, height, width) if sampled else tiles:
                cores = np.zeros((len(self._form.norms), 4), np.int64)
                (top, bottom), (left, right) = rows.positions(fields[0]), columns.positions(fields[1])
                cores[number] = top, left, bottom, right
                feeds = {name: value for name, value in self._feeds(statistics).items() if name in names}
                mean, variance, count = self._network.ask(
                    session,
                    rgb[rows.low : rows.high, columns.low : columns.high],
                    feeds | {"cores": cores},
                    [MEASURED_MEAN, MEASURED_VARIANCE, MEASURED_COUNT],
                    strength,
                )
                sums.add(int(count[0]), mean, variance)
            part = self._form.part(number)
            statistics.mean[part], statistics.variance[part] = sums.mean, sums.variance
        return statistics

    def _feeds(self, statistics: Statistics) -> dict[str, NDArray[np.float32]]:
        return statistics.feeds() if self._form.norms else {}

    def _tiles(self, height: int, width: int, core: int, halo: int) -> list[Tile]:
        columns = list(_spans(width, core, halo))
        return [(row, column) for row in _spans(height, core, halo) for column in columns]

    def _halo(self, fields: Iterable[tuple[Field, Field]]) -> int:
        """Wide enough for the positions that `Span.positions` takes, and a multiple of the alignment."""
        widest = 0
        for field in (field for pair in fields for field in pair):
            shift = _center(field)
            before = -field.stride * shift - field.low
            after = field.stride * (shift - 1) + field.high + 1
            widest = max(widest, math.ceil(before), math.ceil(after))
        return -(-widest // self._align) * self._align

    def _core_side(self, height: int, width: int, memory: int, held: int = 0) -> int:
        least = self.least_memory(height, width) + held
        if memory < least:
            raise ModelFileError(
                # Rounded away from each other: who allows what is named here gets the painting.
                f"{width}×{height} pixels need at least {math.ceil(least / 1e7) / 100:.2f} GB of memory with "
                f"{self._network.model.name}, not {memory // 10**7 / 100:.2f}; allow more, or shrink the picture"
            )
        left = memory - held - _besides_tiles(height, width)
        side = math.isqrt(int(left / self.bytes_per_pixel)) - 2 * self._halo(self._fields.values())
        return min(max(side, _SMALLEST_CORE), _LARGEST_CORE) // self._align * self._align

    def _live_bytes(self) -> float:
        """The most bytes that tensors take at one time, per pixel of the picture."""
        graph = self._form.graph
        last = {name: at for at, node in enumerate(graph.nodes) for name in node.input}
        sizes = {}
        for name, (vertical, horizontal) in self._fields.items():
            shape = graph.shapes.get(name, ())
            channels = shape[1] if len(shape) == 4 and shape[1] else 64
            sizes[name] = float(4 * channels / (vertical.stride * horizontal.stride))
        alive, most = {graph.input_name: sizes[graph.input_name]}, 0.0
        for at, node in enumerate(graph.nodes):
            alive |= {name: sizes[name] for name in node.output if name in sizes}
            most = max(most, sum(alive.values()))
            alive = {name: size for name, size in alive.items() if last.get(name, -1) > at}
        return most


def _besides_tiles(height: int, width: int) -> int:
    return _FIXED_BYTES + 6 * height * width  # two pictures of 3 bytes a pixel


def _center(field: Field) -> int:
    """Which position sees pixel 0 in its middle, about."""
    return round(-(field.low + field.high) / 2 / field.stride)


def _spans(length: int, core: int, halo: int) -> Iterator[Span]:
    for start, end in pairwise([*range(0, length, core), length]):
        yield Span(start, end, max(0, start - halo), min(length, end + halo), length)


def _spread(tiles: list[Tile], height: int, width: int) -> list[Tile]:
    """As many as make up the sample, at equal distances in the order of a space-filling sequence."""
    wanted = max(1, round(len(tiles) * _MEASURED_PIXELS / (height * width)))
    # Steps of the golden ratio through the rows, one after the other, leave no column or diagonal out.
    order = sorted(range(len(tiles)), key=lambda number: number * 0.6180339887498949 % 1)
    return [tiles[number] for number in sorted(order[:wanted])]
