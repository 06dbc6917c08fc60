"""What Pillow reads of TIFF files otherwise than they mean it, put right."""

import struct
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from fststyle.errors import ImageError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _PLANAR, _FORMAT, _DNG_VERSION = 277, 284, 339, 50706
_SEPARATE = 2
_SIGNED = 2
_FORMATS = {1: "", 2: "signed ", 3: "floating-point ", 5: "complex ", 6: "complex "}
_WHITE_IS_ZERO = 0
# Compressions that libtiff may be built without.
_OPTIONAL = {
    **dict.fromkeys((33003, 33004, 33005, 34712), "JPEG 2000"),
    34887: "LERC",
    50001: "WebP",
    **dict.fromkeys((50002, 52546), "JPEG XL"),
}
_REMEDY = "save it with 8 or 16 bits a channel"


def prepare(image: Image.Image, name: str) -> None:
    """Make ready what Pillow has opened and not yet decoded; no TIFF is left as it is.

    Raises:
        ImageError: Its values cannot be told apart from black and white.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    tags = image.tag_v2
    if _DNG_VERSION in tags:
        raise ImageError(f"{name} is a camera raw file, which is not read; develop it to JPEG or TIFF first")
    if _SIGNED in _several(tags.get(_FORMAT, 1)):
        raise ImageError(f"{name} holds signed values, whose black and white are unknown; {_REMEDY}, unsigned")
    if not image.tile:  # decoded already
        return
    if tags.get(_PLANAR) == _SEPARATE:
        _prepare_planes(image)
    if image.mode == "YCbCr":
        # Pillow's own decoder knows neither chroma of fewer pixels nor another black and white.
        image._mode = "RGB"
        _decode_by_libtiff(image, "RGBX")
    if image.mode == "F" and image.use_load_libtiff:
        _decode_by_libtiff(image, "F;32NF")  # libtiff has turned the bytes already


def _prepare_planes(image: TiffImagePlugin.TiffImageFile) -> None:
    """Pillow's own decoder takes the planes of uncompressed files for bytes; libtiff knows their depth."""
    if len(_several(image.tag_v2.get(_BITS, 1))) == 1:
        # One plane is as good as none.
        image.tag_v2[_PLANAR] = 1
        image._setup()
    elif image.mode in {"RGB", "RGBA", "CMYK"} and not image.use_load_libtiff:
        depth = ";16N" if _several(image.tag_v2[_BITS])[0] == 16 else ""
        _decode_by_libtiff(image, image.mode + depth)


def _decode_by_libtiff(image: TiffImagePlugin.TiffImageFile, raw_mode: str) -> None:
    tags = image.tag_v2
    whole = (0, 0, int(tags[_WIDTH]), int(tags[_HEIGHT]))
    arguments = (raw_mode, False, tags.offset)
    image.tile = [image.tile[0]._replace(codec_name="libtiff", extents=whole, offset=0, args=arguments)]
    image.use_load_libtiff = True


def values_of(image: Image.Image) -> Image.Image:
    """A decoded image; gray of more than 8 bits becomes I;16 with black at 0 and white at 65535, or F in 0..1."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return image
    if image.mode == "LAB" and image.tag_v2.get(_PLANAR) == _SEPARATE:
        # Of planes, Pillow forgets that a and b are signed.
        signs = np.array([0, 128, 128], np.uint8)
        return _like(image, Image.frombytes("LAB", image.size, np.bitwise_xor(np.asarray(image), signs).tobytes()))
    if not image.mode.startswith(("I", "F")):
        return image
    white_is_zero = image.tag_v2.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO
    values: NDArray[Any] = np.asarray(image)
    if image.mode == "F":
        return _like(image, Image.fromarray(np.float32(1) - values if white_is_zero else values))
    bits = _several(image.tag_v2.get(_BITS, 1))[0]
    if bits == 12:
        values = values << 4 | values >> 8
    elif bits == 32:
        # Not quite black stays so, for a warning.
        values = np.maximum(values.view(np.uint32) >> 16, values != 0)
    values = values.astype(np.uint16)
    return _like(image, Image.fromarray(np.uint16(65535) - values if white_is_zero else values))


def _like(image: Image.Image, values: Image.Image) -> Image.Image:
    values.info = image.info
    return values


def directory_of(file: IO[bytes]) -> TiffImagePlugin.ImageFileDirectory_v2 | None:
    """The tags of a TIFF that Pillow cannot open; None if it is none."""
    try:
        file.seek(0)
        header = file.read(16)
        if header[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return None
        tags = TiffImagePlugin.ImageFileDirectory_v2(header if 43 in header[2:4] else header[:8])
        file.seek(tags.next)
        tags.load(file)
        complete = isinstance(tags.get(_WIDTH), int) and isinstance(tags.get(_HEIGHT), int)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return None
    return tags if complete else None


def load(image: Image.Image, name: str) -> None:
    """Decode.

    Raises:
        ImageError: It is a TIFF with a compression that Pillow's libtiff was built without.
        OSError: It is broken.
    """
    try:
        image.load()
    except OSError as error:
        tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
        if tags.get(_COMPRESSION) in _OPTIONAL:
            raise refusal(tags, name) from error
        raise


def refusal(tags: Any, name: str) -> ImageError:
    """The error for a TIFF that is whole and not read, by its tags: "3 channels of 32 floating-point bits"."""
    compression = tags.get(_COMPRESSION, 1)
    if compression in _OPTIONAL or compression not in TiffImagePlugin.COMPRESSION_INFO:
        how = _OPTIONAL.get(compression, f"way {compression}")
        return ImageError(f"{name} is a TIFF compressed by {how}, which is not read; save it with LZW or Deflate")
    channels = tags.get(_SAMPLES, 1)
    bits = _several(tags.get(_BITS, 1))[0]
    kind = _FORMATS.get(_several(tags.get(_FORMAT, 1))[0], "unknown ")
    samples = f"{channels} channel{'s' if channels != 1 else ''} of {bits} {kind}bits"
    return ImageError(f"{name} is a TIFF with {samples}, which is not read; {_REMEDY}")


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow opens it and cannot decode it: gray and alpha in planes."""
    planar = isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PLANAR) == _SEPARATE
    return planar and image.mode in {"LA", "La"}


def _several(value: Any) -> tuple[Any, ...]:
    """A tag that has one value, or one for each channel."""
    return value if isinstance(value, tuple) else (value,)
