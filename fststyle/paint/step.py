"""From a coarse painting to the next finer one: edges of the photo put in, a later pass laid in.

The fine part of the later pass is added with no more contrast than the coarse painting's own spectrum promises at that
size. Without this, a style of large smooth shapes drowns in fine texture.

Pictures are worked on in bands of rows, so that arithmetic takes little memory beside the pictures themselves.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.system.cores import usable_cores

Pixels = NDArray[np.uint8]
Sides = tuple[int, int]

# Side in pixels of the squares of the coarse picture in which photo and painting are compared.
_SQUARE = 8

# Contrast, in gray levels, below which a photo's detail is noise.
_NOISE_LEVELS = 20.0

# A painting may show an edge of the photo at up to this many times its contrast.
_MOST_EDGE = 1.5

# Rows are taken together until they have so many pixels; and so many rows at least, because Pillow, which resizes by
# rows and columns in turn, begins with the rows where that makes fewer of them. Rounding would then differ.
_BAND_PIXELS = 250_000
_LEAST_ROWS = 32

# Rows that a cubic filter needs on both sides.
_CUBIC = 3

# Fixed point: fractions of the arithmetic on int16.
_SHIFT = 6

# From octave to octave, a painting's contrast falls by a factor that is much the same at all sizes. What a network
# paints falls faster, because its finest octave is too weak. Hardly a painting falls faster than by `_LEAST_FALL`.
# scripts/benchmarks/measure_passes.py tells the octaves of networks and paintings.
_SOFTNESS = 1.1
_LEAST_FALL = 0.7

# Contrast is measured in so many bands of so many rows.
_MEASURED_BANDS = 12
_MEASURED_ROWS = 8

# More threads than that wait for the memory.
_MOST_THREADS = 8


@dataclass(frozen=True)
class Step:
    """From one pass to the next: photo and painting at the coarse size, and both sizes."""

    photo: Pixels
    painted: Pixels
    coarse: Sides
    fine: Sides
    threads: int | None = None

    def paint(self, photo: Pixels, paint: Callable[[Pixels], Pixels]) -> Pixels:
        """The painting at the fine size, of the photo at that size."""
        canvas = self._with_edges(photo)
        fine = paint(canvas)
        low = _image(fine).resize(self.coarse[::-1], Image.Resampling.LANCZOS, reducing_gap=2.0)
        share = round(self._share(fine, low) * 2**_SHIFT)

        def lay_in(top: int, bottom: int) -> None:
            # A difference of bytes times 64 fits int16.
            detail = np.subtract(fine[top:bottom], self._enlarged(low, top, bottom), dtype=np.int16)
            detail *= share
            detail >>= _SHIFT
            detail += self._enlarged(self._painting, top, bottom)
            np.clip(detail, 0, 255, out=canvas[top:bottom], casting="unsafe")

        self._by_bands(lay_in)
        return canvas

    @cached_property
    def _painting(self) -> Image.Image:
        return _image(self.painted)

    def _with_edges(self, photo: Pixels) -> Pixels:
        """The coarse painting enlarged, with the photo's finer edges in it.

        A guided filter (He et al. 2010; He and Sun 2015 compute it at a smaller size, as here): in every square of the
        coarse pictures the painting is about `gain` times the photo, plus something. The photo's finer detail is added
        times that gain, so it gets the contrast and the sign that the painting has there.
        """
        canvas = np.empty((*self.fine, 3), np.uint8)
        gray = _image(self.photo).convert("L")
        gains = Image.fromarray(_edge_gains(np.asarray(gray, np.float32), _gray(self.painted)))

        def draw(top: int, bottom: int) -> None:
            detail = np.subtract(
                np.asarray(_image(photo[top:bottom]).convert("L")), self._enlarged(gray, top, bottom), dtype=np.int16
            )
            gain = self._enlarged(gains, top, bottom, Image.Resampling.BILINEAR)
            detail = np.multiply(detail, gain, dtype=np.float32).astype(np.int16)
            painted = self._enlarged(self._painting, top, bottom)
            for channel in range(3):  # three values at a time would take longer
                drawn = detail + painted[:, :, channel]
                np.clip(drawn, 0, 255, out=canvas[top:bottom, :, channel], casting="unsafe")

        self._by_bands(draw)
        return canvas

    def _share(self, fine: Pixels, low: Image.Image) -> float:
        """How much of the fine part is taken, 0..1: so much that it has the contrast that the coarse painting promises.

        The second finest octave of the coarse painting has the contrast of the painting itself, and tells with its fall
        what the finer ones would have.
        """
        finest, second = octave_contrasts(self.painted)
        fall = min(1.0, max(_LEAST_FALL, _SOFTNESS * finest / second)) if second else 1.0
        octaves = math.log2(self.fine[0] / self.coarse[0])
        promised = 0.0
        for number in range(math.ceil(octaves)):
            promised += min(1.0, octaves - number) * (second * fall ** (number + 2)) ** 2
        found = []
        step = max(_MEASURED_ROWS, self.fine[0] // _MEASURED_BANDS)
        for top in range(0, self.fine[0], step):
            bottom = min(top + _MEASURED_ROWS, self.fine[0])
            detail = np.subtract(fine[top:bottom], self._enlarged(low, top, bottom), dtype=np.float32)
            found.append(float(np.square(detail.mean(axis=2)).mean()))
        contrast = sum(found) / len(found)
        return min(1.0, math.sqrt(promised / contrast)) if contrast else 1.0

    def _by_bands(self, work: Callable[[int, int], None]) -> None:
        """Do it for the rows from top to bottom of every band; the bands share nothing."""
        height, width = self.fine
        tops = range(0, height, max(_LEAST_ROWS, _BAND_PIXELS // width))
        bottoms = [*tops[1:], height]
        workers = self.threads or min(_MOST_THREADS, usable_cores())
        if workers == 1 or len(tops) == 1:
            for top, bottom in zip(tops, bottoms, strict=True):
                work(top, bottom)
            return
        with ThreadPoolExecutor(workers, "bands") as pool:
            list(pool.map(work, tops, bottoms))

    def _enlarged(
        self, coarse: Image.Image, top: int, bottom: int, filter_: Image.Resampling = Image.Resampling.BICUBIC
    ) -> NDArray[Any]:
        """Rows of a coarse picture enlarged to the fine size: the same rows as of the whole, so bands have no seams."""
        scale = coarse.height / self.fine[0]
        first = max(0, math.floor(top * scale) - _CUBIC)
        last = min(coarse.height, math.ceil(bottom * scale) + _CUBIC)
        part = coarse.crop((0, first, coarse.width, last))
        box = (0.0, top * scale - first, float(coarse.width), bottom * scale - first)
        return np.asarray(part.resize((self.fine[1], bottom - top), filter_, box=box))


def _edge_gains(photo: NDArray[np.float32], painted: NDArray[np.float32]) -> NDArray[np.float32]:
    """The painting's contrast over the photo's in every square, (ceil(h / 8), ceil(w / 8)), both (h, w)."""
    mean, mean_painted = _square_means(photo), _square_means(painted)
    covariance = _square_means(photo * painted) - mean * mean_painted
    variance = _square_means(photo * photo) - mean * mean
    return np.clip(covariance / (variance + np.float32(_NOISE_LEVELS**2)), -_MOST_EDGE, _MOST_EDGE)


def _square_means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(values).reduce(_SQUARE))


def octave_contrasts(rgb: Pixels) -> tuple[float, float]:
    """Standard deviations of the finest octave of a picture's brightness, and of the next one."""
    gray = _image(rgb).convert("L")
    contrasts = []
    for _ in range(2):
        half = gray.resize((max(1, gray.width // 2), max(1, gray.height // 2)), Image.Resampling.LANCZOS)
        ground = half.resize(gray.size, Image.Resampling.LANCZOS)
        detail = np.subtract(np.asarray(gray), np.asarray(ground), dtype=np.float32)
        contrasts.append(float(np.sqrt(np.square(detail).mean())))
        gray = half
    return contrasts[0], contrasts[1]


def _gray(rgb: Pixels) -> NDArray[np.float32]:
    return np.asarray(_image(rgb).convert("L"), np.float32)


def _image(rgb: Pixels) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(rgb))
