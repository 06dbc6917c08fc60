"""Which kind of file a name or the first bytes belong to, so that no output takes the place of another kind of file."""

import json
from enum import Enum
from pathlib import Path

# So much of a file is looked at: a line of a manifest with two long paths fits in.
HEAD_BYTES = 64 * 1024

_PICTURE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif", ".svg"),
    *(".jif", ".apng", ".dib"),
    *(".heic", ".heif", ".mpo", ".jxl", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".psd", ".dng", ".cr2", ".nef", ".arw"),
)
_VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".flv", ".ogv"),
    *(".wmv", ".3gp", ".y4m", ".mjpeg", ".h264", ".hevc"),
)


class Kind(Enum):
    """What a file is, in the words of messages."""

    NETWORK = "an ONNX network"
    PICTURE = "a picture"
    VIDEO = "a video"
    PAGE = "an HTML page"
    JSON = "a JSON file"
    JSON_LINES = "a file of JSON lines"
    CHECKPOINT = "a checkpoint"
    CONFIG = "a training's config"


_SUFFIXES = {
    Kind.NETWORK: (".onnx",),
    Kind.PICTURE: _PICTURE_SUFFIXES,
    Kind.VIDEO: _VIDEO_SUFFIXES,
    Kind.PAGE: (".html", ".htm"),
    Kind.JSON: (".json",),
    Kind.JSON_LINES: (".jsonl", ".ndjson"),
    Kind.CHECKPOINT: (".ckpt", ".pt", ".pth", ".safetensors"),
    Kind.CONFIG: (".yaml", ".yml"),
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes}

_PICTURE_STARTS = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"8BPS"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF, BigTIFF
    *(b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  "),
)
_VIDEO_STARTS = (
    *(b"\x1a\x45\xdf\xa3", b"FLV\1", b"OggS", b"\x30\x26\xb2\x75", b"YUV4MPEG2"),
    *(b"\0\0\1\xba", b"\0\0\1\xb3", b"\0\0\1\x67", b"\0\0\0\1\x67"),  # MPEG and H.264 streams
)
_PICTURE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"}
_MOVIE_ATOMS = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx"}
_PACKET = 188  # bytes of an MPEG transport stream


def kind_of_name(path: Path) -> Kind | None:
    """The kind that the suffix stands for; None for a suffix that says nothing."""
    return _BY_SUFFIX.get(path.suffix.lower())


def kind_of_content(head: bytes) -> Kind | None:
    """The kind of a file that begins with `head`; None if it is none of these."""
    if _is_picture(head):
        return Kind.PICTURE
    if _is_video(head):
        return Kind.VIDEO
    # An ONNX file begins with its first field, the version of the format, which is a small number.
    if len(head) > 1 and head[0] == 0x08 and 0 < head[1] < 0x80:
        return Kind.NETWORK
    if head.startswith(b"PK\x03\x04"):
        return Kind.CHECKPOINT
    if head.startswith(b"# pytorch_lightning==") and b"\nstyle: " in head:
        return Kind.CONFIG
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:14].lower() == b"<!doctype html" or text[:5].lower() == b"<html":
        return Kind.PAGE
    return _json_kind(text)


def _is_picture(head: bytes) -> bool:
    if head.startswith(_PICTURE_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    if head[4:8] == b"ftyp":
        return head[8:12] in _PICTURE_BRANDS
    bitmap = head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and head[15:18] == b"\0\0\0"
    return bitmap or (head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace())


def _is_video(head: bytes) -> bool:
    packets = head[:1] == b"G" and head[_PACKET : _PACKET + 1] == b"G"
    riff = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    return head.startswith(_VIDEO_STARTS) or head[4:8] in _MOVIE_ATOMS or packets or riff


def _json_kind(text: bytes) -> Kind | None:
    if text[:1] not in (b"{", b"["):
        return None
    # A full disk may have cut a line; one that is whole, or only the beginning of one, is enough. A whole object
    # without the end of a line is a JSON file that was written without line breaks.
    lines = text.splitlines(keepends=True) if text[:1] == b"{" else []
    if len(lines) == 1 and not lines[0].endswith(b"\n"):
        return Kind.JSON if _is_record(lines[0]) else Kind.JSON_LINES
    return Kind.JSON_LINES if any(map(_is_record, lines)) or len(lines) == 1 else Kind.JSON


def _is_record(line: bytes) -> bool:
    try:
        return line[:1] == b"{" and isinstance(json.loads(line), dict)
    except ValueError:
        return False
