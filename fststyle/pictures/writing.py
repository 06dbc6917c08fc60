"""uint8 pictures -> files."""

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.errors import ImageError
from fststyle.pictures.formats import format_of
from fststyle.pictures.hidden_color import over_white
from fststyle.pictures.provenance import marked, marking
from fststyle.system.file_kinds import Kind
from fststyle.system.files import write_result
from fststyle.system.ranges import is_whole, shown

_WITHOUT_ALPHA = {"JPEG", "BMP"}

# Pixels along a side that a format can hold; of JPEG, that libjpeg writes.
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_536}


def refuse_size(suffix: str, height: int, width: int) -> None:
    """Refuse a picture that the suffix's format cannot hold, before work is spent on it.

    Raises:
        ImageError: A side is too long.
    """
    file_format = format_of(suffix)
    longest = _LONGEST_SIDE.get(file_format)
    if longest is not None and max(height, width) > longest:
        raise ImageError(f"{file_format} cannot hold {width}×{height} pixels (at most {longest:,} a side); use .png")


def encode_picture(
    rgb: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None,
    suffix: str,
    *,
    quality: int = 95,
    painting: bool = False,
) -> bytes:
    """Encode to the format that `suffix` (".png", ".jpg", …) names.

    JPEG and BMP know no transparency: there the picture is laid over white, because the colors beneath transparent
    pixels are arbitrary and mostly black.

    Args:
        rgb: (H, W, 3).
        alpha: (H, W) or None.
        suffix: In any case, with its dot.
        quality: 1..100, for JPEG, WebP and AVIF. From 90 on JPEG keeps its colors at full resolution.
        painting: Put in the mark of `provenance`.

    Raises:
        ImageError: We do not write this format, or the format cannot hold this picture.
    """
    if not is_whole(quality, 1, 100):
        raise ValueError(f"quality must be a whole number in 1..100, not {shown(quality)}")
    file_format = format_of(suffix)
    refuse_size(suffix, *rgb.shape[:2])
    if alpha is not None and file_format in _WITHOUT_ALPHA:
        rgb, alpha = over_white(rgb, alpha), None
    image = Image.fromarray(rgb if alpha is None else np.dstack([rgb, alpha]))
    options = marking(file_format) if painting else {}
    if file_format in {"JPEG", "WEBP", "AVIF"}:
        options["quality"] = quality
    if file_format == "JPEG" and quality >= 90:
        options["subsampling"] = 0
    if file_format == "TIFF":
        options["compression"] = "tiff_deflate"
    buffer = io.BytesIO()
    try:
        image.save(buffer, file_format, **options)
    except (OSError, ValueError, RuntimeError, struct.error) as error:
        height, width = rgb.shape[:2]
        raise ImageError(f"{file_format} cannot hold {width}×{height} pixels ({error}); use .png") from error
    return marked(buffer.getvalue(), file_format) if painting else buffer.getvalue()


def write_picture(
    path: str | Path,
    rgb: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None = None,
    *,
    quality: int = 95,
    painting: bool = False,
) -> None:
    """Encode as `encode_picture` does, in the format of the suffix, and replace `path` whole or not at all.

    Raises:
        ImageError: As `encode_picture`, or the folder cannot be written.
    """
    path = Path(path)
    write_result(
        path, encode_picture(rgb, alpha, path.suffix, quality=quality, painting=painting), Kind.PICTURE, ImageError
    )
