"""What the predictor knows of a painting: statistics of a loss network's channels.

Of each layer the mean and the standard deviation of every channel, and the style matrix in the directions in which
paintings differ most. Ghiasi 2017 takes the last layer of an Inception-v3 instead. Style matrices say what a style is,
and `slim` is here already.
"""

import torch
from torch import Tensor, nn

from fststyle.training.cost.cost import Cost
from fststyle.training.cost.loss_network import LossNetwork

LAYERS = Cost.style_layers

_DIRECTIONS = 24
"""Of each layer's channels. All of them would be a hundred times as many products."""

_LEAST = 1e-3  # channels that hardly fire differ by their noise only
FARTHEST = 4.0
"""In standard deviations; a painting beyond is one of a kind that nobody has seen."""


class StyleVector(nn.Module):
    """Paintings (B, 3, H, W), RGB in [0, 1], to vectors (B, `size`), about standard normal over paintings.

    Args:
        trunk: The loss network, built for `LAYERS`.
    """

    def __init__(self, trunk: LossNetwork) -> None:
        super().__init__()
        self.trunk = trunk
        widths = {layer: trunk.features[trunk.index_of[layer] - 1].out_channels for layer in LAYERS}
        self.directions = nn.ParameterDict(
            {
                layer: nn.Parameter(torch.zeros(width, _DIRECTIONS), requires_grad=False)
                for layer, width in widths.items()
            }
        )
        upper = torch.triu_indices(_DIRECTIONS, _DIRECTIONS)
        self.size = sum(2 * width + upper.shape[1] for width in widths.values())
        self.upper: Tensor
        self.middle: Tensor
        self.spread: Tensor
        self.register_buffer("upper", upper[0] * _DIRECTIONS + upper[1], persistent=False)
        self.register_buffer("middle", torch.zeros(self.size))
        self.register_buffer("spread", torch.ones(self.size))
        self.requires_grad_(False)

    def forward(self, paintings: Tensor) -> Tensor:
        """Look at paintings."""
        return self.standardized(self.raw(self.trunk.see(paintings, LAYERS)))

    def raw(self, seen: dict[str, Tensor]) -> Tensor:
        """What the trunk sees, before it is standardized."""
        parts = []
        for layer in LAYERS:
            x = seen[layer].flatten(2)
            mean = x.mean(dim=2)
            deviation = (x.square().mean(dim=2) - mean.square()).clamp_min(0).sqrt()
            along = self.directions[layer].mT @ x
            products = (along @ along.mT / x.shape[2]).flatten(1)[:, self.upper]
            # Logarithms and roots: what is twice as strong in one painting differs as much as what is half as strong.
            parts += [(mean + _LEAST).log(), (deviation + _LEAST).log(), products.sign() * products.abs().sqrt()]
        return torch.cat(parts, dim=1)

    def standardized(self, raw: Tensor) -> Tensor:
        """A raw vector in standard deviations over paintings."""
        return ((raw - self.middle) / self.spread).clamp(-FARTHEST, FARTHEST)

    def look_along(self, second: dict[str, Tensor]) -> None:
        """Choose the directions: the first principal ones of each layer.

        Args:
            second: Mean products of channels over paintings, by layer: (C, C).
        """
        for layer, products in second.items():
            _, vectors = torch.linalg.eigh(products.double())
            self.directions[layer].copy_(vectors[:, -_DIRECTIONS:].flip(1))

    def standardize(self, raw: Tensor) -> None:
        """Learn middle and spread from raw vectors, (N, `size`)."""
        self.middle.copy_(raw.mean(0))
        self.spread.copy_(raw.std(0).clamp_min(_LEAST))
