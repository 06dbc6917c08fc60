"""How pictures move: drawing a smooth random motion, and warping a picture by a flow.

Flows are backward: (H, W, 2) float32, (x, y) in pixels; the warped picture takes at p what the other
has at p + flow(p).
"""

from functools import lru_cache
from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Array = TypeVar("Array", Pixels, Floats)

NOISE = 0.002
"""Standard deviation of the noise between two frames, as a fraction of the range (ReReVST uses 0.001 to 0.002)."""

# ReReVST's motion (Wang 2020): a random offset at each point of a coarse grid, and a shift of the whole.
_GRID_STEP = 100  # pixels
_GRID_OFFSET = 8.0  # standard deviation in pixels
_SHIFT = 10.0  # pixels, either way


def random_flow(height: int, width: int, rng: np.random.Generator) -> Floats:
    """A smooth random motion, (H, W, 2): a coarse grid of offsets, and a shift of the whole."""
    smooth = random_field(height, width, 2, rng) * _GRID_OFFSET
    return smooth + rng.uniform(-_SHIFT, _SHIFT, 2).astype(np.float32)


def random_field(height: int, width: int, channels: int, rng: np.random.Generator) -> Floats:
    """A smooth random field, (H, W, C) float32: standard normal at the points of a coarse grid."""
    rows, columns = _smoothing(height), _smoothing(width)
    coarse = rng.normal(size=(rows.shape[1], columns.shape[1], channels)).astype(np.float32)
    return np.ascontiguousarray(np.einsum("yr,rcd,xc->yxd", rows, coarse, columns, optimize=True))


@lru_cache(maxsize=64)
def _smoothing(side: int) -> Floats:
    """The matrix from points of a coarse grid to pixels along one side, (side, points): cubic, then blurred.

    Both steps are separable and linear, so a motion is two small matrix products: cheap enough for every photo of a
    training.
    """
    points = np.eye(max(2, side // _GRID_STEP), dtype=np.float32)
    cubic = cv2.resize(points, (len(points), side), interpolation=cv2.INTER_CUBIC)
    spread = _GRID_STEP / 8
    return cast(Floats, cv2.GaussianBlur(cubic, (1, 0), sigmaX=1e-3, sigmaY=spread))


def warp(picture: Array, flow: Floats) -> Array:
    """Move (H, W) or (H, W, C), uint8 or float32, bilinearly; beyond its border the picture is mirrored.

    Whole pixels are moved exactly, parts of one to a 32nd.
    """
    x, y = _sources(flow)
    return cast(Array, cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def inside(flow: Floats) -> Mask:
    """(H, W): where the warped picture shows pixels of the other one, not what lies beyond its border."""
    x, y = _sources(flow)
    height, width = flow.shape[:2]
    shown: Mask = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return shown


def _sources(flow: Floats) -> tuple[Floats, Floats]:
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return x + flow[..., 0], y + flow[..., 1]
