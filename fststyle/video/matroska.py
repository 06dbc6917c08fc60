"""What a Matroska file says of its own length: ffmpeg does not pass it on."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from fststyle.video.timing import parse_time

_SEGMENT = bytes.fromhex("18538067")
_HEAD = 4096  # bytes; the header before the segment has 50 or so


def is_whole(path: Path) -> bool:
    """Whether all of its segment is there; False where its size was never written."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    at = head.find(_SEGMENT) + len(_SEGMENT)
    if at < len(_SEGMENT) or at >= len(head) or not head[at]:
        return False
    length = 9 - head[at].bit_length()  # leading zeros give the length of the number
    number = int.from_bytes(head[at : at + length], "big")
    most = (1 << 7 * length) - 1
    size = number & most
    return size != most and at + length + size <= path.stat().st_size


def end_of(stream: Any) -> Fraction | None:
    """When the stream's last frame is over, in seconds of the file's clock; the frame's own duration is often wrong."""
    text = stream.metadata.get("DURATION")
    try:
        return None if text is None else parse_time(text)
    except ValueError:
        return None
