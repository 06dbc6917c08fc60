"""Reading a painting at the size that its style is learned at."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import ImageError
from fststyle.pictures.files import DEFAULT_MAX_PIXELS, read_picture, resize_shorter_side
from fststyle.system.warn import warn

SMALL = 0.7
"""A painting that is enlarged more than this has no brush strokes to learn."""

# Gray levels that a single color may vary by, as JPEG leaves it.
_FLAT = 8

MOST_PIXELS = 30_000_000
"""Of a painting as it is looked at: beyond this the loss network needs gigabytes."""

_BAND_ROWS = 256


def look_at(painting: Path | BinaryIO, style_size: int, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a painting at a size: (H, W, 3), its shorter side `style_size` pixels. White shows through transparency.

    Pictures with more than `max_pixels` are refused before they are decoded.
    Warns of what the network will not learn well: a painting that has to be enlarged, is transparent, or of one color.

    Raises:
        ImageError: It cannot be read, or is so narrow that at this size it would not fit into the memory.
    """
    picture = read_picture(painting, max_pixels=max_pixels)
    name = painting.name if isinstance(painting, Path) else "the painting"
    rgb, (height, width) = picture.rgb, picture.rgb.shape[:2]
    if picture.alpha is not None:
        rgb = _over_white(rgb, picture.alpha)
        warn(
            f"{name} is transparent in places; the network learns white there: cut out the painted part, or "
            "save it without transparency"
        )
    if (rgb.max(axis=(0, 1)) - rgb.min(axis=(0, 1))).max() <= _FLAT:
        warn(f"{name} is of one color, so there are no strokes to learn; give a picture with some")
    shorter, longer = sorted((height, width))
    if longer / shorter * style_size**2 > MOST_PIXELS:
        raise ImageError(
            f"{name} has {width}×{height} pixels, too narrow to be looked at with {style_size} on its shorter "
            "side; cut a broader part out of it"
        )
    if shorter < SMALL * style_size:
        warn(
            f"{name} has only {width}×{height} pixels and is enlarged to {style_size} on its shorter side; "
            f"expect soft, large strokes: give a larger picture of it, or --style-size {max(32, shorter)}"
        )
    return resize_shorter_side(rgb, style_size)


def _over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """White shows through; in bands, as all of a large picture in floating point would take a gigabyte."""
    made = np.empty_like(rgb)
    for top in range(0, len(rgb), _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        opacity = alpha[rows, :, None].astype(np.float32) / 255
        made[rows] = (rgb[rows] * opacity + 255 * (1 - opacity) + 0.5).astype(np.uint8)
    return made
