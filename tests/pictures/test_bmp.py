"""BMP files of every layout of bit fields, written by hand."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from fststyle.errors import ImageError
from fststyle.pictures.files import read_picture

WIDTH, HEIGHT = 5, 4
PIXELS = np.random.default_rng(1).integers(0, 2**32, (HEIGHT, WIDTH), np.uint32)


def bmp(values, masks, *, size=108, compression=3, top_down=False, profile=b""):
    """The file; `values` (H, W) of uint16 or uint32."""
    bits, rows = values.dtype.itemsize * 8, values if top_down else values[::-1]
    stride = -(-values.shape[1] * bits // 32) * 4
    body = b"".join(row.tobytes().ljust(stride, b"\0") for row in rows)
    height = -values.shape[0] if top_down else values.shape[0]
    header = struct.pack("<IiiHHIIiiII", size, values.shape[1], height, 1, bits, compression, len(body), 0, 0, 0, 0)
    header += struct.pack("<III", *masks[:3]) + (struct.pack("<I", masks[3]) if len(masks) > 3 else b"")
    start = 14 + max(len(header), size)
    header = header.ljust(size, b"\0")
    if profile:
        header = header[:56] + b"DEBM" + header[60:112] + struct.pack("<II", start - 14 + len(body), len(profile))
        header = header.ljust(size, b"\0")
    file = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    return file + header + body + profile


def expected(values, mask):
    """A channel by division, the reference."""
    largest = mask >> ((mask & -mask).bit_length() - 1)
    level = (values & mask).astype(float) / mask
    return np.rint(np.floor(level * largest + 0.5) * 255 / largest)


@pytest.mark.parametrize("size", [40, 52, 56, 108, 124])
@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize(
    "masks",
    [
        (0xFF0000, 0xFF00, 0xFF),
        (0xFF, 0xFF00, 0xFF0000),
        (0xFF000000, 0xFF0000, 0xFF00),
        (0x7FF, 0x3FF800, 0xFFC00000),  # 11, 11, 10 bits
        (0xF, 0xF0, 0xF00),
    ],
)
def test_colors_of_32_bits(masks, size, top_down):
    picture = read_picture(io.BytesIO(bmp(PIXELS, masks, size=size, top_down=top_down)))
    for channel, mask in enumerate(masks):
        np.testing.assert_allclose(picture.rgb[..., channel], expected(PIXELS, mask), atol=1)
    assert picture.alpha is None


@pytest.mark.parametrize(
    "masks",
    [(0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F), (0xF00, 0xF0, 0xF), (0x3, 0x1C, 0x20), (0x1F, 0x7E0, 0xF800)],
)
def test_colors_of_16_bits(masks):
    values = PIXELS.astype(np.uint16)
    rgb = read_picture(io.BytesIO(bmp(values, masks))).rgb
    for channel, mask in enumerate(masks):
        np.testing.assert_array_equal(rgb[..., channel], expected(values, mask))


@pytest.mark.parametrize(
    ("values", "masks"),
    [
        (PIXELS, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        (PIXELS.astype(np.uint16), (0x7C00, 0x3E0, 0x1F, 0x8000)),
        (PIXELS.astype(np.uint16), (0xF00, 0xF0, 0xF, 0xF000)),
        (PIXELS, (0xFF000000, 0xFF0000, 0xFF00, 0xF)),
    ],
)
def test_alpha(values, masks):
    picture = read_picture(io.BytesIO(bmp(values, masks)))
    np.testing.assert_array_equal(picture.alpha, expected(values, masks[3]))
    np.testing.assert_array_equal(picture.rgb[..., 0], expected(values, masks[0]))


def test_four_masks_behind_the_oldest_header():
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    picture = read_picture(io.BytesIO(bmp(PIXELS, masks, size=40, compression=6)))
    np.testing.assert_array_equal(picture.alpha, expected(PIXELS, masks[3]))


def test_empty_alpha_is_no_alpha():
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    assert read_picture(io.BytesIO(bmp(PIXELS & 0xFFFFFF, masks))).alpha is None


def test_embedded_profile_is_applied():
    wide = ImageCms.createProfile("sRGB")
    profile = ImageCms.ImageCmsProfile(wide).tobytes()
    # Red and green change places.
    swapped = profile.replace(b"rXYZ", b"tmp0").replace(b"gXYZ", b"rXYZ").replace(b"tmp0", b"gXYZ")
    values = np.full((HEIGHT, WIDTH), 0xC86432, np.uint32)  # 200, 100, 50
    data = bmp(values, (0xFF0000, 0xFF00, 0xFF), size=124, profile=swapped)
    rgb = read_picture(io.BytesIO(data)).rgb
    np.testing.assert_allclose(rgb[0, 0], (100, 200, 50), atol=2)


@pytest.mark.parametrize("cut", [20, 60, -1])
def test_cut_off_file_is_refused(cut):
    data = bmp(PIXELS, (0xFF0000, 0xFF00, 0xFF))
    with pytest.raises(ImageError):
        read_picture(io.BytesIO(data[:cut]))


def test_masks_with_gaps_are_refused():
    with pytest.raises(ImageError, match="bits"):
        read_picture(io.BytesIO(bmp(PIXELS, (0xF0F, 0xF000, 0xF0000))))


def test_size_is_checked_before_pixels_are_read():
    data = bytearray(bmp(PIXELS, (0xFF0000, 0xFF00, 0xFF)))
    data[18:26] = struct.pack("<ii", 100_000, 100_000)
    with pytest.raises(ImageError, match="pixels"):
        read_picture(io.BytesIO(bytes(data)))


def test_what_pillow_writes_is_read_as_before():
    image = Image.fromarray(np.random.default_rng(2).integers(0, 256, (6, 7, 3), np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    np.testing.assert_array_equal(read_picture(buffer).rgb, np.asarray(image))
