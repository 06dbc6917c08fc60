"""What picture files say of their colors and Pillow does not tell: cICP of PNG, nclx of AVIF and HEIC."""

import os
import struct
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.pictures.color_encoding import Encoding

# What is longer is broken.
_LONGEST_META = 16_000_000
_LONGEST_CHUNK = 1000
_MOST_TAGS = 1000


def encoding_of(image: Image.Image, file: IO[bytes], name: str) -> Encoding | None:
    """How a picture that Pillow has opened says to show its colors; None leaves them to a profile, or sRGB.

    PNG's cICP comes before its profile, which is dropped then; then sRGB, then gAMA and cHRM, as in browsers (PNG,
    third edition, 4.3).

    Raises:
        ImageError: It is HDR or logarithmic.
    """
    encoding = None
    has_profile = bool(image.info.get("icc_profile"))
    if image.format == "PNG":
        codes = _chunk(file, b"cICP")
        if codes is not None and len(codes) == 4:
            encoding = Encoding.from_codes(codes[0], codes[1], full_range=codes[3] != 0, name=name)
            image.info.pop("icc_profile", None)
        elif not has_profile and "srgb" not in image.info:
            encoding = Encoding.from_png(image.info.get("gamma"), image.info.get("chromaticity"))
    elif image.format in {"AVIF", "HEIF"} and not has_profile and (nclx := _nclx(file)) is not None:
        # The decoder has stretched the range already.
        encoding = Encoding.from_codes(*nclx, full_range=True, name=name)
    if (within := _profile_codes(image.info.get("icc_profile"))) is not None:
        Encoding.from_codes(*within, full_range=True, name=name)  # for its refusal alone; else the profile is better
    return None if encoding is None or encoding.is_srgb() else encoding


def mend_key(image: Image.Image, file: IO[bytes]) -> None:
    """The transparent color of a decoded PNG (tRNS), which Pillow takes for 8 bits a channel whatever the depth."""
    key = image.info.get("transparency")
    header = _chunk(file, b"IHDR")
    depth = header[8] if header is not None and len(header) > 8 else 8
    largest = (1 << depth) - 1
    if image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = (key & largest) * (255 // largest)
    elif image.mode == "RGB" and isinstance(key, tuple) and depth == 8:
        image.info["transparency"] = tuple(value & largest for value in key)
    elif image.mode == "RGB" and isinstance(key, tuple):
        del image.info["transparency"]
        wanted = np.array(key)
        equal = (np.asarray(image) == wanted >> 8).all(2) & (_low_bytes(file) == wanted & 255).all(2)
        image.putalpha(Image.fromarray(np.where(equal, 0, 255).astype(np.uint8)))


def _low_bytes(file: IO[bytes]) -> NDArray[np.uint8]:
    """Of a PNG with 16 bits a channel, of which Pillow keeps the high bytes unless it is told the wrong order."""
    with Image.open(file, formats=["PNG"]) as image:
        image.tile = [tile._replace(args="RGB;16L") for tile in image.tile]
        return np.asarray(image)


def _chunk(file: IO[bytes], wanted: bytes) -> bytes | None:
    """A PNG chunk that stands before the pixels; the file is left where it was."""
    place = file.tell()
    try:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == wanted:
                return file.read(min(length, _LONGEST_CHUNK))
            if kind == b"IDAT":
                break
            file.seek(length + 4, os.SEEK_CUR)  # its checksum, too
        return None
    finally:
        file.seek(place)


def _nclx(file: IO[bytes]) -> tuple[int, int] | None:
    """Primaries and transfer of an AVIF's main picture (ISO/IEC 23008-12); the file is left where it was."""
    place = file.tell()
    try:
        return _colour_of(_meta(file))
    except (struct.error, IndexError, KeyError):
        return None
    finally:
        file.seek(place)


def _profile_codes(profile: bytes | None) -> tuple[int, int] | None:
    """Primaries and transfer from the tag `cicp` of an ICC profile (ICC.1:2022, 10.3)."""
    if not profile:
        return None
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        for number in range(min(count, _MOST_TAGS)):
            kind, place, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
            if kind == b"cicp" and size >= 12:
                primaries, transfer = struct.unpack_from("BB", profile, place + 8)
                return primaries, transfer
    except struct.error:
        pass  # it is broken, and its reader says so
    return None


def _meta(file: IO[bytes]) -> bytes:
    """The content of the box `meta`; empty if there is none."""
    file.seek(0)
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        read = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            read = 16
        if kind == b"meta":
            return file.read(min(size - read, _LONGEST_META) if size else _LONGEST_META)[4:]
        if size < read:  # 0: to the end of the file
            break
        file.seek(size - read, os.SEEK_CUR)
    return b""


def _colour_of(meta: bytes) -> tuple[int, int] | None:
    boxes = dict(_boxes(meta))
    main = boxes[b"pitm"]
    (item,) = struct.unpack_from(">I" if main[0] else ">H", main, 4)
    groups = dict(_boxes(boxes[b"iprp"]))
    properties = list(_boxes(groups[b"ipco"]))
    for number in _property_numbers(groups[b"ipma"], item):
        kind, content = properties[number - 1]
        if kind == b"colr" and content[:4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            return primaries, transfer
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    while start + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, start)
        size = size or len(data) - start
        if size < 8:
            return
        yield kind, data[start + 8 : start + size]
        start += size


def _property_numbers(associations: bytes, wanted: int) -> list[int]:
    """The properties of one item, counted from 1."""
    version, wide = associations[0], associations[3] & 1
    (entries,) = struct.unpack_from(">I", associations, 4)
    place = 8
    for _ in range(entries):
        (item,) = struct.unpack_from(">I" if version else ">H", associations, place)
        place += 4 if version else 2
        count = associations[place]
        place += 1
        numbers = struct.unpack_from(f">{count}{'H' if wide else 'B'}", associations, place)
        place += count * (2 if wide else 1)
        if item == wanted:
            # The highest bit says whether a reader must know the property; number 0 is none.
            return [number & (0x7FFF if wide else 0x7F) for number in numbers if number & (0x7FFF if wide else 0x7F)]
    return []
