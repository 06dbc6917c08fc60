"""Conversions between uint8 pictures and tensors, and the photos that channels are normalized over."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fststyle import samples
from fststyle.pictures.files import read_picture, resize_shorter_side

# Standard deviation of the noise to start from, around middle gray. Noise over the whole range has pixels at its bounds
# that take long to come back.
_NOISE = 0.15

# Channel means over the sample photos hardly move beyond this size.
_REFERENCE_SIDE = 256

# Allowed outside of [0, 1]: photos that were resized in floating point overshoot at edges.
_ROUNDING = 0.1


def unit_range(rgb: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1).unsqueeze(0).float().div(255)


def photos_of(batch: object, *, check_range: bool = True) -> Tensor:
    """The photos of a batch, (B, 3, H, W), uint8 or floating point in [0, 1]: it, or the first thing in it.

    Args:
        batch: As a data loader gives it.
        check_range: Look at the values of photos of floating point, which waits for their device.

    Raises:
        ValueError: It holds something else.
    """
    photos = batch[0] if isinstance(batch, list | tuple) and batch else batch
    if not isinstance(photos, Tensor):
        raise ValueError(f"a batch must be a tensor of photos, or begin with one, not {type(photos).__name__}")  # noqa: TRY004
    if photos.ndim != 4 or photos.shape[1] != 3:
        raise ValueError(f"photos must have the shape (B, 3, H, W), not {tuple(photos.shape)}")
    if photos.dtype != torch.uint8 and not photos.is_floating_point():
        raise ValueError(f"photos must be uint8, or floating point in [0, 1], not {photos.dtype}")
    if (
        check_range
        and photos.is_floating_point()
        and photos.numel()
        and not -_ROUNDING <= photos.min() <= photos.max() <= 1 + _ROUNDING
    ):
        raise ValueError(
            f"photos of floating point must lie in [0, 1], not {float(photos.min()):g} to {float(photos.max()):g}; "
            "undo their normalization, or give uint8"
        )
    return photos


def onto(values: Tensor, device: torch.device) -> Tensor:
    """Values of the CPU on a device; from pinned memory, so that the program need not wait for it."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


def content_of(photos: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Photos as `photos_of` gives them as what networks take: in [0, 1], of a floating-point type."""
    return photos.to(dtype).div_(255) if photos.dtype == torch.uint8 else photos.to(dtype)


def bytes_of(photos: Tensor) -> Tensor:
    """Photos as `photos_of` gives them as uint8."""
    return photos if photos.dtype == torch.uint8 else photos.float().clamp(0, 1).mul(255).round().byte()


def to_uint8(image: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) or (1, 3, H, W) in [0, 1], clipped to it, to (H, W, 3)."""
    if image.ndim == 4:
        (image,) = image
    array: NDArray[np.uint8] = image.detach().float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
    return array


def noise(height: int, width: int, seed: int) -> Tensor:
    """White noise around middle gray for an optimizer to start from, (1, 3, height, width), a few beyond [0, 1]."""
    return 0.5 + _NOISE * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def reference_photos() -> Iterator[Tensor]:
    """The package's sample photos, (1, 3, H, W) in [0, 1].

    Channels are normalized over these wherever a cost is computed, so that it does not depend on anybody's own folder.
    """
    for path in samples.photos():
        yield unit_range(resize_shorter_side(read_picture(path).rgb, _REFERENCE_SIDE))
