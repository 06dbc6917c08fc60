"""Pictures as ImageMagick and as libvips see them: upright, sRGB, 8 bits, with alpha."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from reader_differences import AVIF, EXACT, LOSSY, PRINT, PROFILE, Tolerance

SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".tif", ".tiff", ".mpo"),
    *(".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".apng", ".heic", ".heif"),
}
_LOSSY_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp"}
_AVIF_SUFFIXES = {".avif", ".heic", ".heif"}
_UNTURNED = {".png", ".apng", ".webp"}  # whose EXIF orientation ImageMagick 6 does not read
_TURNS = ("TopRight", "BottomRight", "BottomLeft", "LeftTop", "RightTop", "RightBottom", "LeftBottom")


@dataclass(frozen=True)
class Seen:
    """A decoded picture, (H, W, 4), or why there is none.

    Attributes:
        pixels: uint8; None if the file was refused.
        said: What the program complained of.
        profile: Whether colors were converted by a profile, or from CMYK or L*a*b*.
        inks: Whether it is CMYK or L*a*b*.
        jpeg: Whether a TIFF holds JPEG.
    """

    pixels: NDArray[np.uint8] | None
    said: str = ""
    profile: bool = False
    inks: bool = False
    jpeg: bool = False


def missing() -> str | None:
    """What to install, in one line; None if the programs are there."""
    if _magick() is None:
        return "ImageMagick is missing: install it (apt install imagemagick, brew install imagemagick)"
    return None


def tolerance_for(path: Path, seen: Seen) -> Tolerance:
    """By how much readers of such a file may differ."""
    suffix = path.suffix.lower()
    if suffix in _AVIF_SUFFIXES:
        return AVIF
    if seen.inks:
        return PRINT
    if seen.profile or (path.suffix.lower() in _UNTURNED and b"gAMA" in _chunks(path.read_bytes())):
        return PROFILE
    return LOSSY if suffix in _LOSSY_SUFFIXES or seen.jpeg else EXACT


def by_magick(path: Path, folder: Path, seconds: float) -> Seen:
    """As `convert` reads the first frame or page; of a GIF, as it is shown."""
    program = _magick() or "convert"
    srgb, raw = folder / "srgb.icc", folder / "magick.rgba"
    if not srgb.exists():
        srgb.write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    read = [program, *_limits(seconds), f"{path}[0]", *(["-coalesce"] if path.suffix.lower() == ".gif" else [])]
    if path.suffix.lower() in _UNTURNED and (turned := _turn(path, seconds)):
        read += ["-orient", turned]
    read += ["-auto-orient"]
    facts = ["-print", "%w %h|%[colorspace]|%C|%[profile:icc]"]
    write = ["-depth", "8", f"rgba:{raw}"]
    raw.unlink(missing_ok=True)
    status, told, said = _run([*read, *facts, "-colorspace", "sRGB", *write], seconds)
    if status != 0 or told.count("|") < 3:
        return Seen(None, said or f"status {status}")
    size, space, compression, profile = told.split("|", 3)
    if profile.strip():
        convert = ["-intent", "Perceptual", "-profile", str(srgb)]
        status, _, again = _run([*read, *convert, *write], seconds)
        if status != 0:
            return Seen(None, again or f"status {status}")
    width, height = map(int, size.split())
    data = np.fromfile(raw, np.uint8)
    raw.unlink()
    if data.size != width * height * 4:
        return Seen(None, f"{data.size} bytes for {width}x{height} pixels")
    converted = bool(profile.strip()) or space in {"CMYK", "Lab", "CIELab", "YCbCr"}
    return Seen(
        data.reshape(height, width, 4), said, converted, space in {"CMYK", "Lab", "CIELab"}, compression == "JPEG"
    )


def _turn(path: Path, seconds: float) -> str | None:
    """The EXIF orientation of a file, of which libvips knows."""
    if shutil.which("vipsheader") is None:
        return None
    _, told, _ = _run(["vipsheader", "-f", "orientation", str(path)], seconds)
    return _TURNS[int(told) - 2] if told.strip() in {"2", "3", "4", "5", "6", "7", "8"} else None


def left_out(path: Path) -> str | None:
    """What a file says of its pixels that neither ImageMagick 6 nor libvips 8.14 heeds; None if there is nothing."""
    data = path.read_bytes()
    if data.startswith(b"\x89PNG"):
        chunks = _chunks(data)
        if b"cICP" in chunks:
            return "its cICP"
        gamma = int.from_bytes(chunks.get(b"gAMA", b""))
        # Linear is heeded by ImageMagick, and about 1/2.2 by nobody.
        if gamma and not {b"sRGB", b"iCCP"} & set(chunks) and gamma != 100_000 and not 43_000 <= gamma <= 48_000:
            return f"its gAMA of {gamma}"
        if b"cHRM" in chunks:
            return "its cHRM"
    if data[4:8] == b"ftyp" and (at := data.find(b"colrnclx")) >= 0 and data[at + 9] not in (1, 2):
        return "its primaries"
    if data[:2] == b"BM" and data[30:31] in (b"\3", b"\6") and not _whole_bytes(data):
        return "the full range of its few bits a channel"
    if data[4:8] == b"ftyp" and b"GRAYXYZ " in data:
        return "its gray profile"
    if b"tiff:Orientation" in data and not data.startswith((b"II", b"MM")):
        return "its orientation in XMP"
    return None


def _whole_bytes(data: bytes) -> bool:
    """Whether the bit fields of a BMP have 5, 6 or 8 bits; ImageMagick stretches no others."""
    masks = (int.from_bytes(data[at : at + 4], "little") for at in (54, 58, 62))
    return all(mask.bit_count() in (5, 6, 8) for mask in masks)


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Those of a PNG that stand before its pixels."""
    at, found = 8, {}
    while at + 8 <= len(data) and (name := data[at + 4 : at + 8]) != b"IDAT":
        length = int.from_bytes(data[at : at + 4])
        found[name] = data[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def by_vips(path: Path, folder: Path, seconds: float) -> Seen | None:
    """As `vips` turns it upright and to sRGB; None if it is not installed."""
    if shutil.which("vips") is None:
        return None
    upright, colored, target = folder / "upright.v", folder / "colored.v", folder / "vips.png"
    target.unlink(missing_ok=True)
    to_srgb = ["colourspace", str(upright), str(colored), "srgb"]
    profiled = ["icc_transform", str(upright), str(colored), "srgb", "--intent", "perceptual"]
    status, _, said = _run(["vips", "autorot", str(path), str(upright)], seconds)
    if status == 0:
        has_profile = _run(["vipsheader", "-f", "icc-profile-data", str(upright)], seconds)[0] == 0
        # One of another color space is left aside.
        for step in (profiled, to_srgb) if has_profile else (to_srgb,):
            status, _, said = _run(["vips", *step], seconds)
            if status == 0:
                break
    if status == 0:
        status, _, said = _run(["vips", "pngsave", str(colored), str(target), "--compression", "1"], seconds)
    if status != 0:
        return Seen(None, said or f"status {status}")
    return Seen(read_png(target), said)


def read_png(path: Path) -> NDArray[np.uint8]:
    """(H, W, 4) of a plain PNG of 8 bits, as fststyle and libvips write it."""
    with Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("RGBA"))


def _magick() -> str | None:
    return shutil.which("convert") or shutil.which("magick")


def _limits(seconds: float) -> list[str]:
    return ["-limit", "time", str(round(seconds)), "-limit", "memory", "4GiB"]


def _run(command: list[str], seconds: float) -> tuple[int, str, str]:
    """Status, standard output and error; 124 after the time limit."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return 124, "", f"not done after {seconds:g} s"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    # What is asked for and not there, such as a profile, is no complaint about the file.
    said = [line for line in said if "unknown image property" not in line]
    return done.returncode, done.stdout.decode(errors="replace"), "\n".join(said)
