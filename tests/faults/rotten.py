"""Pictures as cameras, scrapers, broken disks and pranksters make them."""

import io
import os
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

PHOTO: Pixels = np.random.default_rng(5).integers(0, 256, (33, 47, 3), np.uint8)

# Colorants of Display P3 and of sRGB as columns, adapted to D50, as they stand in their published profiles.
P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def encoded(image: Image.Image | Pixels, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes, seed: int, bits: int = 8) -> bytes:
    """With some bits turned over."""
    damaged = bytearray(data)
    for place in np.random.default_rng(seed).integers(0, 8 * len(data), bits):
        damaged[place // 8] ^= 1 << (place % 8)
    return bytes(damaged)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(height: int, width: int, depth: int, color: int, rows: bytes) -> bytes:
    """A PNG from its parts, for what Pillow does not write; `rows` have their filter bytes."""
    return packed_png(height, width, depth, color, zlib.compress(rows))


def packed_png(height: int, width: int, depth: int, color: int, stream: bytes) -> bytes:
    """A PNG whose rows are compressed already."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


def zeros(count: int, block: int) -> bytes:
    """What `zlib.compress(bytes(count))` stands for, without `count` bytes of memory; `block` divides `count`."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    part = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = struct.pack(">HH", count % 65521, 1)  # Adler-32 of zeros
    return b"\x78\x9c" + part * (count // block) + packer.flush() + checksum


def tagged(image: Image.Image | Pixels, kind: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk before its pixels."""
    data = encoded(image, "PNG")
    place = data.index(b"IDAT") - 4
    return data[:place] + chunk(kind, content) + data[place:]


def deep_rgb(rgb: Pixels) -> bytes:
    """16 bits a channel: the high byte is the picture's, the low one noise."""
    low = np.random.default_rng(6).integers(0, 256, rgb.shape, np.uint8)
    rows = np.stack([rgb, low], axis=-1).reshape(len(rgb), -1)
    return png(*rgb.shape[:2], 16, 2, b"".join(b"\0" + row.tobytes() for row in rows))


def bomb() -> bytes:
    """400 megapixels in a few hundred kilobytes."""
    side = 20_000
    return packed_png(side, side, 8, 0, zeros(side * (side + 1), block=100 * (side + 1)))


def wrong_checksum() -> bytes:
    """A PNG whose header chunk is not what its checksum was made for."""
    data = bytearray(encoded(PHOTO, "PNG"))
    data[data.index(b"IHDR") + 12] ^= 1  # bit depth 8 becomes 9
    return bytes(data)


def damaged_pixels() -> bytes:
    """A PNG with a wrong byte amid its pixels."""
    data = bytearray(encoded(PHOTO, "PNG"))
    data[data.index(b"IDAT") + len(data) // 2] ^= 0xFF
    return bytes(data)


def profile(
    colorants: NDArray[np.float64] | None,
    gamma: float = 2.2,
    text: bytes = b"a display",
    more: dict[bytes, bytes] | None = None,
) -> bytes:
    """The smallest color profile of a display with these colorants, or of gray without any (ICC.1:2001-04)."""

    def fixed(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    description = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {
        b"desc": description,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": fixed(0.9642, 1, 0.8249),
    }
    if colorants is None:
        space, tags[b"kTRC"] = b"GRAY", curve
    else:
        names = (b"rXYZ", b"gXYZ", b"bXYZ")
        tags |= {name: fixed(*column) for name, column in zip(names, colorants.T, strict=True)}
        space, tags = b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags |= more or {}
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12x4s28xiii48x", start + len(body), b"lcms", 0x02100000, b"mntr", space, b"XYZ ", b"acsp",
        *(round(value * 65536) for value in (0.9642, 1, 0.8249)),
    )  # fmt: skip
    return header + table + body


def from_display(rgb: Pixels, colorants: NDArray[np.float64], gamma: float = 2.2) -> Pixels:
    """The sRGB picture that looks the same, by the definition of the color spaces."""
    linear = (rgb / 255.0) ** gamma @ (np.linalg.inv(SRGB) @ colorants).T
    linear = np.clip(linear, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    result: Pixels = (curved * 255 + 0.5).astype(np.uint8)
    return result


def bind_socket(path: Path) -> None:
    # A socket's whole path may have no more than 107 bytes, hence from within its folder.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)
