import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms
from rotten import P3, SRGB, encoded, from_display, profile
from tiff_files import BLACK_IS_ZERO, tiff

from fststyle.pictures.files import read_picture
from fststyle.pictures.picture import to_picture

LINEAR_GRAY = profile(None, 1.0)
PIXEL = np.array([[[100, 150, 60]]], np.uint8)


def test_a_profile_counts_whatever_it_is_called() -> None:
    """By the definition of sRGB, linear 100, 150, 60 of 255."""
    for text in (b"sRGB", b"sRGB linear", b"a display"):
        png = io.BytesIO(encoded(PIXEL, "PNG", icc_profile=profile(SRGB, 1.0, text)))
        np.testing.assert_allclose(read_picture(png).rgb[0, 0], [168, 202, 133], atol=1)


def test_the_profile_of_srgb_changes_nothing_under_any_name() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (40, 40, 3), np.uint8)
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for renamed in (data, data.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))):
        np.testing.assert_array_equal(read_picture(io.BytesIO(encoded(rgb, "PNG", icc_profile=renamed))).rgb, rgb)


GRAYS = {
    "L": Image.fromarray(np.uint8([[100]])),
    "LA": Image.fromarray(np.uint8([[[100, 90]]])),
    "P": Image.fromarray(np.uint8([[100]])).convert("P"),
    "RGB": Image.fromarray(np.uint8([[[100] * 3]])),
    "RGBA": Image.fromarray(np.uint8([[[100] * 3 + [90]]])),
    "I;16": Image.fromarray(np.uint16([[100 * 257]])),
}


@pytest.mark.parametrize("mode", GRAYS)
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_gray_profiles_count_for_every_kind_of_gray(mode: str, file_format: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = read_picture(io.BytesIO(encoded(GRAYS[mode], file_format, icc_profile=LINEAR_GRAY)))
    np.testing.assert_array_equal(picture.rgb, [[[168] * 3]])
    assert (picture.alpha is not None) == mode.endswith("A")


def test_gray_profiles_count_for_floating_point_and_16_bits_of_either_order() -> None:
    tag = {34675: LINEAR_GRAY}
    for values in (np.float32([[[100 / 255]]]), np.uint16([[[100 * 257]]])):
        for order in "<>":
            got = read_picture(io.BytesIO(tiff(values, BLACK_IS_ZERO, order=order, more=tag))).rgb
            np.testing.assert_array_equal(got, [[[168] * 3]])


def test_16_bits_of_linear_light_show_no_bands() -> None:
    values = np.arange(0, 2600, 10, dtype=np.uint16)[None]
    picture = read_picture(io.BytesIO(encoded(Image.fromarray(values), "PNG", icc_profile=LINEAR_GRAY)))
    light = values[0] / 65535
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(picture.rgb[0, :, 0], expected, atol=1.5)


def test_gray_with_a_color_profile_is_shown_as_its_grays() -> None:
    gray = np.uint8([[0, 50, 100, 200, 255]])
    expected = from_display(np.repeat(gray[:, :, None], 3, 2), P3, 1.8)
    for image in (Image.fromarray(gray), Image.fromarray(gray.astype(np.uint16) * 257)):
        image.info["icc_profile"] = profile(P3, 1.8)
        np.testing.assert_allclose(to_picture(image).rgb.astype(int), expected, atol=2)


def test_a_gray_profile_on_colors_is_ignored_with_a_warning() -> None:
    png = io.BytesIO(encoded(PIXEL, "PNG", icc_profile=LINEAR_GRAY))
    with pytest.warns(UserWarning, match="broken color profile"):
        np.testing.assert_array_equal(read_picture(png).rgb, PIXEL)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF"])
def test_gray_profiles_count_in_lossy_files(file_format: str) -> None:
    """WebP has no gray and stores it as slightly wrong colors."""
    gray = np.random.default_rng(0).integers(90, 110, (64, 64), np.uint8)
    data = encoded(gray, file_format, quality=80, icc_profile=LINEAR_GRAY)
    decoded = Image.open(io.BytesIO(data)).convert("RGB")
    light = np.asarray(decoded).astype(float)[..., 1] / 255
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(read_picture(io.BytesIO(data)).rgb[..., 1], expected, atol=3)
