"""Large pictures painted coarse to fine.

A network's strokes have a size in pixels, so a photo of 8 megapixels gets strokes that nobody sees on a screen: it
looks like a tinted photo. Therefore a large photo is first painted small. That painting is enlarged, the photo's edges
are put back in, and the network paints it again at the next size.

Only what is finer than the coarse painting is taken from the later pass: seen on a screen, the picture is the coarse
painting, pixel by pixel. `step.py` puts the two together.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fststyle.paint.step import Step
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

# Sides of two passes differ by this much at least, so that the first one takes a fifth of the second one's time.
_LEAST_STEP = 2.25

# From this brush on, one step is too large: what is enlarged so far has no edges left to paint along.
_BRUSH_OF_THREE = 5.5


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
        brush = brush if count == 1 else max(brush, _LEAST_STEP)
    elif passes == 1:
        brush, count = scale, 1
    else:
        brush, count = scale * max(larger, 2.0 ** (passes - 1)), passes
    if brush <= 1 or count == 1:
        return [_divided(height, width, brush)]
    coarse = [_divided(height, width, brush ** (1 - number / (count - 1))) for number in range(count - 1)]
    return [*coarse, (height, width)]


def paint_in_passes(
    rgb: Pixels,
    paint: Callable[[Pixels], Pixels],
    sizes: list[Sides],
    prepare: Callable[[Pixels], Pixels],
    threads: int | None = None,
) -> Pixels:
    """Paint (H, W, 3) in passes of the given sizes.

    Args:
        rgb: The photo.
        paint: Keeps the size that it is given.
        sizes: As `sizes_of_passes` gives them. The last is the photo's own if there are several.
        prepare: What is done to the photo before the first pass.
        threads: For the arithmetic between two passes; None is a thread a core, at most 8.
    """
    if len(sizes) == 1:
        return resize(paint(prepare(resize(rgb, *sizes[0]))), *rgb.shape[:2])
    with ThreadPoolExecutor(threads or len(sizes), "sizes") as pool:
        photos = list(pool.map(lambda size: resize(rgb, *size), sizes))
    painted = paint(prepare(photos[0]))
    for (photo, larger), (before, size) in zip(pairwise(photos), pairwise(sizes), strict=True):
        painted = Step(photo, painted, before, size, threads).paint(larger, paint)
    return painted


def _divided(height: int, width: int, factor: float) -> Sides:
    return max(1, round(height / factor)), max(1, round(width / factor))
