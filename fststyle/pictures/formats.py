"""Which picture files are read and written, by their names and by their first bytes."""

import importlib.util
from pathlib import Path

from fststyle.errors import ImageError

READ_FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM"]

_WRITE_FORMATS = {
    ".png": "PNG",
    **dict.fromkeys((".jpg", ".jpeg"), "JPEG"),
    ".webp": "WEBP",
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    ".avif": "AVIF",
    ".bmp": "BMP",
    **dict.fromkeys((".jpe", ".jfif", ".jif"), "JPEG"),
    ".apng": "PNG",
    ".dib": "BMP",
}
WRITE_SUFFIXES = tuple(_WRITE_FORMATS)

HEIF_SUFFIXES = {".heic", ".heif", ".hif"}
_READ_SUFFIXES = {*WRITE_SUFFIXES, ".mpo", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"}

# Lossy pictures that are not written: as PNG they would grow several times.
_TO_JPEG = {*HEIF_SUFFIXES, ".mpo"}

_RAW = "camera raw"
_OTHERS = {
    **dict.fromkeys(HEIF_SUFFIXES, "HEIC"),
    ".jxl": "JPEG XL",
    **dict.fromkeys((".jp2", ".j2k", ".jpf", ".jpx"), "JPEG 2000"),
    **dict.fromkeys((".raw", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srw"), _RAW),
    **dict.fromkeys((".orf", ".rw2", ".raf", ".pef", ".rwl", ".3fr", ".iiq", ".x3f", ".kdc", ".erf"), _RAW),
    **dict.fromkeys((".svg", ".svgz"), "SVG"),
    ".pdf": "PDF",
    **dict.fromkeys((".eps", ".ps"), "PostScript"),
    ".ai": "Illustrator",
    **dict.fromkeys((".psd", ".psb"), "Photoshop"),
    ".xcf": "GIMP",
    ".kra": "Krita",
    ".exr": "OpenEXR",
    ".hdr": "Radiance HDR",
    ".ico": "icon",
    ".tga": "Targa",
    **dict.fromkeys((".pam", ".pfm"), "PAM or PFM"),
    **dict.fromkeys((".jxr", ".wdp", ".hdp"), "JPEG XR"),
    **dict.fromkeys((".dpx", ".cin"), "film scan (DPX, Cineon)"),
    **{f".{kind.lower()}": kind for kind in ("DDS", "JNG", "MIFF", "PCX", "QOI", "SGI", "XBM", "XPM")},
    **dict.fromkeys((".icns", ".cur"), "icon"),
    ".clip": "Clip Studio",
    ".procreate": "Procreate",
    ".afphoto": "Affinity Photo",
}

_VIDEO = "video"
_VIDEO_SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".vob"),
    *(".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".f4v", ".ogv", ".mxf", ".dv", ".y4m", ".h264", ".h265", ".ivf"),
}

# What stands at an offset of the file.
_SIGNATURES = (
    *((4, b"ftyp" + brand, "HEIC") for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")),
    (4, b"ftypmif1", "HEIC"),  # of AVIF, too, which Pillow opens before this is asked
    (4, b"ftypcrx ", _RAW),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (8, b"CR\x02", _RAW),
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (0, b"IIU\0", _RAW),
    (0, b"IIRO", _RAW),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?R", "Radiance HDR"),
    (0, b"\0\0\x01\0", "icon"),
    (0, b"<svg", "SVG"),
    (0, b"DDS ", "DDS"),
    *((4, b"ftyp" + brand, _VIDEO) for brand in (b"iso", b"mp4", b"M4V", b"qt  ", b"3g", b"avc1", b"MSNV", b"dash")),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),
    (8, b"AVI ", _VIDEO),
    (0, b"FLV\x01", _VIDEO),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _VIDEO),
    (0, b"\0\0\x01\xba", _VIDEO),
    (0, b"YUV4MPEG2", _VIDEO),
)


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture we read."""
    suffix = path.suffix.lower()
    return suffix in _READ_SUFFIXES or (suffix in HEIF_SUFFIXES and reads_heif())


def is_other_picture(path: Path) -> bool:
    """Whether the name is that of a picture we do not read."""
    return not is_picture(path) and path.suffix.lower() in _OTHERS


def is_video(path: Path) -> bool:
    """Whether the name is that of a video."""
    return path.suffix.lower() in _VIDEO_SUFFIXES


def is_raw(path: Path) -> bool:
    """Whether the name is that of a camera's raw file; most are TIFFs, of which Pillow would read the preview."""
    return _OTHERS.get(path.suffix.lower()) == _RAW


def reads_heif() -> bool:
    """Whether pillow-heif is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def kind_of(suffix: str, head: bytes) -> str | None:
    """Name a format that we do not read as a picture, "HEIC", by its first 32 bytes or else by its suffix."""
    for start, signature, kind in _SIGNATURES:
        if head[start : start + len(signature)] == signature:
            return kind
    return _VIDEO if suffix.lower() in _VIDEO_SUFFIXES else _OTHERS.get(suffix.lower())


def refusal(name: str, kind: str) -> ImageError:
    """The error for a picture of a kind that `kind_of` names."""
    if kind == _VIDEO:
        return ImageError(f"{name} is a video; paint it with fststyle video, or save a frame of it as a picture")
    if kind == "HEIC":
        remedy = "pip install 'fststyle[heif]', or save it as JPEG"
    elif kind == _RAW:
        remedy = "develop it to JPEG or TIFF first"
    else:
        remedy = "save it as PNG or JPEG"
    return ImageError(f"{name} is a {kind} file, which is not read; {remedy}")


def format_of(suffix: str) -> str:
    """Pillow's name for the format that a suffix asks for: ".jpg" is "JPEG".

    Raises:
        ImageError: We do not write such files.
    """
    file_format = _WRITE_FORMATS.get(suffix.lower())
    if file_format is None:
        raise ImageError(f"cannot write pictures called '*{suffix}'; use one of {', '.join(WRITE_SUFFIXES)}")
    return file_format


def suffix_to_write(source: Path) -> str:
    """The suffix of a picture, or the nearest that is written."""
    suffix = source.suffix.lower()
    if suffix in _WRITE_FORMATS:
        return source.suffix
    return ".jpg" if suffix in _TO_JPEG else ".png"
