"""Large pictures painted coarse to fine.

A network's strokes have a size in pixels, so a photo of 8 megapixels gets strokes that nobody sees on a screen: it
looks like a tinted photo. Therefore a large photo is first painted small. That painting is enlarged, the photo's edges
are put back in, and the network paints it again at the next size.

Only what is finer than the coarse painting is taken from the later pass: seen on a screen, the picture is the coarse
painting, pixel by pixel. The fine part is added with no more contrast than the coarse painting's own spectrum promises
at that size. Without this, a style of large smooth shapes drowns in fine texture.

Pictures are worked on in bands of rows, so that arithmetic takes little memory beside the pictures themselves.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.pictures.files import resize

Pixels = NDArray[np.uint8]
Sides = tuple[int, int]
Passes = Literal["auto", 1, 2, 3]

FIRST_SIDE = 512
"""Short side of the first pass, if there are several.

So large is a painting on a screen when its strokes are seen. Networks that were trained on squares up to 768, or with
a painting of 320, paint best with it, too: scripts/benchmarks/measure_passes.py shows it.
"""

# Below this brush, a second pass costs more time than it is worth: the first is too large beside it.
_LEAST_BRUSH = 2.0

# From this brush on, one step is too large: what is enlarged so far has no edges left to paint along.
_BRUSH_OF_THREE = 5.5

# Side in pixels of the squares of the coarse picture in which photo and painting are compared.
_SQUARE = 8

# Contrast, in gray levels, below which a photo's detail is noise.
_NOISE_LEVELS = 20.0

# A painting may show an edge of the photo at up to this many times its contrast.
_MOST_EDGE = 1.5

# Rows are taken together until they have so many pixels; and so many rows at least, because Pillow, which resizes by
# rows and columns in turn, begins with the rows where that makes fewer of them. Rounding would then differ.
_BAND_PIXELS = 1_000_000
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
_MEASURED_ROWS = 32


def parse_passes(text: str) -> Passes:
    """Read what `--passes` takes.

    Raises:
        ValueError: It is neither "auto" nor 1, 2 or 3.
    """
    known = {str(value): value for value in get_args(Passes)}
    if text not in known:
        raise ValueError(f"passes must be one of {', '.join(known)}, not {text!r}")
    chosen: Passes = known[text]
    return chosen


def sizes_of_passes(height: int, width: int, passes: Passes, scale: float) -> list[Sides]:
    """Height and width of every pass, the coarsest first; a single pass may have another size than the picture.

    Args:
        height: Of the picture.
        width: Of the picture.
        passes: How many; "auto" chooses by size.
        scale: Brush size factor, on top of what the passes choose.
    """
    larger = max(1.0, min(height, width) / FIRST_SIDE)
    if passes == "auto":
        brush = scale * (larger if larger >= _LEAST_BRUSH else 1)
        count = 1 if brush < _LEAST_BRUSH else 2 if brush < _BRUSH_OF_THREE else 3
    elif passes == 1:
        brush, count = scale, 1
    else:
        brush, count = scale * max(larger, 2.0 ** (passes - 1)), passes
    if brush <= 1 or count == 1:
        return [_divided(height, width, brush)]
    coarse = [_divided(height, width, brush ** (1 - number / (count - 1))) for number in range(count - 1)]
    return [*coarse, (height, width)]


def paint_in_passes(
    rgb: Pixels, paint: Callable[[Pixels], Pixels], sizes: list[Sides], prepare: Callable[[Pixels], Pixels]
) -> Pixels:
    """Paint (H, W, 3) in passes of the given sizes.

    Args:
        rgb: The photo.
        paint: Keeps the size that it is given.
        sizes: As `sizes_of_passes` gives them. The last is the photo's own if there are several.
        prepare: What is done to the photo before the first pass.
    """
    photo = resize(rgb, *sizes[0])
    painted = paint(prepare(photo))
    for before, size in pairwise(sizes):
        larger = resize(rgb, *size)
        painted = _Step(photo, painted, before, size).paint(larger, paint)
        photo = larger
    return resize(painted, *rgb.shape[:2])


@dataclass(frozen=True)
class _Step:
    """From one pass to the next: photo and painting at the coarse size, and both sizes."""

    photo: Pixels
    painted: Pixels
    coarse: Sides
    fine: Sides

    def paint(self, photo: Pixels, paint: Callable[[Pixels], Pixels]) -> Pixels:
        """The painting at the fine size, of the photo at that size."""
        canvas = self._with_edges(photo)
        fine = paint(canvas)
        low = _image(fine).resize(self.coarse[::-1], Image.Resampling.LANCZOS, reducing_gap=2.0)
        share = round(self._share(fine, low) * 2**_SHIFT)
        for top, bottom in self._bands():
            # Widened sums do not overflow: a difference of bytes times 64 fits int16.
            detail = np.subtract(fine[top:bottom], self._enlarged(low, top, bottom), dtype=np.int16)
            detail *= share
            detail >>= _SHIFT
            detail += self._enlarged(self._painting, top, bottom)
            np.clip(detail, 0, 255, out=canvas[top:bottom], casting="unsafe")
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
        for top, bottom in self._bands():
            detail = np.subtract(
                np.asarray(_image(photo[top:bottom]).convert("L")), self._enlarged(gray, top, bottom), dtype=np.int16
            )
            gain = self._enlarged(gains, top, bottom, Image.Resampling.BILINEAR)
            detail = (detail * gain).astype(np.int16)
            detail = detail[:, :, None] + self._enlarged(self._painting, top, bottom)
            np.clip(detail, 0, 255, out=canvas[top:bottom], casting="unsafe")
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

    def _bands(self) -> Iterator[tuple[int, int]]:
        rows = max(_LEAST_ROWS, _BAND_PIXELS // self.fine[1])
        for top in range(0, self.fine[0], rows):
            yield top, min(top + rows, self.fine[0])

    def _enlarged(
        self, coarse: Image.Image, top: int, bottom: int, filter_: Image.Resampling = Image.Resampling.BICUBIC
    ) -> NDArray[np.generic]:
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
    gray = Image.fromarray(_gray(rgb))
    contrasts = []
    for _ in range(2):
        half = gray.resize((max(1, gray.width // 2), max(1, gray.height // 2)), Image.Resampling.LANCZOS)
        ground = half.resize(gray.size, Image.Resampling.LANCZOS)
        contrasts.append(float(np.sqrt(np.square(np.asarray(gray) - np.asarray(ground)).mean())))
        gray = half
    return contrasts[0], contrasts[1]


def _gray(rgb: Pixels) -> NDArray[np.float32]:
    return np.asarray(_image(rgb).convert("L"), np.float32)


def _image(rgb: Pixels) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(rgb))


def _divided(height: int, width: int, factor: float) -> Sides:
    return max(1, round(height / factor)), max(1, round(width / factor))
