"""The shape of pixels in a Matroska file, which its header says beside what the codec may say; PyAV cannot set it."""

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

_HEAD = 65_536  # bytes; tracks stand at the beginning

_SEGMENT, _TRACKS, _TRACK, _VIDEO = (bytes.fromhex(name) for name in ("18538067", "1654AE6B", "AE", "E0"))
_WIDTH, _HEIGHT, _UNIT = (bytes.fromhex(name) for name in ("54B0", "54BA", "54B2"))
_CRC, _VOID = b"\xbf", b"\xec"

_PIXELS, _RATIO = 0, 3  # units of the displayed size


class _Element(NamedTuple):
    """Where an element of Matroska begins, its content begins, and it ends."""

    name: bytes
    begin: int
    content: int
    end: int


def say_pixel_aspect(path: Path, width: int, height: int, aspect: Fraction) -> None:
    """Write to the header of a finished file how large its frames are shown, in the place of "unknown".

    A file without room for it is left as it is.

    Args:
        path: A Matroska file as FFmpeg writes it.
        width: Of its frames, in pixels.
        height: Likewise.
        aspect: Width over height of a pixel.

    Raises:
        OSError: The file cannot be read or written.
    """
    with path.open("r+b") as file:
        data = file.read(_HEAD)
        tracks = _find(data, _find(data, _Element(b"", 0, 0, len(data)), _SEGMENT), _TRACKS)
        entries = (child for child in _children(data, tracks) if child.name == _TRACK)
        track = next((entry for entry in entries if _find(data, entry, _VIDEO)), None)
        video = _find(data, track, _VIDEO)
        void = _find(data, track, _VOID)
        if tracks is None or track is None or video is None or void is None or void.begin < video.end:
            return
        rest = b"".join(
            data[one.begin : one.end] for one in _children(data, video) if one.name not in {_WIDTH, _HEIGHT, _UNIT}
        )
        room = void.end - void.begin + video.end - video.content - len(rest)
        shown = _shown_size(width, height, aspect)
        said = b"".join(shown)
        if len(said) > room or len(rest) + len(said) >= 126 or video.content - video.begin != 2:
            return
        if room - len(said) == 1:  # no element is that short
            said = shown[0] + _number(_WIDTH, int.from_bytes(shown[1][3:], "big"), len(shown[1]) - 2) + shown[2]
        left = room - len(said)
        filled = b"" if not left else _VOID + bytes([0x80 | left - 2]) + bytes(left - 2)
        changed = _VIDEO + bytes([0x80 | len(rest) + len(said)]) + rest + said + data[video.end : void.begin] + filled
        data = data[: video.begin] + changed + data[void.end :]
        file.seek(tracks.begin)
        file.write(data[tracks.begin : tracks.content] + _with_checksum(data[tracks.content : tracks.end]))


def _shown_size(width: int, height: int, aspect: Fraction) -> tuple[bytes, bytes, bytes]:
    """Unit, width and height as elements; the unit is left out where it is the pixel."""
    shown = width * aspect
    if shown.denominator == 1:
        return b"", _number(_WIDTH, int(shown)), _number(_HEIGHT, height)
    ratio = (shown / height).limit_denominator(int(60_000 / max(Fraction(1), shown / height)))
    return _number(_UNIT, _RATIO), _number(_WIDTH, ratio.numerator), _number(_HEIGHT, ratio.denominator)


def _number(name: bytes, value: int, length: int = 0) -> bytes:
    length = max(length, 1, -(-value.bit_length() // 8))
    return name + bytes([0x80 | length]) + value.to_bytes(length, "big")


def _with_checksum(content: bytes) -> bytes:
    """The content of an element whose first child, if it has one, is the CRC-32 of the others."""
    if not content.startswith(_CRC + b"\x84"):
        return content
    return content[:2] + zlib.crc32(content[6:]).to_bytes(4, "little") + content[6:]


def _find(data: bytes, parent: _Element | None, name: bytes) -> _Element | None:
    return next((child for child in _children(data, parent) if child.name == name), None)


def _children(data: bytes, parent: _Element | None) -> Iterator[_Element]:
    """The elements in an element, as far as the data go."""
    at = len(data) if parent is None else parent.content
    end = 0 if parent is None else min(parent.end, len(data))
    while at + 12 <= end or (at < end and end < len(data)):
        begin = at
        length = 9 - data[at].bit_length()  # zeros at the beginning say how long a number is
        name = data[at : at + length]
        at += length
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
        at += length
        unknown = size == (1 << 7 * length) - 1
        yield _Element(name, begin, at, len(data) if unknown else at + size)
        at = len(data) if unknown else at + size
