"""The sliced Wasserstein distance of activations to a painting's, as a term of the cost (Heitz et al. 2021).

A style matrix is the same for many pictures. This distance compares more: all the values that activations have along a
direction, in order. A network that is trained with it, too, has more of the style in pictures of 512 and 1024 pixels.

We differ from the paper in three ways. Directions are the same at every step, so that the painting is looked at once.
Of a large crop, only so many positions are compared as are sorted in no time. The distance is divided by the spread of
the painting's own values, so that 0 is a perfect match and about 1 a picture that has nothing of the painting.
`judge/wasserstein.py` judges with other directions and layers, and with all positions.
"""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

_DIRECTIONS = 64
_LEVELS = 512
_POSITIONS = 8 * _LEVELS
_SEED = 1


def some_positions(x: Tensor) -> Tensor:
    """Activations at no more positions than are compared: (B, C, H, W) -> (B, C, N, 1).

    They are the same ones every time, in no pattern that a picture could have.
    """
    by_position = x.permute(0, 2, 3, 1).flatten(1, 2)  # the loss network has its channels last: nothing is copied
    some = by_position.index_select(1, _drawn(by_position.shape[1]).to(x.device))
    return some.unsqueeze(2).permute(0, 3, 1, 2)


class PaintingValues:
    """What activations of a painting are along every direction, in order; from one side or several.

    Args:
        activations: Of the upright painting, (1, C, N, 1) by layer, at `some_positions`.
    """

    def __init__(self, activations: Mapping[str, Tensor]) -> None:
        self._by_side: list[dict[str, Tensor]] = []
        self.add_side(activations)

    def add_side(self, activations: Mapping[str, Tensor]) -> None:
        """Hold those of the next side (`sides.py`), too."""
        self._by_side.append({layer: _sorted(x) for layer, x in activations.items()})

    def to(self, device: torch.device) -> None:
        """Move them, in place."""
        self._by_side = [{layer: x.to(device) for layer, x in values.items()} for values in self._by_side]

    def distances(self, activations: Mapping[str, Tensor], side: int) -> Tensor:
        """Of pictures, (B, C, N, 1) by layer, from that side: (B,) float32, the mean over the layers."""
        by_layer = [distances(_sorted(activations[layer]), values) for layer, values in self._by_side[side].items()]
        return torch.stack(by_layer).mean(dim=0)


def distances(found: Tensor, target: Tensor) -> Tensor:
    """Of ordered values, (B, directions, levels), to a painting's, (1, directions, levels): (B,)."""
    spread = (target - target.mean(dim=2, keepdim=True)).square().mean()
    return (found - target).square().mean(dim=(1, 2)) / spread


@cache
@torch.inference_mode(False)  # what a validation makes, a training must be able to use
def unit_vectors(channels: int, count: int, seed: int) -> Tensor:
    """Random directions, (count, channels), the same ones every time."""
    directions = torch.randn(count, channels, generator=torch.Generator().manual_seed(seed))
    unit: Tensor = directions / directions.norm(dim=1, keepdim=True)
    return unit


@cache
@torch.inference_mode(False)
def _drawn(positions: int) -> Tensor:
    """The places of those that are compared."""
    order = torch.randperm(positions, generator=torch.Generator().manual_seed(_SEED))
    return order[:_POSITIONS].clone()  # a slice would hold the memory of all


def _sorted(x: Tensor) -> Tensor:
    """(B, C, N, 1) -> (B, 64, 512)."""
    flat = x.flatten(2).float()
    values = (unit_vectors(flat.shape[1], _DIRECTIONS, _SEED).to(flat) @ flat).sort(dim=2).values
    if values.shape[2] == _POSITIONS:
        return values.view(*values.shape[:2], _LEVELS, -1).mean(dim=3)
    places = ((torch.arange(_LEVELS, device=x.device) + 0.5) / _LEVELS * values.shape[2]).long()
    return values[:, :, places]
