"""A large picture in little memory and on all cores: a network's parts, one after the other, over bands of rows.

What a network has computed up to a norm is kept, in bands, and the norm gets the statistics of all of them. Every
thread takes a band by itself. So nothing waits for what onnxruntime does on one thread, and nothing but the rows at the
edges of bands is computed twice, as it is where tiles begin anew for every norm (`tiling.py`).
"""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.half_parts import in_halves
from fststyle.graph.parts import Parts
from fststyle.runtime.banded_painting import Band, BandedPainting
from fststyle.runtime.network import Network
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
_BAND_PIXELS, _ALL_PIXELS = 600_000, 2_000_000
_LEAST_ROWS = 128

# What running parts take, per pixel of the bands at one time, beside what is held between parts: so many times all
# tensors between parts, and more the wider the network, since what a part leaves in the pool seldom fits the next one.
# Measured at 6 megapixels, and the estimate: 39 and 58 (tiny, int8), 77 and 75 (tiny), 135 and 183 (fast, int8), 320
# and 361 (fast), 2,390 and 2,830 (johnson). In int8, johnson has a large kernel at full size: 3,930 and 4,020.
_TIMES, _WIDTH = 1.4, 550
_OF_COLUMNS = 1.55
_FIXED_BYTES = 150_000_000

# More of them wait for the memory.
_MOST_THREADS = 8


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
        cut = Parts.read(model.data, stored=True)
        if any(model.input_name in part.gives for part in cut.parts):
            raise ModelFileError(f"{model.name} begins with a norm; it has no bands")
        self._whole = _most_held(cut)
        between = sum(cut.sizes.values())
        self._running = max(between * (_TIMES + between / _WIDTH), cut.columns * _OF_COLUMNS)
        # Of others, nobody knows how large their numbers are.
        self._cut = cut if model.card is None else in_halves(cut, model.input_name)
        self._align = math.lcm(self._cut.align, multiple)
        self._threads = network.threads or min(_MOST_THREADS, usable_cores())

    def fits(self, height: int, width: int, memory: int) -> bool:
        """Whether a picture can be painted in bands within so many bytes."""
        at_once = min(height, self._threads * self._rows(width)) * width
        return _FIXED_BYTES + height * width * (6 + _most_held(self._cut)) + at_once * self._running <= memory

    def bytes_whole(self, height: int, width: int) -> float:
        """What a picture takes that is painted whole, by estimate."""
        return _FIXED_BYTES + height * width * (6 + _OF_WHOLE * self._whole)

    def run(self, rgb: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Paint (H, W, 3).

        Args:
            rgb: The picture.
            strength: As for `Network.run`.

        Raises:
            ModelFileError: The network fails.
        """
        give_back_freed_memory()
        bands = self._bands(*rgb.shape[:2])
        return BandedPainting(self._network, self._cut, bands, rgb, strength, self._threads).paint()

    def _rows(self, width: int) -> int:
        pixels = min(_BAND_PIXELS, _ALL_PIXELS // self._threads)
        rows = max(_LEAST_ROWS, pixels // width, *(part.halo for part in self._cut.parts))
        return math.ceil(rows / self._align) * self._align

    def _bands(self, height: int, width: int) -> list[Band]:
        return [Band(start, end, height) for start, end in pairwise([*range(0, height, self._rows(width)), height])]


def _most_held(cut: Parts) -> float:
    """The most bytes per pixel that the tensors between two parts take."""
    most, alive = 0.0, set[str]()
    for number, part in enumerate(cut.parts):
        later = {name for other in cut.parts[number + 1 :] for name in other.takes}
        alive = (alive | set(part.gives)) & later
        most = max(most, sum(cut.sizes[name] for name in alive))
    return most
