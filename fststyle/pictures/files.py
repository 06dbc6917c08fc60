"""Picture files <-> uint8 arrays of shape (H, W, 3), sRGB, upright.

Whatever a camera, a scanner or a web page hands out becomes the same thing here; nothing above this module opens a
picture file.
"""

import errno
import io
import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from fststyle.errors import ImageError
from fststyle.pictures import bmp, tiff, tiff_samples
from fststyle.pictures.folder import find_images
from fststyle.pictures.formats import (
    READ_FORMATS,
    WRITE_SUFFIXES,
    format_of,
    is_raw,
    kind_of,
    reads_heif,
    refusal,
    suffix_to_write,
)
from fststyle.pictures.headers import encoding_of, mend_key
from fststyle.pictures.picture import BROKEN_FILE, Picture, to_picture
from fststyle.pictures.pillow_process import libtiff_handlers, pillow_limit
from fststyle.pictures.resizing import fit_longer_side, resize, resize_shorter_side, with_content_color
from fststyle.pictures.tiff_layout import layout_of
from fststyle.pictures.writing import encode_picture, refuse_size, write_picture
from fststyle.system.extras import extra
from fststyle.system.file_kinds import HEAD_BYTES, Kind, kind_of_content, kind_of_name
from fststyle.system.files import NoRegularFileError, require_regular_file
from fststyle.system.warn import warn

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "WRITE_SUFFIXES",
    "encode_picture",
    "find_images",
    "fit_longer_side",
    "format_of",
    "read_mask",
    "read_picture",
    "refuse_size",
    "resize",
    "resize_shorter_side",
    "suffix_to_write",
    "with_content_color",
    "write_picture",
]

DEFAULT_MAX_PIXELS = 250_000_000

_ABOUT_THE_PATH = {errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}

_WEB_ADDRESS = re.compile(r"(https?):/+", re.IGNORECASE)

# An MPO is a phone's JPEG with a preview or depth map behind it, a HEIC has its bursts and portraits: no animations.
_ONE_PICTURE = {"MPO", "HEIF"}


def read_picture(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    min_side_hint: int | None = None,
) -> Picture:
    """Decode a picture: upright by its EXIF tag, colors taken to sRGB, 16 bits cut to 8.

    Of an animation or a file of several pages the first is taken, with a warning.

    Args:
        source: A path, or a file opened for reading in binary mode.
        max_pixels: Pictures with more are refused from their header, before any memory is spent on them.
        min_side_hint: Lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size as long as its shorter side stays at or
            above this many pixels; several times faster for large photos.

    Raises:
        ImageError: There is no such file, or it is not a whole picture in a format we read.
    """
    if isinstance(source, str | os.PathLike):
        source = Path(source)
    name = str(source) if isinstance(source, Path) else "the picture"
    try:
        with ExitStack() as held:
            held.enter_context(pillow_limit.moved_to(max_pixels))
            held.enter_context(libtiff_handlers.silenced())
            if isinstance(source, Path):
                require_regular_file(source)
                source = held.enter_context(source.open("rb"))
            file = _seekable(source)
            image = held.enter_context(_opened(file, name, max_pixels))
            _refuse_many_pixels(image.size, max_pixels, name)
            return _decoded(image, file, name, min_side_hint)
    except FileNotFoundError as error:
        if (web := _WEB_ADDRESS.match(posix := Path(name).as_posix())) is not None:  # which has lost a slash of it
            raise ImageError(
                f"{web[1]}://{posix[web.end() :]} is a web address; download the picture, then name the file"
            ) from error
        raise ImageError(f"{name} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder; name a picture in it") from error
    except NoRegularFileError as error:
        raise ImageError(
            f"{name} is not a regular file; save what it brings in one, or, to paint a photo from a pipe, name -"
        ) from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read; check its permissions") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is broken or not in a format we read ({', '.join(READ_FORMATS)}); save it again as PNG or JPEG",
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has far more than the {max_pixels:,} pixels allowed; shrink it first") from error
    except MemoryError as error:
        raise ImageError(f"{name} is too large to be decoded in the memory there is; shrink it first") from error
    except BROKEN_FILE as error:
        if isinstance(error, OSError) and error.errno in _ABOUT_THE_PATH:
            raise ImageError(f"{name} cannot be read ({error.strerror}); check the path") from error
        reason = " ".join(str(error).split())
        raise ImageError(f"{name} cannot be read ({reason}); download or save it again") from error


def read_mask(source: str | os.PathLike[str] | BinaryIO, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a picture as a mask, (H, W): its brightness, and 0 where it is transparent.

    Args:
        source: As for `read_picture`.
        max_pixels: Likewise.

    Raises:
        ImageError: As `read_picture`.
    """
    picture = read_picture(source, max_pixels=max_pixels)
    mask = picture.rgb.mean(2, dtype=np.float32)
    if picture.alpha is not None:
        mask *= picture.alpha / np.float32(255)
    rounded: NDArray[np.uint8] = (mask + np.float32(0.5)).astype(np.uint8)
    return rounded


def _seekable(file: BinaryIO) -> BinaryIO:
    try:
        file.seek(0)
    except (AttributeError, OSError):  # a pipe
        return io.BytesIO(file.read())
    return file


def _refuse_many_pixels(size: tuple[int, int], max_pixels: int, name: str) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageError(
            f"{name} has {width}×{height} pixels, more than the {max_pixels:,} allowed; "
            "shrink it first, or raise max_pixels",
        )


def _opened(file: BinaryIO, name: str, max_pixels: int) -> Image.Image:
    """An image whose header is read.

    Raises:
        ImageError: It is a picture of a known kind that we do not read.
        UnidentifiedImageError: It is anything else.
    """
    path = Path(name)
    if (bit_fields := bmp.opened(file)) is not None:
        return bit_fields
    try:
        # A .dib is a BMP, mostly with its file header.
        image = Image.open(file, formats=[*READ_FORMATS, "DIB"] if path.suffix.lower() == ".dib" else READ_FORMATS)
    except (UnidentifiedImageError, KeyError) as error:
        file.seek(0)
        kind = kind_of(path.suffix, file.read(32))
        if kind == "HEIC" and reads_heif():
            return _opened_heif(file)
        if kind is not None:
            raise refusal(name, kind) from error
        if (tags := tiff.directory_of(file)) is None:
            file.seek(0)
            if kind_of_name(path) is Kind.NETWORK and kind_of_content(file.read(HEAD_BYTES)) is Kind.NETWORK:
                raise ImageError(f"{name} is {Kind.NETWORK.value}; name a picture in its place") from error
            raise
        return _opened_tiff(file, tags, name, max_pixels)
    if image.format == "TIFF" and is_raw(path):
        raise refusal(name, "camera raw")
    if isinstance(image, TiffImageFile) and tiff.is_misread(image):
        return _opened_tiff(file, image.tag_v2, name, max_pixels)
    return image


def _opened_tiff(file: BinaryIO, tags: ImageFileDirectory_v2, name: str, max_pixels: int) -> Image.Image:
    """A TIFF that Pillow has no mode for, decoded."""
    layout = layout_of(tags)
    if layout is None:
        raise tiff.refusal(tags, name)
    _refuse_many_pixels((layout.width, layout.height), max_pixels, name)
    return tiff_samples.image_of(file, tags, layout, name)


def _opened_heif(file: BinaryIO) -> Image.Image:
    with extra("heif"):
        from pillow_heif import HeifImageFile
    file.seek(0)
    try:
        image: Image.Image = HeifImageFile(file)
    except SyntaxError as error:
        raise UnidentifiedImageError(str(error)) from error
    return image


def _decoded(image: Image.Image, file: IO[bytes], name: str, min_side_hint: int | None) -> Picture:
    encoding = encoding_of(image, file, name)
    tiff.prepare(image, name)
    if image.format == "BMP":
        bmp.read_profile(image, file)
    if min_side_hint:
        image.draft(None, (min_side_hint, min_side_hint))
    tiff.load(image, name)
    if image.format == "PNG":
        mend_key(image, file)
    if image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        image = image.convert("RGB")  # the fourth byte was left empty, as other readers take it
    if image.format not in _ONE_PICTURE and getattr(image, "is_animated", False):
        warn(f"{name} holds several frames or pages; only the first is used")
    return to_picture(image, name, encoding=encoding, in_place=True)
