"""One network with a strength that is chosen when it is used, from the photo itself to the full style.

The gains and shifts of its instance norms depend on the strength: those of the full style plus a quadratic in
1 - strength (conditional instance normalization, Dumoulin 2017, with a number in place of a style's name). In training
every photo gets a random strength, which weighs the painting's terms. The result is no cross-fade: at half strength the
strokes are different, not the full ones half transparent.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fststyle.training.networks.layers import call_with

_SEED = 3  # temporal.py draws from 2

# A network that works at a quarter of the sides cannot reproduce every pixel of a photo. So the photo is mixed in as
# the strength nears 0: a third at 0.25, a 16th at 0.5.
_PHOTO_POWER = 4

# Full strength is used most, so every other photo is painted at it.
_FULL = 0.5


class ConditionedNorm(nn.Module):
    """Instance norm whose gains and shifts depend on the strength; at 1 they are the plain norm's.

    Attributes:
        strength: 1; a `StrengthNet` puts another in its place, (B,) or (1,), for the time of a call.
    """

    strength: Tensor

    def __init__(self, plain: nn.InstanceNorm2d) -> None:
        super().__init__()
        self.eps = plain.eps
        self.register_buffer("strength", torch.ones(1), persistent=False)
        self.weight, self.bias = plain.weight, plain.bias
        self.gain_slopes = nn.Parameter(torch.zeros(2, plain.num_features))
        self.shift_slopes = nn.Parameter(torch.zeros(2, plain.num_features))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in and out."""
        missing = 1 - self.strength
        powers = torch.stack((missing, missing.square()), dim=1)  # (B, 2)
        gain, shift = self.weight + powers @ self.gain_slopes, self.bias + powers @ self.shift_slopes  # (B, C)
        if len(self.strength) == 1:  # as it is used: one operator in the exported graph
            return F.instance_norm(x, weight=gain[0], bias=shift[0], eps=self.eps)
        return torch.addcmul(shift[..., None, None], F.instance_norm(x, eps=self.eps), gain[..., None, None])


class StrengthNet(nn.Module):
    """Adds a strength to a network with instance norms. Before training it only mixes photo and painting.

    Args:
        net: The network; its norms are replaced in place.

    Raises:
        ValueError: If it has no instance norms.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        for parent in list(net.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.InstanceNorm2d):
                    setattr(parent, name, ConditionedNorm(child))
        if not any(isinstance(module, ConditionedNorm) for module in net.modules()):
            raise ValueError("this network has no instance norms to condition; train it without strength, or use fast")
        self.net = net

    @property
    def min_side(self) -> int:
        """The network's own."""
        return int(cast(int, self.net.min_side))

    def forward(self, content: Tensor, strength: Tensor | None = None) -> Tensor:
        """Paint.

        Args:
            content: (B, 3, H, W) in [0, 1].
            strength: 0 to 1, (B,), or (1,) for all; 1 if not given.
        """
        if strength is None:
            strength = content.new_ones(1)
        painted = call_with(self.net, ConditionedNorm, "strength", strength, content)
        photo = ((1 - strength) ** _PHOTO_POWER)[:, None, None, None]
        mixed: Tensor = photo * content + (1 - photo) * painted  # exact at both ends
        return mixed


def plain_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of a plain network at full strength, from a `StrengthNet`'s; other states are returned unchanged."""
    return {
        name.removeprefix("net."): tensor
        for name, tensor in state.items()
        if not name.endswith(("gain_slopes", "shift_slopes"))
    }


def draw_strengths(positions: Sequence[int]) -> Tensor:
    """A strength for each photo, a function of its position in the run: (B,)."""
    drawn = [np.random.default_rng([_SEED, position]).random(2) for position in positions]
    return torch.tensor([1.0 if first < _FULL else second for first, second in drawn], dtype=torch.float32)


def style_share(strength: Tensor) -> Tensor:
    """Factor of the painting's terms at a strength: its square, so half strength has a quarter of the style weight."""
    return strength.square()
