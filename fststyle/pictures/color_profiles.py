"""ICC profiles: pictures of any color space -> sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms

from fststyle.system.warn import warn

# A profile that moves no color by more is sRGB's, whatever it is called.
_SAME = 1

# Lossy formats without gray make it slightly colored.
_LOSSY_GRAY = 3


def profile_to_srgb(image: Image.Image, data: bytes | None, name: str) -> Image.Image:
    """An image of mode L, RGB, CMYK or LAB as RGB. A broken profile, or one of another color space, gives a warning.

    Args:
        image: Without alpha.
        data: The profile, if there is one.
        name: Of the picture, for warnings.
    """
    if data:
        try:
            converted = _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(data)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            warn(f"{name} has a broken color profile, which is ignored")
        else:
            return converted
    if image.mode == "LAB":
        return _transformed(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return image if image.mode == "RGB" else image.convert("RGB")  # it would be copied


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    space = profile.profile.xcolor_space.strip()
    if space == "GRAY" and image.mode == "RGB" and _is_gray(image):
        image = image.getchannel("G")
    elif space == "RGB" and image.mode == "L":
        image = image.convert("RGB")
    if image.mode == "L":
        # Of 256 values, not of every pixel: the exact way is slow, and the fast one 10 levels off in linear shadows.
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        table = np.asarray(_transformed(ramp, profile, ImageCms.Flags.NOOPTIMIZE))[0]  # (256, 3)
        return Image.merge("RGB", [image.point(table[:, channel].tolist()) for channel in range(3)])
    if image.mode == "RGB":
        probe = _probe()
        moved = np.asarray(_transformed(probe, profile)).astype(np.int16) - np.asarray(probe)
        if np.abs(moved).max() <= _SAME:
            return image
    return _transformed(image, profile)


def _transformed(
    image: Image.Image, profile: ImageCms.ImageCmsProfile, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB", flags=flags)
    if converted is None:
        raise ValueError("no image came back")
    return converted


def _probe() -> Image.Image:
    """Colors all over the cube, and every gray."""
    steps = np.linspace(0, 255, 13).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    grays = np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1)
    return Image.fromarray(np.concatenate([cube, grays])[None])


def _is_gray(image: Image.Image) -> bool:
    red, green, blue = (np.asarray(image.getchannel(channel)).astype(np.int16) for channel in range(3))
    return bool(max(np.abs(red - green).max(), np.abs(blue - green).max()) <= _LOSSY_GRAY)
