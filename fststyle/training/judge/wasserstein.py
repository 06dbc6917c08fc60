"""An independent measure of style: the sliced Wasserstein distance (Heitz et al. 2021).

A style matrix holds how often two channels fire together, and pictures that look different can have the same one. This
distance compares the whole distribution of the activations: it projects them on random directions, and compares the
sorted projections. Trainings with a `wasserstein_weight` lower such a distance, too, in other layers and directions.

We differ from the paper in two ways. The distance is divided by the spread of the painting's own projections, so that 0
is a perfect match and about 1 a picture that has nothing of the painting. Positions are reduced to quantiles, because
painting and picture have different numbers of them.
"""

from collections.abc import Mapping
from statistics import fmean

import torch
from torch import Tensor

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.wasserstein import distances, unit_vectors

LAYERS = ("relu2_1", "relu3_1", "relu4_1")
"""Of VGG-19. The first two are in no default cost, and all of them are in the weights that ship."""

_DIRECTIONS = 128
_QUANTILES = 512
_SEED = 0


class SlicedWasserstein:
    """Distances of pictures to one painting.

    Args:
        network: Built for `LAYERS` (more do no harm), with normalized channels.
        painting: (1, 3, H, W), RGB in [0, 1].
    """

    def __init__(self, network: LossNetwork, painting: Tensor) -> None:
        self.network = network
        self._target = self._quantiles(painting)

    def distance(self, picture: Tensor) -> float:
        """Mean over the layers, of a picture (1, 3, H, W) in [0, 1]; 0 is a perfect match."""
        found = self._quantiles(picture)
        return fmean(float(distances(found[layer][None], target[None])) for layer, target in self._target.items())

    @torch.no_grad()
    def _quantiles(self, picture: Tensor) -> Mapping[str, Tensor]:
        """By layer, quantiles of the activations along every direction, (128, 512)."""
        seen = self.network(picture, LAYERS)
        levels = (torch.arange(_QUANTILES) + 0.5) / _QUANTILES
        quantiles = {}
        for layer, activations in seen.items():
            flat = activations[0].flatten(1)
            ordered = (unit_vectors(len(flat), _DIRECTIONS, _SEED).to(flat) @ flat).sort(dim=1).values
            places = (levels * flat.shape[1]).long()
            quantiles[layer] = ordered[:, places]
        return quantiles
