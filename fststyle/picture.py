"""A Pillow image of any mode -> uint8 RGB, sRGB, upright, its transparency set apart."""

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from fststyle.errors import ImageError

# What Pillow's plugins were seen to raise on truncated and bit-flipped files.
BROKEN_FILE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    EOFError,
    RuntimeError,
    struct.error,
)

_STRIP_PIXELS = 1_000_000

_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        rgb: (H, W, 3) sRGB, not premultiplied by alpha.
        alpha: (H, W), 255 is opaque; None when every pixel is.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None


def to_picture(image: Image.Image, name: str = "the picture") -> Picture:
    """Convert a Pillow image of any mode; `name` stands in warnings and errors.

    Grayscale of 16 bit, and 32-bit integers, are read as 0..65535; floating point as 0..1.

    Raises:
        ImageError: Floating-point values lie outside 0..1.
    """
    image = _upright(image, name)
    if image.mode.startswith("I") or image.mode == "F":
        gray = _deep_gray_to_uint8(np.asarray(image), name)
        return Picture(np.repeat(gray[:, :, None], 3, axis=2), None)
    alpha = None
    if image.has_transparency_data:
        opacity = np.asarray(image.convert("RGBA").getchannel("A"))
        alpha = None if bool((opacity == 255).all()) else opacity
    return Picture(_pixels(_to_srgb(image, name)), alpha)


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) of an RGB image, a strip at a time: of all at once, Pillow makes three copies on the way."""
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // max(1, image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        rgb[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return rgb


def _upright(image: Image.Image, name: str) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except BROKEN_FILE:
        warnings.warn(f"{name} has a broken EXIF block, which is ignored", stacklevel=2)
        return image
    method = _ORIENTATIONS.get(orientation)
    return image if method is None else image.transpose(method)


def _deep_gray_to_uint8(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if values.dtype.kind != "f":
        high_byte: NDArray[np.uint8] = (np.clip(values, 0, 65535) >> 8).astype(np.uint8)
        return high_byte
    if not (values.min() >= 0 and values.max() <= 1):  # in this form NaN is refused as well
        raise ImageError(f"{name} has floating-point values outside 0..1; save it with 8 or 16 bits a channel")
    return (values.astype(np.float32) * 255 + 0.5).astype(np.uint8)


def _to_srgb(image: Image.Image, name: str) -> Image.Image:
    profile_bytes = image.info.get("icc_profile")
    if image.mode in {"1", "L", "LA", "La"}:
        image = image.convert("L")
    elif image.mode not in {"RGB", "CMYK"}:
        # Through RGBA: Pillow does not take premultiplied RGBa straight to RGB.
        image = image.convert("RGBA").convert("RGB")
    if profile_bytes:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
            if not ImageCms.getProfileDescription(profile).startswith("sRGB"):
                srgb = ImageCms.createProfile("sRGB")
                image = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            warnings.warn(f"{name} has a broken color profile, which is ignored", stacklevel=2)
    return image if image.mode == "RGB" else image.convert("RGB")  # it would be copied
