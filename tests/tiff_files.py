"""TIFF files from their parts (TIFF 6.0), for what Pillow does not write."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK = 0, 1, 2, 5


def tiff(
    values: NDArray[Any],
    photometric: int,
    *,
    order: str = "<",
    planar: bool = False,
    deflate: bool = False,
    extra: int | None = None,
    bits: int | None = None,
    depth: int | None = None,
    rows_per_strip: int = 7,
    more: dict[int, bytes] | None = None,
    shorts: dict[int, list[int]] | None = None,
) -> bytes:
    """A file of one page.

    Args:
        values: (H, W, C); the type decides bits and sample format.
        photometric: What the channels are.
        order: "<" or ">".
        planar: Each channel by itself.
        deflate: Compressed.
        extra: What the last channel is: 1 premultiplied, 2 straight alpha.
        bits: 10, 12 or 14, packed; else the type's.
        depth: What the tag says where `values` are the bytes of wider samples.
        rows_per_strip: Strips are what a file is cut into.
        more: Tags of bytes.
        shorts: Tags of 16-bit numbers, which come before what `values` says.
    """
    height, width, channels = values.shape
    kind = {"u": UNSIGNED, "i": SIGNED, "f": FLOAT}[values.dtype.kind]
    ordered = values.astype(values.dtype.newbyteorder(order))
    layers = np.moveaxis(ordered, -1, 0) if planar else ordered[None]
    strips = [
        _packed(layer[top : top + rows_per_strip], bits) for layer in layers for top in range(0, height, rows_per_strip)
    ]
    strips = [zlib.compress(strip) if deflate else strip for strip in strips]
    if depth is not None:
        channels = 8 * channels // depth
    depth = depth or bits or 8 * values.dtype.itemsize
    tags: dict[int, tuple[str, list[int] | bytes]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [depth] * channels),
        259: ("H", [8 if deflate else 1]),
        262: ("H", [photometric]),
        273: ("I", [0] * len(strips)),
        277: ("H", [channels]),
        278: ("I", [rows_per_strip]),
        279: ("I", [len(strip) for strip in strips]),
        284: ("H", [2 if planar else 1]),
        339: ("H", [kind] * channels),
    }
    if extra is not None:
        tags[338] = ("H", [extra])
    tags |= {number: ("B", data) for number, data in (more or {}).items()}
    tags |= {number: ("H", numbers) for number, numbers in (shorts or {}).items()}
    return _file(tags, strips, order)


def _packed(rows: NDArray[Any], bits: int | None) -> bytes:
    if bits is None:
        return np.ascontiguousarray(rows).tobytes()
    lines = []
    for row in rows.reshape(len(rows), -1).astype(int):
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        lines.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    return b"".join(lines)


def _file(tags: dict[int, tuple[str, list[int] | bytes]], strips: list[bytes], order: str) -> bytes:
    types = {"B": 1, "H": 3, "I": 4}
    start = 8 + 2 + 12 * len(tags) + 4
    beside = sum(len(content) * struct.calcsize(kind) + 3 for kind, content in tags.values())
    first = start + beside
    tags[273] = ("I", [first + sum(map(len, strips[:number])) for number in range(len(strips))])
    entries, outside = b"", b""
    for number, (kind, content) in sorted(tags.items()):
        data = content if isinstance(content, bytes) else struct.pack(f"{order}{len(content)}{kind}", *content)
        entries += struct.pack(f"{order}HHI", number, types[kind], len(content))
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", start + len(outside))
            outside += data
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return header + directory + outside.ljust(beside, b"\0") + b"".join(strips)
