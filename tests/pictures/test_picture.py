import numpy as np
import pytest
from PIL import Image, ImageCms

from fststyle.errors import ImageError
from fststyle.pictures.picture import to_picture


def test_16_bit_grayscale_keeps_its_high_byte() -> None:
    values = np.array([[0, 255, 256, 0x7FFF, 0xFFFF]], np.uint16)
    for image in (Image.fromarray(values), Image.fromarray(values.astype(np.int32))):
        np.testing.assert_array_equal(to_picture(image).rgb[0, :, 1], [0, 0, 1, 0x7F, 0xFF])


def test_floating_point_is_read_as_0_to_1() -> None:
    values = np.array([[0, 0.5, 1]], np.float32)
    np.testing.assert_array_equal(to_picture(Image.fromarray(values)).rgb[0, :, 2], [0, 128, 255])
    for bad in (2, np.nan):
        with pytest.raises(ImageError, match=r"outside 0\.\.1; save it"):
            to_picture(Image.fromarray(values * bad))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LA", "PA", "RGBX"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    picture = to_picture(Image.new("RGB", (3, 2), "white").convert(mode))
    assert picture.rgb.shape == (2, 3, 3)
    assert picture.rgb.dtype == np.uint8
    assert (picture.rgb >= 254).all()
    assert picture.alpha is None


def test_alpha_stands_apart_and_colors_stay_as_they_are() -> None:
    rgba = np.array([[[200, 100, 50, 0], [200, 100, 50, 128]]], np.uint8)
    picture = to_picture(Image.fromarray(rgba))
    np.testing.assert_array_equal(picture.rgb, rgba[:, :, :3])
    np.testing.assert_array_equal(picture.alpha, [[0, 128]])
    np.testing.assert_array_equal(to_picture(Image.fromarray(rgba).convert("RGBa")).alpha, [[0, 128]])


def test_transparency_of_a_palette_and_of_a_single_color() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1])
    palette.info["transparency"] = 1
    picture = to_picture(palette)
    np.testing.assert_array_equal(picture.rgb[0, 0], [255, 0, 0])
    np.testing.assert_array_equal(picture.alpha, [[255, 0]])

    keyed = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    keyed.info["transparency"] = (4, 5, 6)
    np.testing.assert_array_equal(to_picture(keyed).alpha, [[255, 0]])


def test_a_profile_moves_colors_to_srgb() -> None:
    # sRGB with the primaries red and green exchanged, under another name.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"-XYZ"), (b"gXYZ", b"rXYZ"), (b"-XYZ", b"gXYZ")):
        profile = profile.replace(old, new, 1)
    profile = profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    picture = to_picture(_with_profile(Image.new("RGBA", (1, 1), (200, 30, 90, 128)), profile))
    np.testing.assert_allclose(picture.rgb[0, 0], [30, 200, 90], atol=1)
    np.testing.assert_array_equal(picture.alpha, [[128]])


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK"])
def test_a_broken_profile_is_ignored_with_a_warning(mode: str) -> None:
    image = Image.new("L", (1, 1), 130).convert(mode)
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()  # no profile for such pixels
    for profile in (xyz, b"rotten"):
        with pytest.warns(UserWarning, match="broken color profile"):
            picture = to_picture(_with_profile(image, profile))
        np.testing.assert_array_equal(picture.rgb[0, 0], [130, 130, 130])


def _with_profile(image: Image.Image, profile: bytes) -> Image.Image:
    image.info["icc_profile"] = profile
    return image
