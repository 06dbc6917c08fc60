"""Pairs of channels that fire together in a painting, and where."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Map = NDArray[np.float64]

# Above this correlation two channels see nearly the same thing, and their product says little that one does not.
_TWINS = 0.7


# Above this correlation two products are bright in the same places, and showing both shows one thing twice.
_ALIKE = 0.5


@dataclass(frozen=True)
class Pair:
    """Two channels of a layer.

    Attributes:
        first: Number of the one.
        second: Number of the other.
        correlation: Of their activations over positions, -1 to 1.
        excess: Mean product minus the product of the means: 0 if they fired independently of each other.
        elsewhere: Their excess in the other picture.
        maps: Activations of the one, of the other, and their product, (H, W) each.
    """

    first: int
    second: int
    correlation: float
    excess: float
    elsewhere: float
    maps: tuple[Map, Map, Map]


def strongest_pairs(features: Tensor, other: Tensor, count: int) -> list[Pair]:
    """Pairs whose products exceed what their means alone predict by most more than in another picture.

    The excess is the covariance: what the entry of the Gram matrix holds that two means do not. Twins are left out, so
    is a channel that is in a pair already, and a pair whose product is bright where a stronger one's is.

    Args:
        features: Activations of the picture, (1, C, H, W).
        other: Activations of the other one, with the same channels.
        count: At most so many.
    """
    x = features[0].double()
    excess, elsewhere = _excess(x), _excess(other[0].double())
    deviations = excess.diag().clamp_min(torch.finfo(torch.float64).tiny).sqrt()
    correlation = excess / (deviations[:, None] * deviations)
    fitting = (correlation < _TWINS) & (excess > 0)
    score = torch.where(fitting, excess - elsewhere, torch.zeros_like(excess)).triu(1)
    pairs: list[Pair] = []
    while len(pairs) < count and float(score.max()) > 0:
        i, j = divmod(int(score.argmax()), len(score))
        score[i, j] = 0
        first, second = x[i].numpy(), x[j].numpy()
        product = first * second
        if any(np.corrcoef(product.ravel(), pair.maps[2].ravel())[0, 1] > _ALIKE for pair in pairs):
            continue
        maps = first, second, product
        pairs.append(Pair(i, j, float(correlation[i, j]), float(excess[i, j]), float(elsewhere[i, j]), maps))
        for used in (i, j):
            score[used], score[:, used] = 0, 0
    return pairs


def _excess(x: Tensor) -> Tensor:
    """Mean products minus the products of the means, (C, C)."""
    flat = x.flatten(1)
    means = flat.mean(dim=1)
    return flat @ flat.T / flat.shape[1] - means[:, None] * means


def peaks(activity: Map, count: int, *, apart: int, margin: int) -> list[tuple[int, int]]:
    """The strongest positions (row, column) of a map, at least `apart` from each other and `margin` from the border.

    Fewer than `count` if nothing fires any more.
    """
    left = activity.copy()
    if margin and min(left.shape) > 2 * margin:
        left[:margin], left[-margin:], left[:, :margin], left[:, -margin:] = 0, 0, 0, 0
    found: list[tuple[int, int]] = []
    while len(found) < count and left.max() > 0:
        row, column = (int(place) for place in np.unravel_index(left.argmax(), left.shape))
        found.append((row, column))
        left[max(0, row - apart + 1) : row + apart, max(0, column - apart + 1) : column + apart] = 0
    return found
