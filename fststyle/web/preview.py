"""What shows a network in a list: a detail of a sample photo, painted by it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle import samples
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import encode_picture, read_picture, resize_shorter_side

SIDE = 224
"""Of the preview, in pixels."""

_PHOTO = "temple"
_PAINTED_SIDE = 448


def preview_of(stylizer: Stylizer) -> bytes:
    """The preview of a network, a square WebP."""
    painted = stylizer(sample_photo())
    small = Image.fromarray(painted).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return encode_picture(np.asarray(small), None, ".webp", quality=82)


def sample_photo() -> NDArray[np.uint8]:
    """The detail that previews show, unpainted, (448, 448, 3)."""
    path = next(path for path in samples.photos() if path.stem == _PHOTO)
    rgb = resize_shorter_side(read_picture(path).rgb, _PAINTED_SIDE)
    top, left = ((side - _PAINTED_SIDE) // 2 for side in rgb.shape[:2])
    return rgb[top : top + _PAINTED_SIDE, left : left + _PAINTED_SIDE]
