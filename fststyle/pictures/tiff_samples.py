"""TIFF files of depths and channels that Pillow has no mode for, such as floating-point RGB or 16-bit gray with alpha.

Libtiff decompresses them all the same if it takes every row for a row of gray bytes. What the bytes mean is done here.
"""

import io
import struct
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from fststyle.errors import ImageError
from fststyle.pictures.pillow_process import pillow_limit
from fststyle.pictures.tiff_layout import Layout, Tag, several

_BAND_BYTES = 4_000_000


def image_of(file: IO[bytes], tags: ImageFileDirectory_v2, layout: Layout, name: str) -> Image.Image:
    """Decode all of it: gray as I;16 or, in 0..1, F; with alpha as LA; colors as RGB or RGBA.

    Raises:
        ImageError: Floating-point values lie outside 0..1.
        OSError: The file is broken.
    """
    file.seek(0)
    data = file.read()
    planes = [_samples(raw, layout) for raw in _raw(data, tags, layout)]
    values = np.concatenate(planes, axis=-1) if layout.planar else planes[0]
    image = _pixels(values, layout, name)
    if Tag.PROFILE in tags:
        image.info["icc_profile"] = tags[Tag.PROFILE]
    exif = Image.Exif()
    exif[Tag.ORIENTATION] = int(tags.get(Tag.ORIENTATION, 1))
    image.info["exif"] = exif.tobytes()
    return image


def _raw(data: bytes, tags: ImageFileDirectory_v2, layout: Layout) -> list[NDArray[np.uint8]]:
    """Decompressed bytes of each plane, (H, tiles in a row, bytes of a tile's row)."""
    kinds = (Tag.TILES, Tag.TILE_BYTES) if Tag.TILES in tags else (Tag.STRIPS, Tag.STRIP_BYTES)
    places, counts = (several(tags[kind]) for kind in kinds)
    number = layout.channels if layout.planar else 1
    if len(places) != len(counts) or len(places) % number:
        raise OSError("its strips are not all there")
    each = len(places) // number
    row_bytes = layout.across * layout.tile_row_bytes
    planes = []
    for first in range(0, len(places), each):
        gray: dict[int, list[int]] = {
            Tag.WIDTH: [row_bytes],
            Tag.HEIGHT: [layout.height],
            Tag.BITS: [8],
            Tag.COMPRESSION: [int(tags.get(Tag.COMPRESSION, 1))],
            Tag.PHOTOMETRIC: [1],
            Tag.FILL_ORDER: [int(tags.get(Tag.FILL_ORDER, 1))],
            kinds[0]: list(places[first : first + each]),
            kinds[1]: list(counts[first : first + each]),
        }
        if Tag.TILES in tags:
            gray |= {Tag.TILE_WIDTH: [layout.tile_row_bytes], Tag.TILE_HEIGHT: [int(tags[Tag.TILE_HEIGHT])]}
        else:
            gray[Tag.ROWS] = [min(int(tags.get(Tag.ROWS, layout.height)), layout.height)]
        with (
            pillow_limit.moved_to(row_bytes * layout.height),
            Image.open(io.BytesIO(_with_directory(data, gray, layout.order)), formats=["TIFF"]) as image,
        ):
            planes.append(np.asarray(image).reshape(layout.height, layout.across, layout.tile_row_bytes))
    return planes


def _with_directory(data: bytes, tags: dict[int, list[int]], order: str) -> bytes:
    """A file whose only page is described by these tags, each of 32-bit numbers (TIFF 6.0, section 2)."""
    data += b"\0" * (len(data) % 2)
    entries, outside = b"", b""
    beside = len(data) + 2 + 12 * len(tags) + 4
    for number, values in sorted(tags.items()):
        content = struct.pack(f"{order}{len(values)}I", *values)
        entries += struct.pack(f"{order}HHI", number, 4, len(values))
        if len(content) == 4:
            entries += content
        else:
            entries += struct.pack(f"{order}I", beside + len(outside))
            outside += content
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return data[:4] + struct.pack(f"{order}I", len(data)) + data[8:] + directory + outside


def _samples(raw: NDArray[np.uint8], layout: Layout) -> NDArray[Any]:
    """Bytes as values (H, W, channels side by side)."""
    height, across, _ = raw.shape
    if layout.predictor == 3 and layout.floating:
        # Bytes of equal weight stand together, the highest first, each the difference from its left (TechNote 3).
        size = layout.bits // 8
        summed = np.cumsum(raw.reshape(height, across, -1, layout.together), axis=2, dtype=np.uint8)
        bytewise = summed.reshape(height, across, size, -1)
        values = np.ascontiguousarray(np.moveaxis(bytewise, 2, -1)).view(f">f{size}")
    elif layout.bits % 8:
        values = _unpacked(raw, layout)
    else:
        kind = "f" if layout.floating else "u"
        values = np.ascontiguousarray(raw).view(f"{layout.order}{kind}{layout.bits // 8}")
    pixels = values.reshape(height, across, layout.tile_width, layout.together)
    if layout.predictor == 2:
        pixels = np.cumsum(pixels, axis=2, dtype=pixels.dtype.newbyteorder("="))
        pixels &= (1 << layout.bits) - 1
    return pixels.reshape(height, -1, layout.together)[:, : layout.width]


def _unpacked(raw: NDArray[np.uint8], layout: Layout) -> NDArray[np.uint16]:
    """Values of 10, 12 or 14 bits, the highest bit first, a few rows at a time."""
    height, across, row_bytes = raw.shape
    count = layout.tile_width * layout.together
    values = np.empty((height, across, count), np.uint16)
    weights = (1 << np.arange(layout.bits)[::-1]).astype(np.uint16)
    rows = max(1, _BAND_BYTES // (across * row_bytes * 8))
    for top in range(0, height, rows):
        bits = np.unpackbits(raw[top : top + rows], axis=-1)[..., : count * layout.bits]
        values[top : top + rows] = bits.reshape(*bits.shape[:2], count, layout.bits) @ weights
    return values


def _pixels(values: NDArray[Any], layout: Layout, name: str) -> Image.Image:
    levels: NDArray[Any]
    if layout.floating:
        if not (values.min() >= 0 and values.max() <= 1):  # in this form NaN is refused as well
            raise ImageError(f"{name} has floating-point values outside 0..1; save it with 8 or 16 bits a channel")
        levels = values.astype(np.float32)
    else:
        levels = values / np.float32((1 << layout.bits) - 1) if layout.alpha is not None else values
    if layout.white_is_zero:
        levels = levels.copy()
        levels[..., 0] = (1 if levels.dtype.kind == "f" else (1 << layout.bits) - 1) - levels[..., 0]
    if layout.lab:
        # The high bytes are what 8 bits would hold, a and b signed in both.
        return Image.frombytes("LAB", (layout.width, layout.height), _scaled(values[..., :3], 16, 8).tobytes())
    if layout.alpha is None and layout.colors == 1:
        return Image.fromarray(levels[..., 0] if layout.floating else _scaled(levels[..., 0], layout.bits, 16))
    if levels.dtype.kind != "f":
        return Image.fromarray(_scaled(levels[..., :3], layout.bits, 8))
    return Image.fromarray(_with_alpha(levels, layout))


def _with_alpha(levels: NDArray[Any], layout: Layout) -> NDArray[np.uint8]:
    """0..1 as bytes, (H, W, 1, 2, 3 or 4)."""
    colors = levels[..., : layout.colors]
    if layout.alpha is None:
        return (colors * 255 + 0.5).astype(np.uint8)
    alpha = levels[..., layout.alpha : layout.alpha + 1]
    if layout.premultiplied:
        colors = np.clip(colors / np.maximum(alpha, 1e-6), 0, 1)
    return (np.concatenate([colors, alpha], axis=-1) * 255 + 0.5).astype(np.uint8)


def _scaled(values: NDArray[Any], bits: int, wanted: int) -> NDArray[Any]:
    """To other depths: the highest bits, or all of them and the highest once more."""
    kind = np.uint8 if wanted == 8 else np.uint16
    if (bits, wanted) == (32, 16):
        # Not quite black stays so, for a warning.
        values, bits = np.maximum(values >> 16, values != 0), 16
    if bits >= wanted:
        return (values >> (bits - wanted)).astype(kind)
    return (values.astype(np.uint32) << (wanted - bits) | values >> (2 * bits - wanted)).astype(kind)
