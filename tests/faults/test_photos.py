"""Photos from phones, scrapers and broken disks, through `fststyle stylize`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from case import Case, PhotoCase, fault, marked
from PIL import Image
from rotten import (
    P3,
    PHOTO,
    bind_socket,
    bomb,
    damaged_pixels,
    deep_rgb,
    encoded,
    flipped,
    from_display,
    half,
    profile,
    tagged,
    wrong_checksum,
)
from tiff_files import BLACK_IS_ZERO, RGB, WHITE_IS_ZERO, tiff

from fststyle.pictures.files import read_picture, write_picture

GOOD = PHOTO[::-1].copy()

SET_ASIDE = "named, the others painted, exit 1"
PAINTED = "painted, exit 0"
SAVE_AGAIN = ("download or save it again",)
NO_FORMAT = ("is broken or not in a format we read", "save it again as PNG or JPEG")


def holding(data: bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(data)


def refused(
    fed: str, make: Callable[[Path], Any] | bytes, *says: str, name: str = "bad.png", own_process: bool = False
) -> PhotoCase:
    make = holding(make) if isinstance(make, bytes) else make
    return PhotoCase("Photos", fed, SET_ASIDE, says, name=name, make=make, own_process=own_process)


def painted(fed: str, data: bytes | Callable[[Path], Any], pixels: Any, *says: str, **more: Any) -> PhotoCase:
    make = holding(data) if isinstance(data, bytes) else data
    outcome = more.pop("outcome", PAINTED)
    return PhotoCase("Photos", fed, outcome, says, make=make, pixels=np.asarray(pixels), **more)


def repeated(gray: Any) -> Any:
    return np.repeat(np.asarray(gray)[:, :, None], 3, axis=2)


RED = np.array([[[150, 60, 40], [128, 128, 128], [90, 120, 200]]], np.uint8).repeat(40, 1).repeat(30, 0)
GRAY = PHOTO[:, :, 0]
IMAGE = Image.fromarray(PHOTO)
PALETTE = IMAGE.quantize(64)
TRANSPARENT = IMAGE.quantize(64)
TRANSPARENT.info["transparency"] = 3
ALPHA = np.arange(33 * 47, dtype=np.uint8).reshape(33, 47)
BILEVEL = Image.fromarray(GRAY).convert("1")
CMYK = IMAGE.convert("CMYK")
SIGNED = tiff(GRAY[..., None].astype(np.int16), BLACK_IS_ZERO)
HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"
HTML = b"<!doctype html><title>404 Not Found</title>"

CASES = [
    refused("truncated JPEG", half(encoded(PHOTO, "JPEG")), *SAVE_AGAIN, name="bad.jpg"),
    refused("truncated PNG", half(encoded(PHOTO, "PNG")), *SAVE_AGAIN),
    refused("truncated WebP", half(encoded(PHOTO, "WEBP", lossless=True)), "save it again", name="bad.webp"),
    refused("truncated TIFF", half(encoded(PHOTO, "TIFF")), *SAVE_AGAIN, name="bad.tif"),
    refused("zero bytes", b"", *NO_FORMAT, name="bad.jpg"),
    refused("a web page named .jpg", HTML, *NO_FORMAT, name="bad.jpg"),
    refused("PNG whose header's checksum is wrong", wrong_checksum(), "save it again"),
    refused("PNG with a wrong byte amid its pixels", damaged_pixels(), *SAVE_AGAIN),
    refused("400-megapixel bomb", bomb(), "20000×20000 pixels, more than the 250,000,000 allowed; shrink it first"),
    refused(
        "floating point beyond 0..1",
        encoded(Image.fromarray(GRAY.astype(np.float32)), "TIFF"),
        "save it with 8 or 16 bits a channel",
        name="bad.tif",
    ),
    refused("dangling link", lambda path: path.symlink_to("nowhere.png"), "does not exist; check the path"),
    refused("link to itself", lambda path: path.symlink_to(path.name), "bad.png", "check the path"),
    refused("FIFO named .png", os.mkfifo, "is not a regular file", "name -"),
    refused("socket named .png", bind_socket, "is not a regular file", "name -"),
    refused("broken, name with letters of all kinds", HTML, *NO_FORMAT, name="Fête 猫 🐈.jpg"),
    refused("broken, name with a line break", HTML, r"photos/two\nlines.jpg", *NO_FORMAT, name="two\nlines.jpg"),
    refused("broken, name that is not UTF-8", HTML, *NO_FORMAT, name=os.fsdecode(b"caf\xe9.jpg"), own_process=True),
    painted("good, name with letters of all kinds", encoded(PHOTO, "PNG"), PHOTO, name="Fête 猫 🐈.png"),
    painted("good, name with a line break", encoded(PHOTO, "PNG"), PHOTO, name="two\nlines.png"),
    painted(
        "good, name that is not UTF-8",
        encoded(PHOTO, "PNG"),
        PHOTO,
        name=os.fsdecode(b"caf\xe9.png"),
        own_process=True,
    ),
    painted("mode 1 (PNG)", encoded(BILEVEL, "PNG"), repeated(BILEVEL.convert("L"))),
    painted("mode L (PNG)", encoded(GRAY, "PNG"), repeated(GRAY)),
    painted("mode LA (PNG)", encoded(np.dstack([GRAY, ALPHA]), "PNG"), repeated(GRAY)),
    painted("mode P (PNG)", encoded(PALETTE, "PNG"), PALETTE.convert("RGB")),
    painted("mode P with tRNS (PNG)", encoded(TRANSPARENT, "PNG"), PALETTE.convert("RGB")),
    painted("mode RGBA (PNG)", encoded(np.dstack([PHOTO, ALPHA]), "PNG"), PHOTO),
    painted("mode CMYK (TIFF)", encoded(CMYK, "TIFF"), CMYK.convert("RGB"), name="photo.tif"),
    painted("mode I;16 (PNG)", encoded(Image.fromarray(GRAY.astype(np.uint16) * 257), "PNG"), repeated(GRAY)),
    painted(
        "mode F (TIFF)",
        encoded(Image.fromarray(GRAY.astype(np.float32) / 255), "TIFF"),
        repeated(GRAY),
        name="photo.tif",
    ),
    painted("16-bit RGB (PNG)", deep_rgb(PHOTO), PHOTO),
    painted(
        "ICC profile Display P3 (PNG)",
        encoded(RED, "PNG", icc_profile=profile(P3)),
        from_display(RED, P3),
        tolerance=2,
        outcome="colors taken to sRGB",
    ),
    painted(
        "broken ICC profile (PNG)",
        encoded(PHOTO, "PNG", icc_profile=profile(P3)[:200]),
        PHOTO,
        "broken color profile, which is ignored",
    ),
    painted(
        "animated GIF",
        encoded(PALETTE, "GIF", save_all=True, append_images=[Image.fromarray(255 - PHOTO).quantize(64)]),
        PALETTE.convert("RGB"),
        "holds several frames or pages; only the first is used",
        outcome="first frame painted, a warning, exit 0",
        name="photo.gif",
    ),
    painted(
        "animated WebP",
        encoded(PHOTO, "WEBP", save_all=True, append_images=[Image.fromarray(255 - PHOTO)], lossless=True),
        PHOTO,
        "holds several frames or pages; only the first is used",
        outcome="first frame painted, a warning, exit 0",
        name="photo.webp",
    ),
    refused("signed 16-bit gray (TIFF)", SIGNED, "signed values", "unsigned", name="bad.tif"),
    refused(
        "floating-point RGB beyond 0..1 (TIFF)",
        tiff((PHOTO * 2.0).astype(np.float32), RGB),
        "save it with 8 or 16 bits a channel",
        name="bad.tif",
    ),
    refused("HDR by cICP (PNG)", tagged(PHOTO, b"cICP", bytes([9, 16, 0, 1])), "HDR (PQ)", "standard range (SDR)"),
    refused("HEIC without its plugin", HEIC, "HEIC", "pip install 'fststyle[heif]'", "JPEG", name="bad.heic"),
    refused("camera raw file", encoded(PHOTO, "TIFF"), "camera raw", "develop it to JPEG or TIFF", name="bad.dng"),
    refused("SVG, PDF, Photoshop and other pictures", b"8BPS", "Photoshop", "save it as PNG or JPEG", name="bad.psd"),
    painted("planar 16-bit RGB (TIFF)", tiff(PHOTO.astype(np.uint16) * 257, RGB, planar=True), PHOTO, name="photo.tif"),
    painted("floating-point RGB (TIFF)", tiff((PHOTO / 255).astype(np.float32), RGB), PHOTO, name="photo.tif"),
    painted(
        "12-bit gray, white at zero (TIFF)",
        tiff((GRAY[..., None].astype(np.uint16) << 4), WHITE_IS_ZERO, bits=12),
        repeated(255 - GRAY),
        name="photo.tif",
    ),
    painted(
        "Display P3 by cICP (PNG)",
        tagged(np.full((9, 9, 3), (200, 100, 60), np.uint8), b"cICP", bytes([12, 13, 0, 1])),
        np.full((9, 9, 3), (215, 93, 47)),
        tolerance=1,
        outcome="colors taken to sRGB",
    ),
    painted(
        "gray profile (16-bit gray PNG)",
        encoded(np.full((9, 9), 100 * 257, np.uint16), "PNG", icc_profile=profile(None, 1.0)),
        np.full((9, 9, 3), 168),
        outcome="colors taken to sRGB",
    ),
    painted("1×1", encoded(PHOTO[:1, :1], "PNG"), PHOTO[:1, :1]),
    painted("1×10 000", encoded(np.full((10_000, 1, 3), 9, np.uint8), "PNG"), np.full((10_000, 1, 3), 9)),
    painted("10 000×1", encoded(np.full((1, 10_000, 3), 9, np.uint8), "PNG"), np.full((1, 10_000, 3), 9)),
]
DAMAGED = 25
FLIPPED = Case(
    "Photos", f"{DAMAGED} files each with 8 bits turned over", "each painted or named, never worse, exit 0 or 1"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`photos` with a good file before and one behind whatever the case puts between."""
    write_picture(tmp_path / "photos" / "a.png", GOOD)
    write_picture(tmp_path / "photos" / "zz.png", GOOD)
    return tmp_path


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("case", list(map(marked, CASES)))
@pytest.mark.skipif(os.name != "posix", reason="names, links and FIFOs of POSIX")
def test_one_photo_of_three(
    case: PhotoCase,
    folder: Path,
    identity: Path,
    fststyle: Callable[..., Any],
    fststyle_process: Callable[..., Any],
) -> None:
    bad = folder / "photos" / case.name
    case.make(bad)
    run = fststyle_process if case.own_process else fststyle
    inputs = [f"photos/{name}" for name in ("a.png", case.name, "zz.png")]
    ended = run("stylize", identity, *inputs, "-o", "out", "--format", "png")
    written = {path.name for path in (folder / "out").iterdir()}
    assert {"a.png", "zz.png"} <= written
    for name in ("a.png", "zz.png"):
        np.testing.assert_array_equal(read_picture(folder / "out" / name).rgb, GOOD)
    refused = case.pixels is None
    assert ended.status == (1 if refused else 0), ended.errors
    assert len(written) == (2 if refused else 3)
    case.assert_said(ended.errors)
    if refused:
        assert "1 of 3 pictures failed" in ended.errors
    else:
        got = read_picture((folder / "out" / case.name).with_suffix(".png")).rgb.astype(int)
        np.testing.assert_allclose(got, case.pixels.astype(int), atol=case.tolerance)


@fault(FLIPPED)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM"])
def test_bits_turned_over(file_format: str, folder: Path, identity: Path, fststyle: Callable[..., Any]) -> None:
    whole = encoded(PHOTO, file_format)
    for seed in range(DAMAGED):
        (folder / "photos" / f"b{seed}.jpg").write_bytes(flipped(whole, seed))
    ended = fststyle("stylize", identity, "photos", "-o", "out", "--format", "png")
    named = {Path(line.split()[1]).stem for line in ended.errors.splitlines() if line.startswith("error: photos")}
    written = {path.stem for path in (folder / "out").iterdir()}
    assert ended.status == (1 if named else 0)
    assert {"a", "zz"} <= written
    assert written | named == {"a", "zz", *(f"b{seed}" for seed in range(DAMAGED))}
    assert not written & named
