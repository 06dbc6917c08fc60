"""A Pillow image of any mode -> uint8 RGB, sRGB, upright, its transparency set apart."""

import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from fststyle.errors import ImageError
from fststyle.pictures import tiff
from fststyle.pictures.color_encoding import Encoding
from fststyle.pictures.color_profiles import profile_to_srgb
from fststyle.pictures.hidden_color import fill_hidden
from fststyle.pictures.resizing import fit_longer_side, fit_transparent
from fststyle.system.warn import warn

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

# Of 65535: what instruments of 12 bits leave in files of 16.
_NEARLY_BLACK = 4096


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        rgb: (H, W, 3) sRGB, not premultiplied by alpha. Where alpha is 0, whatever stands in the file.
        alpha: (H, W), 255 is opaque; None when every pixel is.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None

    def fitted(self, max_side: int) -> "Picture":
        """Shrunk so that no side exceeds `max_side`, as `fit_longer_side` does; colors count by their opacity."""
        if self.alpha is None:
            return Picture(fit_longer_side(self.rgb, max_side), None)
        return Picture(*fit_transparent(self.rgb, self.alpha, max_side))

    def to_paint(self) -> NDArray[np.uint8]:
        """What a network should see, (H, W, 3): where nothing shows, colors that continue what is visible nearby."""
        return self._filled

    @cached_property
    def _filled(self) -> NDArray[np.uint8]:
        return self.rgb if self.alpha is None else fill_hidden(self.rgb, self.alpha)

    def painted(self, rgb: NDArray[np.uint8]) -> "Picture":
        """With the colors (H, W, 3) of its painting wherever anything is visible; `rgb` may be changed.

        What `to_paint` added to a color is taken off again.
        """
        if self.alpha is not None:
            faint = (self.alpha > 0) & (self._filled != self.rgb).any(2)
            added = self._filled[faint].astype(np.int16) - self.rgb[faint]
            rgb[faint] = np.clip(rgb[faint] - added, 0, 255)
            np.copyto(rgb, self.rgb, where=(self.alpha == 0)[:, :, None])
        return Picture(rgb, self.alpha)


def to_picture(
    image: Image.Image, name: str = "the picture", *, encoding: Encoding | None = None, in_place: bool = False
) -> Picture:
    """Convert a Pillow image of any mode.

    Grayscale of 16 bits, and 32-bit integers, are read as 0..65535; floating point as 0..1.

    Args:
        image: Is loaded, and otherwise left as it is.
        name: Stands in warnings and errors.
        encoding: Of its colors; None asks its profile.
        in_place: Turn `image` itself upright rather than a copy.

    Raises:
        ImageError: Floating-point values lie outside 0..1.
    """
    tiff.prepare(image, name)
    image.load()
    image = _upright(tiff.values_of(image), name, in_place=in_place)
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_gray(image, name, encoding)
    alpha = None
    if image.mode == "La":
        image = _unpremultiplied(image)
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    rgb = _to_srgb(_without_alpha(image), image.info, name, encoding)
    return Picture(rgb, None if alpha is None or bool((alpha == 255).all()) else alpha)


def _upright(image: Image.Image, name: str, *, in_place: bool) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN_FILE:
        warn(f"{name} has a broken EXIF block, which is ignored")
        return image
    if orientation == 1:
        return image
    turned = image if in_place else image.copy()
    # It turns the pixels first, and may then fail to write the rest of an odd EXIF block.
    with suppress(*BROKEN_FILE):
        ImageOps.exif_transpose(turned, in_place=True)
    return turned


def _deep_gray(image: Image.Image, name: str, encoding: Encoding | None) -> Picture:
    values: NDArray[Any] = np.asarray(image)
    key = image.info.get("transparency")
    alpha = None if not isinstance(key, int) else np.where(values == key, 0, 255).astype(np.uint8)
    if values.dtype.kind == "f":
        if not (values.min() >= 0 and values.max() <= 1):  # in this form NaN is refused as well
            raise ImageError(f"{name} has floating-point values outside 0..1; save it with 8 or 16 bits a channel")
        levels = (values * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
        plain = np.rint(np.arange(65536) / 257)
    else:
        levels = np.clip(values, 0, 65535).astype(np.uint16)
        plain = np.arange(65536) >> 8
    if 0 < levels.max() < _NEARLY_BLACK:
        warn(f"{name} is nearly black: it uses the lowest of its 16 or 32 bits alone; stretch its brightness first")
    ramp = np.arange(256, dtype=np.uint8)
    shown = _to_srgb(Image.fromarray(ramp[None]), image.info, name, encoding)[0]  # (256, 3)
    table = plain.astype(np.uint8)[:, None].repeat(3, 1)
    if not np.array_equal(shown, table[::257]):
        # Between the ramp's entries: 8 bits of linear light would show as bands.
        places = np.arange(65536) / 257
        table = np.rint([np.interp(places, ramp, shown[:, channel]) for channel in range(3)]).astype(np.uint8).T
    rgb = table[levels]
    return Picture(rgb, None if alpha is None or bool((alpha == 255).all()) else alpha)


def _unpremultiplied(image: Image.Image) -> Image.Image:
    """La as LA, rounded; Pillow cuts."""
    gray, alpha = np.moveaxis(np.asarray(image).astype(np.float32), -1, 0)
    straight = np.clip(np.rint(gray * 255 / np.maximum(alpha, 1)), 0, 255)
    result = Image.fromarray(np.dstack([straight, alpha]).astype(np.uint8))
    result.info = image.info
    return result


def _without_alpha(image: Image.Image) -> Image.Image:
    """In mode L, RGB, CMYK or LAB."""
    if image.mode in {"1", "LA"}:
        return image.convert("L")
    if image.mode in {"L", "RGB", "CMYK", "LAB"}:
        return image
    # Through RGBA: Pillow does not take premultiplied RGBa straight to RGB.
    return image.convert("RGBA").convert("RGB")


def _to_srgb(image: Image.Image, info: dict[Any, Any], name: str, encoding: Encoding | None) -> NDArray[np.uint8]:
    """(H, W, 3) of an image without alpha."""
    if encoding is not None:
        return encoding.to_srgb(_pixels(image.convert("RGB")))
    return _pixels(profile_to_srgb(image, info.get("icc_profile"), name))


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) of an RGB image, a strip at a time: of all at once, Pillow makes three copies on the way."""
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // max(1, image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        rgb[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return rgb
