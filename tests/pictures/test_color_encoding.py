import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rotten import P3, chunk, encoded, from_display, profile

from fststyle.errors import ImageError
from fststyle.pictures.color_encoding import Encoding
from fststyle.pictures.files import read_picture

Pixels = NDArray[np.uint8]

PIXEL = np.array([[[200, 100, 60]]], np.uint8)


def tagged(image: Image.Image | Pixels, *chunks: bytes, **options: Any) -> io.BytesIO:
    """A PNG with more chunks before its pixels."""
    data = encoded(image, "PNG", **options)
    place = data.index(b"IDAT") - 4
    return io.BytesIO(data[:place] + b"".join(chunks) + data[place:])


def cicp(primaries: int, transfer: int, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, full]))


def gama(gamma: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(gamma * 100000)))


def chrm(*values: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 100000) for value in values)))


SRGB_CHRM = chrm(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3_CHRM = chrm(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
SRGB_CHUNK = chunk(b"sRGB", b"\0")


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ((cicp(12, 13),), [215, 93, 47]),  # Display P3, as ColorSync and lcms have it
        ((cicp(12, 13), gama(1.0), SRGB_CHUNK), [215, 93, 47]),  # it comes first
        ((cicp(1, 13),), [200, 100, 60]),
        ((cicp(1, 1),), [200, 100, 60]),
        ((cicp(2, 2),), [200, 100, 60]),
        ((cicp(1, 8),), [229, 168, 133]),  # linear
        ((cicp(1, 13, 0),), [214, 98, 51]),  # 16..235
        ((gama(1.0),), [229, 168, 133]),
        ((gama(1.0), SRGB_CHUNK), [200, 100, 60]),
        ((gama(0.45455),), [200, 100, 60]),
        ((gama(0.45455), SRGB_CHRM), [200, 100, 60]),
        ((P3_CHRM,), [215, 93, 47]),
        ((gama(0.45455), P3_CHRM), [215, 93, 47]),
        ((chrm(*[0.3] * 8),), [200, 100, 60]),  # no color space
        ((chrm(*[0.0] * 8), gama(0.0)), [200, 100, 60]),
    ],
)
def test_png_says_how_its_colors_are_meant(chunks: tuple[bytes, ...], expected: list[int]) -> None:
    np.testing.assert_allclose(read_picture(tagged(PIXEL, *chunks)).rgb[0, 0], expected, atol=1)


def test_a_profile_comes_before_gamma_and_after_cicp() -> None:
    with_profile = {"icc_profile": profile(P3)}
    by_profile = read_picture(tagged(PIXEL, **with_profile)).rgb
    np.testing.assert_array_equal(read_picture(tagged(PIXEL, gama(1.0), **with_profile)).rgb, by_profile)
    np.testing.assert_array_equal(read_picture(tagged(PIXEL, cicp(1, 13), **with_profile)).rgb, PIXEL)


def test_alpha_and_gray_go_along() -> None:
    rgba = np.dstack([PIXEL, np.uint8([[77]])])
    picture = read_picture(tagged(rgba, cicp(12, 13)))
    np.testing.assert_allclose(picture.rgb[0, 0], [215, 93, 47], atol=1)
    np.testing.assert_array_equal(picture.alpha, [[77]])
    for gray in (np.uint8([[100]]), np.uint16([[100 * 257]])):
        assert (read_picture(tagged(gray, gama(1.0))).rgb == 168).all()


@pytest.mark.parametrize(("transfer", "named"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_by_name(transfer: int, named: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(tagged(PIXEL, cicp(9, transfer)).getvalue())
    with pytest.raises(ImageError, match=rf"a\.png is HDR \({named}\).*save it with standard range"):
        read_picture(path)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_hdr_is_refused_whose_profile_says_so(file_format: str) -> None:
    rgb = np.broadcast_to(PIXEL, (16, 16, 3)).copy()
    for transfer, named in ((16, "PQ"), (18, "HLG")):
        hdr = profile(P3, 1.8, more={b"cicp": b"cicp\0\0\0\0" + bytes([9, transfer, 0, 1])})
        with pytest.raises(ImageError, match=rf"HDR \({named}\)"):
            read_picture(io.BytesIO(encoded(rgb, file_format, icc_profile=hdr)))
    sdr = profile(P3, 1.8, more={b"cicp": b"cicp\0\0\0\0" + bytes([12, 13, 0, 1])})
    got = read_picture(io.BytesIO(encoded(rgb, file_format, icc_profile=sdr))).rgb[5, 5]
    np.testing.assert_allclose(got, from_display(PIXEL, P3, 1.8)[0, 0], atol=4)


def test_white_stays_white_and_gray_gray_in_every_space() -> None:
    for primaries in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22):
        encoding = Encoding.from_codes(primaries, 13, full_range=True, name="")
        grays = np.uint8([[[255] * 3, [128] * 3, [0] * 3]])
        np.testing.assert_allclose(encoding.to_srgb(grays), grays, atol=1)


def avif(rgb: Pixels, primaries: int, transfer: int, **options: Any) -> io.BytesIO:
    """Pillow writes sRGB's numbers; here are others in their place."""
    data = encoded(rgb, "AVIF", quality=100, subsampling="4:4:4", **options)
    start = data.index(b"colrnclx") + 8
    assert data.count(b"colrnclx") == 1
    return io.BytesIO(data[:start] + struct.pack(">HH", primaries, transfer) + data[start + 4 :])


@pytest.mark.parametrize("alpha", [False, True])
def test_avif_says_how_its_colors_are_meant(alpha: bool) -> None:
    rgb = np.broadcast_to(PIXEL, (16, 16, 3))
    pixels = np.dstack([rgb, np.full((16, 16), 200, np.uint8)]) if alpha else rgb.copy()
    np.testing.assert_allclose(read_picture(avif(pixels, 1, 13)).rgb[5, 5], [200, 100, 60], atol=2)
    np.testing.assert_allclose(read_picture(avif(pixels, 12, 13)).rgb[5, 5], [215, 93, 47], atol=2)
    for transfer, named in ((16, "PQ"), (18, "HLG")):
        with pytest.raises(ImageError, match=rf"HDR \({named}\)"):
            read_picture(avif(pixels, 9, transfer))
