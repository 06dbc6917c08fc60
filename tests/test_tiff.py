import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiff_files import BLACK_IS_ZERO, CMYK, RGB, WHITE_IS_ZERO, tiff

from fststyle.errors import ImageError
from fststyle.images import read_picture

RNG = np.random.default_rng(3)
ORDERS = pytest.mark.parametrize("order", "<>")


def read(data: bytes) -> NDArray[np.uint8]:
    return read_picture(io.BytesIO(data)).rgb


def deep(shape: tuple[int, ...]) -> NDArray[np.uint16]:
    return RNG.integers(0, 65536, shape, np.uint16)


@ORDERS
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
class TestColor:
    def high(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        return values if values.dtype == np.uint8 else (values >> 8).astype(np.uint8)

    def test_rgb(self, order: str, planar: bool, deflate: bool, dtype: Any) -> None:
        values = deep((30, 20, 3)).astype(dtype)
        got = read(tiff(values, RGB, order=order, planar=planar, deflate=deflate))
        np.testing.assert_array_equal(got, self.high(values))

    @pytest.mark.parametrize("extra", [1, 2])
    def test_alpha(self, order: str, planar: bool, deflate: bool, dtype: Any, extra: int) -> None:
        values = deep((30, 20, 4)).astype(dtype)
        values[..., 3] |= 1 << (8 * values.itemsize - 1)
        if extra == 1:
            values[..., :3] = np.minimum(values[..., :3], values[..., 3:])
        picture = read_picture(io.BytesIO(tiff(values, RGB, order=order, planar=planar, deflate=deflate, extra=extra)))
        colors, alpha = np.split(self.high(values).astype(float), [3], axis=-1)
        expected = colors * 255 / alpha if extra == 1 else colors
        np.testing.assert_allclose(picture.rgb, np.minimum(expected, 255), atol=2 if extra == 1 else 0)
        np.testing.assert_array_equal(picture.alpha, alpha[..., 0])

    def test_cmyk(self, order: str, planar: bool, deflate: bool, dtype: Any) -> None:
        values = deep((30, 20, 4)).astype(dtype)
        got = read(tiff(values, CMYK, order=order, planar=planar, deflate=deflate))
        ink = self.high(values).astype(float)
        np.testing.assert_allclose(got, (255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255, atol=1)


@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("planar", [False, True])
class TestGray:
    @ORDERS
    def test_8_bits(self, order: str, photometric: int, deflate: bool, planar: bool) -> None:
        values = RNG.integers(0, 256, (30, 20, 1), np.uint8)
        data = tiff(values, photometric, order=order, deflate=deflate, planar=planar)
        self.check(values, data, photometric)

    def check(self, gray: NDArray[Any], data: bytes, photometric: int, refused: bool = False) -> None:
        if refused:
            with pytest.raises(ImageError, match="is not read; save it with 8 or 16 bits a channel"):
                read(data)
            return
        expected = 255 - gray if photometric == WHITE_IS_ZERO else gray
        np.testing.assert_array_equal(read(data), np.repeat(expected, 3, -1))

    @ORDERS
    def test_16_bits(self, order: str, photometric: int, deflate: bool, planar: bool) -> None:
        values = deep((30, 20, 1))
        data = tiff(values, photometric, order=order, deflate=deflate, planar=planar)
        self.check(values >> 8, data, photometric, order == ">" and photometric == WHITE_IS_ZERO)

    @ORDERS
    def test_12_bits(self, order: str, photometric: int, deflate: bool, planar: bool) -> None:
        values = RNG.integers(0, 4096, (30, 20, 1), np.uint16)
        data = tiff(values, photometric, order=order, deflate=deflate, planar=planar, bits=12)
        self.check(values >> 4, data, photometric, order == ">" or photometric == WHITE_IS_ZERO)

    @ORDERS
    def test_32_bits(self, order: str, photometric: int, deflate: bool, planar: bool) -> None:
        values = RNG.integers(0, 2**32, (30, 20, 1), np.uint32)
        data = tiff(values, photometric, order=order, deflate=deflate, planar=planar)
        self.check(values >> 24, data, photometric, order == ">" or photometric == WHITE_IS_ZERO)

    @ORDERS
    def test_floating_point(self, order: str, photometric: int, deflate: bool, planar: bool) -> None:
        gray = RNG.integers(0, 256, (30, 20, 1))
        data = tiff((gray / 255).astype(np.float32), photometric, order=order, deflate=deflate, planar=planar)
        self.check(gray, data, photometric)


@ORDERS
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
def test_signed_values_are_refused_by_name(order: str, dtype: Any) -> None:
    with pytest.raises(ImageError, match="signed"):
        read(tiff(np.zeros((8, 8, 1), dtype), BLACK_IS_ZERO, order=order))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (np.zeros((8, 8, 3), np.float32), "3 channels of 32 floating-point bits"),
        (np.zeros((8, 8, 3), np.uint32), "3 channels of 32 bits"),
        (np.zeros((8, 8, 1), np.float16), "1 channel of 16 floating-point bits"),
        (np.zeros((8, 8, 1), np.float64), "1 channel of 64 floating-point bits"),
        (np.zeros((8, 8, 3), np.int16), "3 channels of 16 signed bits"),
    ],
)
def test_other_depths_are_refused_by_name(values: NDArray[Any], named: str) -> None:
    with pytest.raises(ImageError, match=f"{named}, which is not read; save it with 8 or 16 bits"):
        read(tiff(values, RGB if values.shape[2] == 3 else BLACK_IS_ZERO))


def test_premultiplied_gray() -> None:
    values = np.array([[[100, 200], [0, 0], [255, 255]]], np.uint8)
    for deflate in (False, True):
        picture = read_picture(io.BytesIO(tiff(values, BLACK_IS_ZERO, extra=1, deflate=deflate)))
        np.testing.assert_array_equal(picture.rgb[0, :, 1], [128, 0, 255])
        np.testing.assert_array_equal(picture.alpha, [[200, 0, 255]])


@pytest.mark.parametrize("extra", [1, 2])
@pytest.mark.parametrize("deflate", [False, True])
def test_gray_and_alpha_in_planes_are_refused_by_name(extra: int, deflate: bool) -> None:
    values = np.full((8, 8, 2), 200, np.uint8)
    data = tiff(values, BLACK_IS_ZERO, extra=extra, planar=True, deflate=deflate)
    with pytest.raises(ImageError, match="gray and alpha in separate planes, which is not read; save it as PNG"):
        read(data)


def test_lab_is_taken_to_srgb() -> None:
    """L* 53.24, a* 80.09, b* 67.20 under D65 is sRGB's red; by D50, which TIFF means, 54.29, 80.81, 69.89."""
    lab = np.array([54.29 * 2.55, 81, 70]).round().astype(np.uint8)
    values = np.broadcast_to(lab, (8, 8, 3)).copy()
    for planar in (False, True):
        for deflate in (False, True):
            got = read(tiff(values, 8, planar=planar, deflate=deflate))
            np.testing.assert_allclose(got[0, 0], [255, 0, 0], atol=6)


def test_a_camera_raw_file_is_not_read_as_its_preview() -> None:
    data = tiff(np.zeros((8, 8, 3), np.uint8), RGB, more={50706: bytes([1, 4, 0, 0])})
    with pytest.raises(ImageError, match="camera raw file, which is not read; develop it"):
        read(data)
