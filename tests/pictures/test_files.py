import io
import os
import re
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from fststyle.errors import ImageError
from fststyle.pictures.files import (
    encode_picture,
    find_images,
    fit_longer_side,
    format_of,
    read_picture,
    resize_shorter_side,
    with_content_color,
    write_picture,
)

Pixels = NDArray[np.uint8]


def encoded(rgb: Pixels, file_format: str, **options: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, file_format, **options)
    buffer.seek(0)
    return buffer


# What must be done to the pixels as stored, by the EXIF standard's table of orientations.
ORIENTATIONS = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.fault("Photos", "EXIF orientations 1 to 8", "upright", ())
def test_every_exif_orientation_stands_upright(photo: Pixels, orientation: int, file_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(encoded(photo, file_format, exif=exif))
    np.testing.assert_array_equal(picture.rgb, ORIENTATIONS[orientation](photo))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".bmp"])
def test_lossless_files_give_back_every_byte(photo: Pixels, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_picture(path, photo)
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.rgb, photo)
    assert picture.alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_files_come_close(suffix: str) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    rgb = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(128)), axis=-1)
    decoded = read_picture(io.BytesIO(encode_picture(rgb, None, suffix))).rgb
    np.testing.assert_allclose(decoded.astype(int), rgb, atol=12)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
def test_alpha_survives(photo: Pixels, suffix: str) -> None:
    alpha = np.arange(33 * 47, dtype=np.uint8).reshape(33, 47)
    again = read_picture(io.BytesIO(encode_picture(photo, alpha, suffix)))
    np.testing.assert_array_equal(again.alpha, alpha)


def test_jpeg_lays_transparent_pixels_over_white() -> None:
    rgb, alpha = np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8)
    assert (read_picture(io.BytesIO(encode_picture(rgb, alpha, ".jpg"))).rgb == 255).all()
    half = read_picture(io.BytesIO(encode_picture(rgb, alpha + 51, ".bmp"))).rgb
    assert (half == 204).all()


def test_16_bit_png_keeps_its_high_byte(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Image.fromarray(np.array([[0x1234, 0xFFFF]], np.uint16)).save(path)
    np.testing.assert_array_equal(read_picture(path).rgb, [[[0x12] * 3, [0xFF] * 3]])


def test_first_frame_of_an_animation_with_a_warning(photo: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    Image.fromarray(photo).save(path, save_all=True, append_images=[Image.fromarray(255 - photo)], lossless=True)
    with pytest.warns(UserWarning, match=r"moving\.webp holds several frames"):
        picture = read_picture(path)
    np.testing.assert_array_equal(picture.rgb, photo)


@pytest.mark.parametrize(("hint", "shape"), [(None, (320, 480)), (161, (320, 480)), (160, (160, 240)), (41, (80, 120))])
def test_jpegs_are_decoded_no_smaller_than_the_hint(hint: int | None, shape: tuple[int, int]) -> None:
    file = encoded(np.full((320, 480, 3), 90, np.uint8), "JPEG")
    rgb = read_picture(file, min_side_hint=hint).rgb
    assert rgb.shape == (*shape, 3)
    assert (rgb == 90).all()


def test_too_many_pixels_are_refused_from_the_header(photo: Pixels) -> None:
    header_only = io.BytesIO(encoded(photo, "PNG").getvalue()[:60])
    with pytest.raises(ImageError, match="47×33 pixels, more than the 1,550 allowed; shrink"):
        read_picture(header_only, max_pixels=1550)
    assert read_picture(encoded(photo, "PNG"), max_pixels=1551).rgb.shape == photo.shape


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])  # Pillow looks at a TIFF's size once more when it decodes
@pytest.mark.parametrize("strip", [10**6, 100])
def test_the_limit_of_pillow_does_not_count(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch, file_format: str, strip: int
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    monkeypatch.setattr("fststyle.pictures.picture._STRIP_PIXELS", strip)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_picture(encoded(photo, file_format))
    assert Image.MAX_IMAGE_PIXELS == 10


def test_two_readers_at_once_both_do_without_it(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    load = TiffImageFile.load

    def another_first(image: TiffImageFile) -> Any:
        read_picture(encoded(photo, "PNG"))
        return load(image)

    monkeypatch.setattr(TiffImageFile, "load", another_first)
    read_picture(encoded(photo, "TIFF"))
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_few_bytes_do_not_fill_the_memory() -> None:
    """A GIF of one pixel whose frame is larger, to be cleared after it was shown: Pillow prepares that on opening."""
    frame = struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    data = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"!\xf9\4\x08\0\0\0\0," + frame + b"\2\2\x4c\1\0;"
    with pytest.raises(
        ImageError, match="the picture has far more than the 250,000,000 pixels allowed; shrink it first"
    ):
        read_picture(io.BytesIO(data))


def test_more_than_fits_into_memory_is_an_image_error(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImageFile, "load", fail)
    with pytest.raises(ImageError, match="the picture is too large to be decoded in the memory there is; shrink it"):
        read_picture(encoded(photo, "PNG"))


BROKEN = {
    "missing.jpg": (None, "does not exist; check the path"),
    "empty.jpg": (b"", "broken or not in a format"),
    "page.jpg": (b"<!doctype html><title>404</title>", "broken or not in a format"),
    "drawing.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "broken or not in a format"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_a_picture(tmp_path: Path, name: str) -> None:
    data, message = BROKEN[name]
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ImageError, match=re.escape(str(path)) + ".*" + message) as caught:
        read_picture(path)
    assert caught.value.__cause__ is not None


@pytest.mark.filterwarnings("ignore")  # Pillow comments on damaged tags
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM"])
def test_damage_is_an_image_error_of_one_line(photo: Pixels, file_format: str) -> None:
    whole = encoded(photo, file_format).getvalue()
    with pytest.raises(ImageError, match="save it again"):
        read_picture(io.BytesIO(whole[: len(whole) // 2]))
    rng = np.random.default_rng(1)
    for _ in range(50):
        damaged = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 200), 3):
            damaged[place] ^= 1 << rng.integers(8)
        message = ""
        try:
            read_picture(io.BytesIO(damaged), max_pixels=10**6)
        except ImageError as error:
            message = str(error)
        assert "\n" not in message


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        read_picture(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="other errors there")
def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "loop.png").symlink_to("loop.png")
    for name in ("a.png/b.png", "loop.png", "x" * 300):
        with pytest.raises(ImageError, match=r"cannot be read .*; check the path"):
            read_picture(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photo.jpg")
    with pytest.raises(ImageError, match="not a regular file"):
        read_picture(tmp_path / "photo.jpg")
    assert find_images(tmp_path) == []


def test_unknown_suffix_names_the_known_ones(photo: Pixels, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"'\*\.xyz'; use one of \.png, \.jpg"):
        write_picture(tmp_path / "a.xyz", photo)
    assert list(tmp_path.iterdir()) == []
    assert format_of(".JPG") == "JPEG"


def test_a_picture_too_large_for_its_format(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"WEBP cannot hold 1×16384 pixels .*; use \.png"):
        encode_picture(np.zeros((16384, 1, 3), np.uint8), None, ".webp")


def test_a_large_picture_is_read_in_little_more_than_pillow_needs(tmp_path: Path) -> None:
    side = 4000
    Image.new("RGB", (side, side), "olive").save(tmp_path / "large.jpg")
    program = (
        "import resource, sys; from pathlib import Path; from fststyle.pictures.files import read_picture\n"
        "unit = 1 if sys.platform == 'darwin' else 1024\n"
        "most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit\n"
        "before = most(); read_picture(Path(sys.argv[1])); print(most() - before)"
    )
    pytest.importorskip("resource", reason="Windows does not tell")
    command = [sys.executable, "-c", program, str(tmp_path / "large.jpg")]
    taken = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert taken / side**2 < 9  # bytes a pixel: Pillow's own four, our three; its way to arrays made it fourteen


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_has_a_range(photo: Pixels, quality: int) -> None:
    with pytest.raises(ValueError, match="not " + str(quality)):
        encode_picture(photo, None, ".jpg", quality=quality)


def test_writing_below_a_file_is_an_image_error(photo: Pixels, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "a.png", tmp_path / "file" / "b" / "a.png"):
        with pytest.raises(ImageError, match=r"file is a file, not a folder.*; choose another place"):
            write_picture(path, photo)


@pytest.mark.fault("Photos", "`._` files, hidden folders, other files", "left out", ())
def test_find_images_is_sorted_and_skips_what_is_hidden(tmp_path: Path) -> None:
    names = ["b/2.JPG", "b/1.png", "a.webp", "._a.webp", ".hidden/c.png", "notes.txt", "b/.d.png", "z.tif"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["a.webp", "b/1.png", "b/2.JPG", "z.tif"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.fault("Photos", "link loops, dangling links in a folder", "each folder entered once", ())
def test_find_images_follows_links_once(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.png").write_bytes(b"")
    (inside / "loop").symlink_to(inside)
    (inside / "one").symlink_to(outside)
    (inside / "two").symlink_to(outside)
    (inside / "dangling.png").symlink_to(tmp_path / "nowhere")
    assert find_images(inside) == [inside / "one" / "a.png"]


@pytest.mark.fault("Photos", "unreadable folder", "named in a warning, the others found", ())
def test_find_images_names_what_it_could_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.warns(UserWarning, match="locked is left out: Permission denied"):
        assert find_images(tmp_path) == [tmp_path / "a.png"]
    stat = Path.stat

    def look(path: Path, **how: Any) -> os.stat_result:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(Path, "stat", look)
    with pytest.warns(UserWarning, match="locked is left out: Permission denied"):  # listed, but not to be looked into
        assert find_images(tmp_path) == [tmp_path / "a.png"]
    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ImageError, match="locked may not be read; check its permissions"):
        find_images(tmp_path / "locked")
    with pytest.raises(ImageError, match="is not a folder"):
        find_images(tmp_path / ("x" * 300))
    with pytest.raises(ImageError, match="is not a folder"):
        find_images(tmp_path / "a.png")


def test_resizing_keeps_the_aspect_ratio() -> None:
    rgb = np.full((30, 40, 3), 7, np.uint8)
    assert resize_shorter_side(rgb, 15).shape == (15, 20, 3)
    assert resize_shorter_side(rgb, 60).shape == (60, 80, 3)
    assert fit_longer_side(rgb, 20).shape == (15, 20, 3)
    assert fit_longer_side(rgb, 100) is rgb
    assert fit_longer_side(rgb[:, :, 0], 20).shape == (15, 20)
    assert fit_longer_side(np.zeros((1, 500, 3), np.uint8), 10).shape == (1, 10, 3)
    with pytest.raises(ValueError, match="at least one pixel"):
        fit_longer_side(rgb, 0)


def test_content_color_exchanges_luminance_alone(photo: Pixels) -> None:
    content = photo // 4 + 96  # far enough from black and white for nothing to be clipped
    stylized = np.full_like(photo, 128)
    mixed = with_content_color(stylized, content)
    expected = _ycbcr(content)
    expected[..., 0] = _ycbcr(stylized)[..., 0]
    np.testing.assert_allclose(_ycbcr(mixed), expected, atol=0.6)  # mixed was rounded
    np.testing.assert_array_equal(with_content_color(content, content), content)


def _ycbcr(rgb: Pixels) -> NDArray[np.float64]:
    """JFIF's definition."""
    matrix = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
    return rgb.astype(np.float64) @ np.array(matrix).T
