import io
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from tiff_files import BLACK_IS_ZERO, CMYK, RGB, WHITE_IS_ZERO, tiff

from fststyle.errors import ImageError
from fststyle.pictures.files import read_picture
from fststyle.pictures.picture import to_picture

RNG = np.random.default_rng(3)
Pixels = NDArray[np.uint8]
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


@ORDERS
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16, 32, "float16", "float32", "float64"])
def test_gray(order: str, photometric: int, deflate: bool, planar: bool, bits: int | str) -> None:
    values: NDArray[Any]
    if isinstance(bits, str):
        gray = RNG.integers(0, 256, (30, 21, 1))
        values = (gray / 255).astype(bits)
    else:
        values = RNG.integers(0, 1 << bits, (30, 21, 1)).astype(f"u{(bits + 7) // 8 if bits != 12 else 2}")
        gray = values >> (bits - 8)
    depth = bits if bits in (10, 12, 14) else None
    data = tiff(values, photometric, order=order, deflate=deflate, planar=planar, bits=depth)
    expected = 255 - gray if photometric == WHITE_IS_ZERO else gray
    # Half floats round by themselves.
    np.testing.assert_allclose(read(data).astype(int), np.repeat(expected, 3, -1), atol=int(bits == "float16"))


@ORDERS
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("extra", [None, 1, 2])
@pytest.mark.parametrize("bits", [10, 12, 14, 32, "float16", "float32", "float64"])
def test_deep_colors(order: str, deflate: bool, planar: bool, extra: int | None, bits: int | str) -> None:
    levels = RNG.random((30, 21, 3 if extra is None else 4))
    levels[..., 3:] = 0.5 + levels[..., 3:] / 2
    expected = levels.copy()
    if extra == 1:
        levels[..., :3] *= levels[..., 3:]
    values = (
        levels.astype(bits) if isinstance(bits, str) else (levels * ((1 << bits) - 1)).astype(f"u{-(-bits // 16) * 2}")
    )
    depth = bits if bits in (10, 12, 14) else None
    data = tiff(values, RGB, order=order, deflate=deflate, planar=planar, bits=depth, extra=extra)
    picture = read_picture(io.BytesIO(data))
    np.testing.assert_allclose(picture.rgb, expected[..., :3] * 255, atol=1.3)
    if extra is not None:
        np.testing.assert_allclose(picture.alpha, expected[..., 3] * 255, atol=1.3)


@ORDERS
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("extra", [1, 2])
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
def test_gray_with_alpha(order: str, deflate: bool, planar: bool, extra: int, bits: int, photometric: int) -> None:
    full = (1 << bits) - 1
    values = np.array([[[0.4, 0.8], [0, 0], [1, 1]]] * 5) * full
    picture = read_picture(
        io.BytesIO(
            tiff(values.astype(f"u{bits // 8}"), photometric, order=order, deflate=deflate, planar=planar, extra=extra)
        )
    )
    gray = np.array([0.4, 0, 1])
    gray = 1 - gray if photometric == WHITE_IS_ZERO else gray
    if extra == 1:
        gray = np.minimum(gray / [0.8, 1e-6, 1], 1)
    seen = np.array([True, False, True])
    np.testing.assert_allclose(picture.rgb[0, seen, 1], (gray * 255)[seen], atol=1)
    np.testing.assert_allclose(picture.alpha[0], [204, 0, 255], atol=1)


@ORDERS
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
def test_signed_values_are_refused_by_name(order: str, dtype: Any) -> None:
    with pytest.raises(ImageError, match="signed"):
        read(tiff(np.zeros((8, 8, 1), dtype), BLACK_IS_ZERO, order=order))


def test_other_depths_are_refused_by_name() -> None:
    with pytest.raises(ImageError, match="3 channels of 16 signed bits, which is not read; save it with 8 or 16 bits"):
        read(tiff(np.zeros((8, 8, 3), np.int16), RGB))
    for shape, photometric in (((8, 8, 3), RGB), ((8, 8, 1), BLACK_IS_ZERO)):
        for dtype in (np.float16, np.float32, np.float64):
            for wrong in (2, np.nan, -1):
                with pytest.raises(ImageError, match=r"outside 0\.\.1; save it with 8 or 16 bits"):
                    read(tiff(np.full(shape, wrong, dtype), photometric))


def test_images_that_pillow_has_opened_are_read_alike() -> None:
    deep12 = tiff(np.full((8, 8, 1), 4095, np.uint16), BLACK_IS_ZERO, bits=12)
    planar = tiff(np.full((8, 8, 3), 0x8000, np.uint16), RGB, planar=True)
    for data, expected in ((deep12, 255), (planar, 128)):
        with Image.open(io.BytesIO(data)) as image:
            for _ in range(2):  # before and after it is decoded
                assert (to_picture(image).rgb == expected).all()


def test_premultiplied_gray() -> None:
    values = np.array([[[100, 200], [0, 0], [255, 255]]], np.uint8)
    for deflate in (False, True):
        picture = read_picture(io.BytesIO(tiff(values, BLACK_IS_ZERO, extra=1, deflate=deflate)))
        np.testing.assert_array_equal(picture.rgb[0, :, 1], [128, 0, 255])
        np.testing.assert_array_equal(picture.alpha, [[200, 0, 255]])


def test_lab_is_taken_to_srgb() -> None:
    """L* 53.24, a* 80.09, b* 67.20 under D65 is sRGB's red; by D50, which TIFF means, 54.29, 80.81, 69.89."""
    lab = np.array([54.29 * 2.55, 81, 70]).round().astype(np.uint8)
    values = np.broadcast_to(lab, (8, 8, 3)).copy()
    for planar in (False, True):
        for deflate in (False, True):
            got = read(tiff(values, 8, planar=planar, deflate=deflate))
            np.testing.assert_allclose(got[0, 0], [255, 0, 0], atol=6)


def ramps(height: int, width: int) -> tuple[Pixels, Pixels]:
    """A smooth picture, (H, W, 3), and its luma and chroma (JPEG's matrix, full range)."""
    rows, columns = np.mgrid[:height, :width]
    rgb = np.stack([60 + columns * 2, 80 + rows * 2, 200 - columns], -1).astype(np.uint8)
    return rgb, np.asarray(Image.fromarray(rgb).convert("YCbCr"))


@ORDERS
def test_luma_and_chroma_with_fewer_colors(order: str) -> None:
    rgb, ycc = ramps(20, 32)
    luma = ycc[..., 0].reshape(10, 2, 16, 2).transpose(0, 2, 1, 3).reshape(10, 16, 4)
    blocks = np.concatenate([luma, ycc[::2, ::2, 1:]], axis=-1)  # four times luma, then Cb and Cr
    kinds = {256: [32], 257: [20], 258: [8, 8, 8], 277: [3], 278: [20], 339: [1, 1, 1], 530: [2, 2]}
    for deflate in (False, True):
        data = tiff(blocks, 6, order=order, deflate=deflate, rows_per_strip=10, shorts=kinds)
        np.testing.assert_allclose(read(data).astype(int), rgb, atol=6)


def test_luma_and_chroma_of_narrow_range() -> None:
    rgb, ycc = ramps(20, 32)
    narrow = np.rint(ycc * [219 / 255, 224 / 255, 224 / 255] + [16, 128 * (1 - 224 / 255), 128 * (1 - 224 / 255)])
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[532] = 5
    tags[532] = (16, 235, 128, 240, 128, 240)
    buffer = io.BytesIO()
    Image.frombytes("YCbCr", (32, 20), narrow.astype(np.uint8).tobytes()).save(buffer, "TIFF", tiffinfo=tags)
    np.testing.assert_allclose(read(buffer.getvalue()).astype(int), rgb, atol=6)


@pytest.mark.parametrize(
    ("compression", "says"), [(50001, "WebP"), (33004, "JPEG 2000"), (34887, "LERC"), (777, "777")]
)
def test_compressions_that_are_not_read_are_named(compression: int, says: str) -> None:
    data = tiff(np.zeros((8, 8, 3), np.uint8), RGB, shorts={259: [compression]})
    with pytest.raises(ImageError, match=rf"compress\w+ .*{says}.*; save it with LZW or Deflate") as caught:
        read(data)
    assert "bits" not in str(caught.value)


def test_24_bits_are_refused_by_name() -> None:
    with pytest.raises(ImageError, match="1 channel of 24 bits, which is not read; save it with 8 or 16 bits"):
        read(tiff(np.zeros((8, 8, 3), np.uint8), BLACK_IS_ZERO, depth=24))


@ORDERS
@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_depths_that_are_not_used_are_told(order: str, dtype: Any) -> None:
    with pytest.warns(UserWarning, match="nearly black.*stretch its brightness first"):
        read(tiff(np.full((8, 8, 1), 4095, dtype), BLACK_IS_ZERO, order=order))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(tiff(np.zeros((8, 8, 1), dtype), BLACK_IS_ZERO, order=order))
        read(tiff(np.full((8, 8, 1), np.iinfo(dtype).max // 8, dtype), BLACK_IS_ZERO, order=order))


@ORDERS
def test_16_bit_lab_is_read_like_8_bit_lab(order: str) -> None:
    lab = RNG.integers(0, 256, (8, 8, 3), np.uint8)
    deep = lab.astype(np.uint16) << 8 | 0x55
    np.testing.assert_array_equal(read(tiff(deep, 8, order=order)), read(tiff(lab, 8, order=order)))


def test_a_camera_raw_file_is_not_read_as_its_preview() -> None:
    data = tiff(np.zeros((8, 8, 3), np.uint8), RGB, more={50706: bytes([1, 4, 0, 0])})
    with pytest.raises(ImageError, match="camera raw file, which is not read; develop it"):
        read(data)
