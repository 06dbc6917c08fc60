import io
import os
import struct
import subprocess
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from rotten import chunk, encoded, half, png
from tiff_files import RGB, tiff

from fststyle.errors import ImageError
from fststyle.jobs.run import plan
from fststyle.pictures.files import find_images, read_picture, write_picture
from fststyle.pictures.formats import WRITE_SUFFIXES, suffix_to_write

Pixels = NDArray[np.uint8]

HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"


def test_what_is_left_out_of_a_folder_is_counted_and_named(photo: Pixels, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.MPO", "c.png"):
        (tmp_path / name).write_bytes(b"")
    for name in ("IMG_1.HEIC", "IMG_2.heic", "d.jxl", "g.PCX", "h.pfm", "notes.txt", ".e.heic", "._f.dng"):
        (tmp_path / name).write_bytes(b"")
    with pytest.warns(UserWarning, match=r"5 files in .*: \.heic, \.jxl, \.pcx, \.pfm; save them as JPEG.*heif"):
        found = find_images(tmp_path)
    assert [path.name for path in found] == ["a.jpg", "b.MPO", "c.png"]
    for name in ("IMG_1.HEIC", "IMG_2.heic", "g.PCX", "h.pfm"):
        (tmp_path / name).unlink()
    with pytest.warns(UserWarning, match=r"1 file in .* is left out: \.jxl; save them as JPEG or PNG$"):
        find_images(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.heic", HEIC, ("a.heic", "HEIC", "pip install 'fststyle[heif]'", "save it as JPEG")),
        ("renamed.jpg", HEIC, ("renamed.jpg", "HEIC", "heif")),
        ("a.jxl", b"\xff\x0a\x00", ("JPEG XL", "save it as PNG or JPEG")),
        ("a.jpg", b"\0\0\0\x0cJXL \r\n\x87\n", ("JPEG XL",)),
        ("a.svg", b"<?xml version='1.0'?><svg/>", ("SVG",)),
        ("a.pdf", b"%PDF-1.7", ("PDF",)),
        ("a.psd", b"8BPS\0\1", ("Photoshop",)),
        ("a.nef", b"nothing", ("camera raw", "develop it to JPEG or TIFF")),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1", ("camera raw",)),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", ("JPEG 2000",)),
        ("a.pcx", b"\x0a\5\1\10", ("PCX", "save it as PNG or JPEG")),
        ("a.exr", b"v/1\x01", ("OpenEXR",)),
    ],
)
def test_pictures_of_other_kinds_are_named(name: str, data: bytes, says: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_picture(tmp_path / name)
    for words in says:
        assert words in str(caught.value)


def test_a_network_and_a_web_address_are_named(identity: Path) -> None:
    with pytest.raises(ImageError, match=r"identity\.onnx is an ONNX network; name a picture in its place"):
        read_picture(identity)
    with pytest.raises(ImageError, match=r"^https://a\.org/b\.jpg is a web address; download the picture"):
        read_picture(Path("https://a.org/b.jpg"))
    with pytest.raises(ImageError, match=r"^httpx:/b\.jpg does not exist"):
        read_picture(Path("httpx:/b.jpg"))


def test_the_preview_in_a_raw_file_is_not_taken_for_the_picture(photo: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "a.NEF"
    path.write_bytes(encoded(photo, "TIFF"))
    with pytest.raises(ImageError, match="camera raw file, which is not read; develop it"):
        read_picture(path)


@pytest.fixture
def pillow_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that takes what follows the HEIC header for a PNG."""

    class HeifImageFile(PngImagePlugin.PngImageFile):
        format = "HEIF"

        def __init__(self, file: io.BytesIO) -> None:
            super().__init__(io.BytesIO(file.read()[len(HEIC) :]))

    module = types.ModuleType("pillow_heif")
    module.__dict__["HeifImageFile"] = HeifImageFile
    module.__spec__ = types.SimpleNamespace(name="pillow_heif")  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "pillow_heif", module)


@pytest.mark.usefixtures("pillow_heif")
def test_heic_is_read_where_its_plugin_is_installed(photo: Pixels, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    for name in ("a.heic", "a.jpg"):
        (tmp_path / name).write_bytes(HEIC + encoded(photo, "PNG", exif=exif))
        np.testing.assert_array_equal(read_picture(tmp_path / name).rgb, photo[::-1, ::-1])
    assert find_images(tmp_path) == [tmp_path / "a.heic", tmp_path / "a.jpg"]
    (tmp_path / "a.heic").write_bytes(HEIC + b"rotten")
    with pytest.raises(ImageError, match="broken or not in a format"):
        read_picture(tmp_path / "a.heic")


def test_an_mpo_is_its_first_picture(photo: Pixels, tmp_path: Path) -> None:
    first, second = Image.fromarray(photo), Image.fromarray(255 - photo)
    first.save(tmp_path / "a.mpo", save_all=True, append_images=[second], quality=95)
    first.save(tmp_path / "a.jpg", quality=95)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = read_picture(tmp_path / "a.mpo").rgb
    np.testing.assert_array_equal(got, read_picture(tmp_path / "a.jpg").rgb)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *((f"a{suffix}", suffix) for suffix in WRITE_SUFFIXES),
        *(
            ("a.JPE", ".JPE"),
            ("a.gif", ".png"),
            ("a.ppm", ".png"),
            ("a.heic", ".jpg"),
            ("a.mpo", ".jpg"),
            ("a", ".png"),
        ),
    ],
)
def test_suffixes_are_kept_where_they_can_be(name: str, suffix: str, photo: Pixels, tmp_path: Path) -> None:
    assert suffix_to_write(Path(name)) == suffix
    (job,) = plan([str(tmp_path / name)], str(tmp_path / "out") + "/", style="s")
    assert job.target == tmp_path / "out" / f"a{suffix}"
    write_picture(job.target, photo)
    assert read_picture(job.target).rgb.shape == photo.shape


def keyed(depth: int, color: int, rows: bytes, key: tuple[int, ...], width: int) -> io.BytesIO:
    data = png(1, width, depth, color, rows)
    place = data.index(b"IDAT") - 4
    return io.BytesIO(data[:place] + chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) + data[place:])


@pytest.mark.parametrize(
    ("depth", "row", "key", "alpha"),
    [
        (1, b"\x40", 1, [255, 0]),
        (1, b"\x40", 0, [0, 255]),
        (2, b"\x1b", 2, [255, 255, 0, 255]),
        (4, b"\x1b", 11, [255, 0]),
        (8, b"\x01\x0b", 11, [255, 0]),
        (16, b"\x12\x34\x12\x35", 0x1234, [0, 255]),
        (16, b"\x12\x34\x12\x35", 0x12, None),
    ],
)
def test_the_transparent_gray_of_a_png(depth: int, row: bytes, key: int, alpha: list[int] | None) -> None:
    width = 8 * len(row) // depth if depth > 1 else 2
    picture = read_picture(keyed(depth, 0, b"\0" + row, (key,), width))
    if alpha is None:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, [alpha])


def test_the_transparent_color_of_a_png() -> None:
    deep = b"\0" + bytes([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 7])  # the low byte alone tells them apart
    picture = read_picture(keyed(16, 2, deep, (0x102, 0x304, 0x506), 2))
    np.testing.assert_array_equal(picture.alpha, [[0, 255]])
    np.testing.assert_array_equal(picture.rgb[0, 1], [1, 3, 5])
    assert read_picture(keyed(16, 2, deep, (1, 3, 5), 2)).alpha is None
    picture = read_picture(keyed(8, 2, b"\0" + bytes([1, 2, 3, 1, 2, 4]), (1, 2, 3), 2))
    np.testing.assert_array_equal(picture.alpha, [[0, 255]])


def test_a_bitmap_without_its_file_header(photo: Pixels, tmp_path: Path) -> None:
    data = encoded(photo, "BMP")
    for name, content in (("whole.dib", data), ("bare.DIB", data[14:])):
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(read_picture(tmp_path / name).rgb, photo)


def test_a_bitmap_with_an_empty_fourth_byte_is_opaque() -> None:
    header = struct.pack("<IiiHHIIiiII", 108, 2, 1, 1, 32, 3, 8, 0, 0, 0, 0)
    header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    file = b"BM" + struct.pack("<IHHI", 14 + 108 + 8, 0, 0, 14 + 108) + header
    empty = read_picture(io.BytesIO(file + bytes([3, 2, 1, 0, 6, 5, 4, 0])))
    assert empty.alpha is None
    np.testing.assert_array_equal(empty.rgb, [[[1, 2, 3], [4, 5, 6]]])
    half_seen = read_picture(io.BytesIO(file + bytes([3, 2, 1, 0, 6, 5, 4, 9])))
    np.testing.assert_array_equal(half_seen.alpha, [[0, 9]])


@pytest.mark.fault("Photos", "TIFF with broken compressed pixels", "named in one line, nothing from libtiff", ())
def test_libtiff_prints_nothing(photo: Pixels, run_python: Callable[..., Any], identity: Path, tmp_path: Path) -> None:
    whole = encoded(photo, "TIFF", compression="tiff_deflate")
    middle = len(whole) // 2
    (tmp_path / "a.tif").write_bytes(whole[:middle] + bytes(20) + whole[middle + 20 :])
    done = run_python("-m", "fststyle", "stylize", identity, "a.tif", "-o", "b.png")
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert "a.tif cannot be read" in lines[0]


def test_pillow_logs_nothing_without_a_name(run_python: Callable[..., Any], identity: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(np.zeros((4, 4, 20), np.uint8), RGB))
    done = run_python("-m", "fststyle", "stylize", identity, "a.tif", "-o", "b.png")
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert "a.tif is a TIFF with 20 channels of 8 bits, which is not read" in lines[0]


def test_pillow_warns_of_nothing_without_a_name(
    photo: Pixels, run_python: Callable[..., Any], identity: Path, tmp_path: Path
) -> None:
    data = bytearray(
        encoded(photo, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\1\0\0\0\6\0\0\0" * 2)
    )
    (tmp_path / "a.jpg").write_bytes(data)
    done = run_python("-m", "fststyle", "stylize", identity, "a.jpg", "-o", "b.png")
    assert done.returncode == 0
    for line in done.stderr.decode().splitlines():
        assert "a.jpg" in line or "b.png" in line


def test_a_large_jpeg_is_decoded_at_the_size_that_is_needed(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="Windows does not tell")
    Image.new("RGB", (6000, 4000), "olive").save(tmp_path / "large.jpg")
    program = (
        "import resource, sys; from pathlib import Path; from fststyle.pictures.files import read_picture\n"
        "unit = 1 if sys.platform == 'darwin' else 1024\n"
        "most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit\n"
        "before = most(); rgb = read_picture(Path(sys.argv[1]), min_side_hint=256).rgb\n"
        "print(most() - before, *rgb.shape)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "large.jpg")]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    taken = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.split()
    assert taken[1:] == ["500", "750", "3"]
    assert int(taken[0]) < 20_000_000  # whole, it would be 168 MB


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM"])
def test_a_pipe_is_read_like_a_file(file_format: str, photo: Pixels) -> None:
    data = encoded(photo, file_format)

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.left = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            return self.left.readinto(buffer)

    piped = read_picture(io.BufferedReader(Pipe()))
    np.testing.assert_array_equal(piped.rgb, read_picture(io.BytesIO(data)).rgb)
    with pytest.raises(ImageError, match="save it again"):
        read_picture(io.BytesIO(half(data)))
