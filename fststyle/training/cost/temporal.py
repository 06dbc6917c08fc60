"""Steadiness without videos: a photo, and the same photo a moment later, moved by a known motion.

A network is steady if painting and moving commute: moving the painted photo gives the same as painting the moved photo
(Wang 2020, "ReReVST"). If the photo's brightness changes, the painting's may change as much, as in ReCoNet (Gao 2018,
section 3.3). ReCoNet takes the change from two frames of a film; here it is drawn at random and smooth, like the
motion. The noise is not part of it, because the painting must not follow noise.

The motion itself is in `motion.py`. Measuring how steady a network is: `judge/flicker.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fststyle.training.cost.motion import NOISE, random_field, random_flow
from fststyle.training.tensors import onto

_SEED = 2  # data/ draws from 0 and 1
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # Rec. 709, as Gao has it


class Moved(NamedTuple):
    """A batch of photos a moment later.

    Attributes:
        content: (B, 3, H, W) in [0, 1].
        flow: Backward, (B, H, W, 2), (x, y) in pixels.
        visible: (B, 1, H, W), 1 where `content` shows what the photo showed, 0 where it lay beyond the border.
        brighter: (B, 1, H, W), the luminance that was added.
    """

    content: Tensor
    flow: Tensor
    visible: Tensor
    brighter: Tensor


def moved(content: Tensor, positions: Sequence[int], *, lighting: float = 0.0) -> Moved:
    """Draw a motion, a change of light and noise for each photo of a batch.

    Args:
        content: (B, 3, H, W) in [0, 1].
        positions: Of each photo in the run; all that is drawn is a function of them.
        lighting: Standard deviation of the change of light, as a fraction of the range.
    """
    height, width = content.shape[-2:]
    flows, lights, noises = [], [], []
    for position in positions:
        rng = np.random.default_rng([_SEED, position])
        flows.append(torch.from_numpy(random_flow(height, width, rng)))
        lights.append(torch.from_numpy(random_field(height, width, 1, rng)).permute(2, 0, 1))
        generator = torch.Generator(content.device).manual_seed(int(rng.integers(2**62)))
        noises.append(torch.randn(content.shape[1:], generator=generator, device=content.device))
    flow = onto(torch.stack(flows), content.device)
    light = lighting * onto(torch.stack(lights), content.device)
    with torch.autocast(content.device.type, enabled=False):
        there = warp(content, flow)
        lit = (there + light).clamp(0, 1)
        brighter = luminance(lit - there)
        later = (lit + NOISE * torch.stack(noises)).clamp(0, 1)
    return Moved(later, flow, inside(flow), brighter)


def temporal_loss(painted: Tensor, painted_later: Tensor, later: Moved) -> Tensor:
    """Mean squared difference between the moved painting and the painting of the moved photo, per picture: (B,).

    On a range of 0..1, over visible pixels only, and without the photo's own change of luminance.
    """
    with torch.autocast(painted.device.type, enabled=False):
        difference = painted_later.float() - warp(painted.float(), later.flow) - later.brighter
        errors = (difference.square().mean(1, keepdim=True) * later.visible).flatten(1).sum(1)
        return errors / later.visible.flatten(1).sum(1).clamp_min(1)


def warp(pictures: Tensor, flow: Tensor) -> Tensor:
    """Move (B, C, H, W) by (B, H, W, 2), differentiably; like `motion.warp`, but exact for parts of pixels too."""
    height, width = pictures.shape[-2:]
    x, y = _sources(flow).unbind(-1)
    grid = torch.stack((x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1), dim=-1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=True)


def inside(flow: Tensor) -> Tensor:
    """Like `motion.inside`, for a batch: (B, 1, H, W), 1 or 0."""
    _, height, width, _ = flow.shape
    x, y = _sources(flow).unbind(-1)
    return ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).float().unsqueeze(1)


def luminance(pictures: Tensor) -> Tensor:
    """(B, 3, H, W) to (B, 1, H, W)."""
    red, green, blue = (weight * pictures[:, channel] for channel, weight in enumerate(_LUMINANCE))
    return (red + green + blue).unsqueeze(1)


def _sources(flow: Tensor) -> Tensor:
    _, height, width, _ = flow.shape
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device), torch.arange(width, device=flow.device), indexing="ij"
    )
    return torch.stack((x, y), dim=-1) + flow
