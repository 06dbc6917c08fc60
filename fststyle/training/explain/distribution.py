"""The style cost as a distance of distributions (Li et al. 2017, section 3.1), computed in two ways.

One is our style loss. The other compares every position of one picture with every position of the other under the
kernel k(a, b) = (aᵀb)², without any product of channels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fststyle.training.cost.losses import gram_matrix, style_loss

# Rows of a kernel matrix computed at a time.
_CHUNK = 1024

# Positions taken from either side at most; their number enters the double sum squared.
_POSITIONS = 4096


@dataclass(frozen=True)
class BothEnds:
    """The two sides of C² · ‖G_x − G_y‖² = MMD².

    Attributes:
        style: Left, from the Gram matrices.
        kernel: Right, from the double sums.
        difference: Of the two, relative to the right.
        positions: How many positions of either picture went in.
    """

    style: float
    kernel: float
    difference: float
    positions: int


def mean_kernel(x: Tensor, y: Tensor) -> float:
    """Mean of (aᵀb)² over all pairs of a position of x and one of y; (N, C) and (M, C), computed in float64."""
    x, y = x.double(), y.double()
    total = 0.0
    for begin in range(0, len(x), _CHUNK):
        total += float((x[begin : begin + _CHUNK] @ y.T).square().sum())
    return total / (len(x) * len(y))


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """The biased squared maximum mean discrepancy (Gretton 2012, eq. 5) of (N, C) and (M, C) under that kernel."""
    return mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y)


def compare(x: Tensor, y: Tensor) -> BothEnds:
    """Both ends for two pictures' activations, (1, C, H, W); of large ones at some positions only."""
    x, y = _some_positions(x).double(), _some_positions(y).double()
    gram_x, gram_y = gram_matrix(x), gram_matrix(y)
    style = float(style_loss(gram_x, gram_y)) * x.shape[1] ** 2
    kernel = squared_mmd(x[0].flatten(1).T, y[0].flatten(1).T)
    return BothEnds(
        style=style,
        kernel=kernel,
        difference=abs(style - kernel) / kernel if kernel else abs(style),
        positions=x.shape[2] * x.shape[3],
    )


def _some_positions(x: Tensor) -> Tensor:
    """At most `_POSITIONS` of them, the same ones at every call: (1, C, 1, N). The identity holds for any choice."""
    flat = x.flatten(2)
    if flat.shape[2] > _POSITIONS:
        order = torch.randperm(flat.shape[2], generator=torch.Generator().manual_seed(0))
        flat = flat[:, :, order[:_POSITIONS]]
    return flat.unsqueeze(2)
