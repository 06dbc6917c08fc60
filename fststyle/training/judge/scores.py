"""Scores for visible faults of a stylized picture: a grid, a frame.

The cost of a picture is in `cost/objective.py`, steadiness in `flicker.py`.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from fststyle.training.cost import losses
from fststyle.training.cost.objective import PerceptualObjective
from fststyle.training.tensors import unit_range

# Networks halve the sides twice and come back up, so that a grid has one of these periods, in pixels.
_PERIODS = (4, 2)

# Frequencies that count as a peak's surroundings: this far off it, in steps of one over the picture's side.
_NEAREST, _FARTHEST = 3, 9

_LEAST_GRID_SIDE = 48

# What padding leaves at the border is as deep in a large picture as in a small one.
_CONTRAST_RIM = 8

_FRAME_SHARE = 0.05

# More than half of what a position of relu4_3 sees, so that no position of the picture sees VGG's zeros; a multiple of
# VGG's strides, so that the positions stay where they are.
_MIRRORED = 64
_STRIDE = 16


def grid_score(picture: NDArray[np.uint8]) -> float:
    """How far the spectrum at periods of 4 and 2 pixels stands out, along either axis; 1 for not at all.

    Energy at the frequency over the median energy around it; the largest of the four ratios counts.

    Args:
        picture: (H, W, 3); the upper left square whose side is a multiple of 8 is used.

    Raises:
        ValueError: If a side is so short that a peak has no surroundings.
    """
    gray = picture.astype(float).mean(axis=2)
    side = min(gray.shape) // 8 * 8
    if side < _LEAST_GRID_SIDE:
        raise ValueError(f"a grid needs sides of {_LEAST_GRID_SIDE} pixels to be seen, not {min(gray.shape)}")
    gray = gray[:side, :side] - gray[:side, :side].mean()
    ratios = []
    for axis in (0, 1):
        spectrum = (np.abs(np.fft.rfft(gray, axis=axis)) ** 2).mean(axis=1 - axis)
        for place in (side // period for period in _PERIODS):
            below = spectrum[place - _FARTHEST : place - _NEAREST + 1]
            above = spectrum[place + _NEAREST : place + _FARTHEST + 1]  # none at the highest frequency
            around = float(np.median(np.concatenate([below, above])))
            ratios.append(float(spectrum[place]) / max(around, np.finfo(float).tiny))
    return max(ratios)


def rim_contrast(picture: NDArray[np.uint8]) -> float:
    """Standard deviation of gray in the outermost 8 pixels over that of the rest; (H, W, 3).

    A network that paints a dull frame stays below the photos' own value. A picture of one gray has 1.
    """
    gray = picture.astype(float).mean(axis=2)
    rim = np.ones(gray.shape, bool)
    rim[_CONTRAST_RIM:-_CONTRAST_RIM, _CONTRAST_RIM:-_CONTRAST_RIM] = False
    inside = float(gray[~rim].std())
    return float(gray[rim].std()) / inside if inside else 1.0


@torch.no_grad()
def border_style(picture: NDArray[np.uint8], objective: PerceptualObjective) -> tuple[float, float]:
    """Style cost of the outermost 5 % of a picture, and that of as many positions in its middle.

    The relative style loss of style matrices that are summed over some positions only, averaged over the layers. A
    style matrix of few positions differs more from the painting's than one of many, so both have the same number of
    positions. They also have the same shape: the middle's positions are those of the frame, moved by half of the sides
    into a cross. Positions in both are left out. The picture is mirrored outwards first, because VGG's zero padding
    changes activations at a border.

    Args:
        picture: (H, W, 3).
        objective: With its painting's style matrices.

    Returns:
        Frame and middle; both 0 if the cost has no style layers.
    """
    height, width = picture.shape[:2]
    margin = min(_MIRRORED, (min(height, width) - 1) // _STRIDE * _STRIDE)
    mirrored = F.pad(unit_range(picture), (margin,) * 4, mode="reflect")
    frame_losses: list[float] = []
    middle_losses: list[float] = []
    activations = objective.loss_network(mirrored, objective.cost.style_layers) if objective.style_grams else {}
    for layer, features in activations.items():
        stride = round(mirrored.shape[-1] / features.shape[-1])
        skip = margin // stride
        inner = features[..., skip : skip + height // stride, skip : skip + width // stride]
        frame = _frame(inner.shape[-2], inner.shape[-1])
        middle = frame.roll((frame.shape[0] // 2, frame.shape[1] // 2), (0, 1))
        for chosen, into in ((frame & ~middle, frame_losses), (middle & ~frame, middle_losses)):
            gram = losses.gram_matrix(inner[..., chosen].unsqueeze(-1))
            into.append(float(losses.relative_style_loss(gram, objective.style_grams[layer])))
    if not frame_losses:
        return 0.0, 0.0
    return sum(frame_losses) / len(frame_losses), sum(middle_losses) / len(middle_losses)


def _frame(height: int, width: int) -> torch.Tensor:
    """True in the outermost 5 % of the positions, at least one deep."""
    deep = max(1, round(_FRAME_SHARE * min(height, width)))
    frame = torch.ones(height, width, dtype=torch.bool)
    frame[deep:-deep, deep:-deep] = False
    return frame
