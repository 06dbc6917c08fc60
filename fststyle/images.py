"""Picture files <-> uint8 arrays of shape (H, W, 3), sRGB, upright.

Whatever a camera, a scanner or a web page hands out becomes the same thing here; nothing above this module opens a
picture file.
"""

import io
import os
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fststyle.errors import ImageError
from fststyle.file_kinds import Kind
from fststyle.files import is_file, is_folder, require_regular_file, write_result
from fststyle.picture import BROKEN_FILE, Picture, to_picture
from fststyle.provenance import marking

DEFAULT_MAX_PIXELS = 250_000_000

_READ_FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM"]
_READ_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".tif", ".tiff"),
    *(".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"),
}
_WRITE_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
    ".bmp": "BMP",
}
WRITE_SUFFIXES = tuple(_WRITE_FORMATS)
_WITHOUT_ALPHA = {"JPEG", "BMP"}

# Pixels along a side that a format can hold; of JPEG, that libjpeg writes.
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_536}


class _PillowLimit:
    """Pillow warns at 89 and refuses at 179 megapixels, for the whole process, when a file is opened and again later.

    While pictures are read, what they may have takes its place, for Pillow's warning; it refuses twice as much. Our own
    check comes after the opening, and opening a GIF may already fill a frame, whose size a few bytes say.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._allowed: list[int] = []
        self._before: int | None = None

    @contextmanager
    def moved_to(self, max_pixels: int) -> Iterator[None]:
        with self._lock:
            if not self._allowed:
                self._before = Image.MAX_IMAGE_PIXELS
            self._allowed.append(max_pixels)
            Image.MAX_IMAGE_PIXELS = max(self._allowed)
        try:
            yield
        finally:
            with self._lock:
                self._allowed.remove(max_pixels)
                Image.MAX_IMAGE_PIXELS = max(self._allowed) if self._allowed else self._before


_pillow_limit = _PillowLimit()


def read_picture(
    source: Path | BinaryIO,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    min_side_hint: int | None = None,
) -> Picture:
    """Decode a picture: upright by its EXIF tag, colors taken to sRGB by its ICC profile, 16 bit cut to 8.

    Of an animation or a file of several pages the first is taken, with a warning.

    Args:
        source: A path, or a file opened for reading in binary mode.
        max_pixels: Pictures with more are refused from their header, before any memory is spent on them.
        min_side_hint: Lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size as long as its shorter side stays at or
            above this many pixels; several times faster for large photos.

    Raises:
        ImageError: There is no such file, or it is not a whole picture in a format we read.
    """
    name = str(source) if isinstance(source, Path) else "the picture"
    try:
        if isinstance(source, Path):
            require_regular_file(source)
        with _pillow_limit.moved_to(max_pixels), Image.open(source, formats=_READ_FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ImageError(
                    f"{name} has {width}×{height} pixels, more than the {max_pixels:,} allowed; "
                    "shrink it first, or raise max_pixels",
                )
            if min_side_hint:
                image.draft(None, (min_side_hint, min_side_hint))
            image.load()
            # An MPO is a phone's JPEG with a preview or depth map behind it, not an animation.
            if image.format != "MPO" and getattr(image, "is_animated", False):
                warnings.warn(f"{name} holds several frames or pages; only the first is used", stacklevel=2)
            return to_picture(image, name)
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder; name a picture in it") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read; check its permissions") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is broken or not in a format we read ({', '.join(_READ_FORMATS)}); save it again as PNG or JPEG",
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has far more than the {max_pixels:,} pixels allowed; shrink it first") from error
    except MemoryError as error:
        raise ImageError(f"{name} is too large to be decoded in the memory there is; shrink it first") from error
    except BROKEN_FILE as error:
        reason = " ".join(str(error).split())
        raise ImageError(f"{name} cannot be read ({reason}); download or save it again") from error


def format_of(suffix: str) -> str:
    """Pillow's name for the format that a suffix asks for: ".jpg" is "JPEG".

    Raises:
        ImageError: We do not write such files.
    """
    file_format = _WRITE_FORMATS.get(suffix.lower())
    if file_format is None:
        raise ImageError(f"cannot write pictures called '*{suffix}'; use one of {', '.join(WRITE_SUFFIXES)}")
    return file_format


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
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must lie in 1..100, not {quality}")
    file_format = format_of(suffix)
    refuse_size(suffix, *rgb.shape[:2])
    if alpha is not None and file_format in _WITHOUT_ALPHA:
        opacity = alpha[:, :, None].astype(np.float32) / 255
        rgb = (rgb * opacity + 255 * (1 - opacity) + 0.5).astype(np.uint8)
        alpha = None
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
    return buffer.getvalue()


def write_picture(
    path: Path,
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
    write_result(
        path, encode_picture(rgb, alpha, path.suffix, quality=quality, painting=painting), Kind.PICTURE, ImageError
    )


def find_images(root: Path) -> list[Path]:
    """List the picture files below a folder, sorted, by suffix; nothing is opened.

    Hidden files and folders are skipped, links followed, but no folder is entered twice. A folder that may not be
    read, or looked into, is named in a warning.

    Raises:
        ImageError: `root` is not a folder.
    """
    if not is_folder(root):
        raise ImageError(f"{root} is not a folder; name one that holds pictures")

    def warn(error: OSError) -> None:
        warnings.warn(f"{error.filename} is left out: {error.strerror}", stacklevel=3)

    found: list[Path] = []
    entered = {_identity(root)}
    for folder, subfolders, names in os.walk(root, onerror=warn, followlinks=True):
        fresh: list[str] = []
        for name in sorted(subfolders):
            if name.startswith("."):
                continue
            try:
                identity = _identity(Path(folder, name))
            except OSError as error:
                warn(error)
                continue
            if identity not in entered:
                entered.add(identity)
                fresh.append(name)
        subfolders[:] = fresh
        for name in names:
            path = Path(folder, name)
            if not name.startswith(".") and path.suffix.lower() in _READ_SUFFIXES and is_file(path):
                found.append(path)
    return sorted(found)


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize (H, W, 3) or (H, W) by Lanczos."""
    if image.shape[:2] == (height, width):
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def resize_shorter_side(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrink or enlarge so that the shorter side has `side` pixels."""
    return _scale(rgb, side / min(rgb.shape[:2]))


def fit_longer_side(image: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    """Shrink (H, W, 3) or (H, W) so that no side exceeds `max_side`; never enlarge."""
    return _scale(image, min(1.0, max_side / max(image.shape[:2])))


def with_content_color(stylized: NDArray[np.uint8], content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paint the content's colors with the stylized picture's brightness.

    Luminance is exchanged in YCbCr (BT.601, full range). As R − Y, G − Y and B − Y depend on Cb and Cr alone, that
    means adding the difference of the two luminances to every channel of the content.
    """
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    difference = stylized @ weights - content @ weights  # (H, W)
    painted: NDArray[np.uint8] = np.clip(content + difference[:, :, None] + 0.5, 0, 255).astype(np.uint8)
    return painted


def _scale(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    if factor <= 0:
        raise ValueError("a side must have at least one pixel")
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return resize(image, height, width)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
