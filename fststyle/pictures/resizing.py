"""uint8 arrays to other sizes, and the colors of one picture with the brightness of another."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.pictures.hidden_color import fill_hidden


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize (H, W, 3) or (H, W) by Lanczos."""
    if image.shape[:2] == (height, width):
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def resize_shorter_side(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrink or enlarge so that the shorter side has `side` pixels."""
    return resize(rgb, *_scaled(rgb, side / min(rgb.shape[:2])))


def fit_longer_side(image: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    """Shrink (H, W, 3) or (H, W) so that no side exceeds `max_side`; never enlarge."""
    return resize(image, *_fitted(image, max_side))


def fit_transparent(
    rgb: NDArray[np.uint8], alpha: NDArray[np.uint8], max_side: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """As `fit_longer_side`, for a picture with alpha: colors count by their opacity, so that edges get no fringes.

    Args:
        rgb: (H, W, 3), not premultiplied.
        alpha: (H, W).
        max_side: Of the result.
    """
    height, width = _fitted(rgb, max_side)
    if alpha.shape == (height, width):
        return rgb, alpha
    opacity = _resized(alpha.astype(np.float32), height, width)
    colors = np.zeros((height, width, 3), np.uint8)
    for channel in range(3):
        weighted = _resized(np.multiply(rgb[:, :, channel], alpha, dtype=np.float32), height, width)
        color = weighted / np.maximum(opacity, np.float32(0.5))
        colors[:, :, channel] = np.rint(np.clip(color, 0, 255))
    visible = resize(alpha, height, width)
    # Lanczos may undershoot beside an edge; what is below half a level has no color of its own.
    return fill_hidden(colors, np.where(opacity < 0.5, 0, visible).astype(np.uint8)), visible


def with_content_color(stylized: NDArray[np.uint8], content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paint the content's colors with the stylized picture's brightness.

    Luminance is exchanged in YCbCr (BT.601, full range). As R − Y, G − Y and B − Y depend on Cb and Cr alone, that
    means adding the difference of the two luminances to every channel of the content.
    """
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    difference = stylized @ weights - content @ weights  # (H, W)
    painted: NDArray[np.uint8] = np.clip(content + difference[:, :, None] + 0.5, 0, 255).astype(np.uint8)
    return painted


def _resized(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.LANCZOS))


def _fitted(image: NDArray[np.uint8], max_side: int) -> tuple[int, int]:
    return _scaled(image, min(1.0, max_side / max(image.shape[:2])))


def _scaled(image: NDArray[np.uint8], factor: float) -> tuple[int, int]:
    if factor <= 0:
        raise ValueError("a side must have at least one pixel")
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return height, width
