"""Training one network for many styles at once.

The convolutions are shared; each style has its own gains and shifts (conditional instance normalization, Dumoulin
2017). A plain network can be taken out for each style.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.step_cost import StyleChoice
from fststyle.training.networks.layers import call_with
from fststyle.training.networks.transformer_net import NetworkName
from fststyle.training.tensors import onto, reference_photos, unit_range

Pixels = NDArray[np.uint8]

# Of each painting: shorter side, order of the color channels, quarter turns. A dozen paintings are few; their variants
# have strokes of other sizes, colors and directions.
_VARIANTS = ((320, (0, 1, 2), 0), (256, (0, 1, 2), 0), (448, (0, 1, 2), 0), (320, (2, 1, 0), 0), (320, (1, 2, 0), 1))


class StyledNorm(nn.Module):
    """Instance norm with gains and shifts for each of many styles.

    Attributes:
        chosen: The first style; `in_styles` puts others in its place, (B,) int64, for the time of a call.
    """

    chosen: Tensor

    def __init__(self, channels: int, styles: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(styles, channels))
        self.bias = nn.Parameter(torch.zeros(styles, channels))
        self.register_buffer("chosen", torch.zeros(1, dtype=torch.int64), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each picture's channels and give them their style's."""
        gain, shift = (table[self.chosen][..., None, None] for table in (self.weight, self.bias))
        return torch.addcmul(shift, F.instance_norm(x, eps=self.eps), gain)


def with_styles(net: nn.Module, styles: int) -> nn.Module:
    """Replace every instance norm, in place; each style begins with the gains and shifts that are there."""
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.InstanceNorm2d):
                styled = StyledNorm(child.num_features, styles, child.eps)
                with torch.no_grad():
                    styled.weight.copy_(child.weight.expand_as(styled.weight))
                    styled.bias.copy_(child.bias.expand_as(styled.bias))
                setattr(parent, name, styled)
    return net


def styled_norms(net: nn.Module) -> Iterator[StyledNorm]:
    """The styled norms of a network."""
    return (module for module in net.modules() if isinstance(module, StyledNorm))


def in_styles(net: nn.Module, content: Tensor, styles: Tensor) -> Tensor:
    """Paint photos, (B, 3, H, W), each in its style, (B,) int64, or all in one, (1,)."""
    return call_with(net, StyledNorm, "chosen", styles, content)


def one_style(net: nn.Module, style: int) -> dict[str, Tensor]:
    """The state of a plain network of the same name that paints one of the styles."""
    own = _of_styles(net)
    return {name: (tensor[style] if name in own else tensor).clone() for name, tensor in net.state_dict().items()}


def _of_styles(net: nn.Module) -> set[str]:
    """Names of the tensors that hold a row for every style."""
    norms = (name for name, module in net.named_modules() if isinstance(module, StyledNorm))
    return {f"{name}.{part}" for name in norms for part in ("weight", "bias")}


def variants(painting: Path) -> list[Pixels]:
    """A painting in several sizes, colors and directions, each a style for the base.

    Raises:
        ImageError: If it cannot be read.
    """
    rgb = read_picture(painting).rgb
    return [np.rot90(resize_shorter_side(rgb, side)[..., list(order)], turns) for side, order, turns in _VARIANTS]


class ManyStylesModule(StyleTransferModule):
    """Trains one network on many styles, a random one for every picture.

    Args:
        paintings: Their files.
        network: See `StyleTransferModule`.
        cost: Likewise; the loss network is shared.
        init: Likewise.
        sides: Shorter sides, in pixels, at which each painting is looked at, each a style of its own; without them the
            styles are the `variants` of the paintings.
    """

    def __init__(
        self,
        paintings: Sequence[Path],
        network: NetworkName = "fast",
        cost: Cost = Cost(),
        init: str = "none",
        sides: Sequence[Sequence[int]] = (),
    ) -> None:
        super().__init__(paintings[0], name="base", painting="many", network=network, cost=cost, init=init)
        self.styles = (
            [
                resize_shorter_side(read_picture(painting).rgb, side)
                for painting, of_this in zip(paintings, sides, strict=True)
                for side in of_this
            ]
            if sides
            else [variant for painting in paintings for variant in variants(painting)]
        )
        for net in (self.net, self.averaged.module):
            with_styles(net, len(self.styles))
        self.averaged.requires_grad_(False)
        self._grams: dict[str, Tensor] = {}

    @property
    def turns(self) -> bool:
        """No: computing a hundred styles from all sides would take minutes before the first step."""
        return False

    def start_from(self, states: Sequence[Mapping[str, Tensor]]) -> list[str]:
        """Load an earlier network, whose architecture may differ a little.

        Args:
            states: Of plain networks, one for each style, that share all but their norms, as `one_style` gives them.

        Returns:
            Names of the tensors that were missing or had another shape; they keep their initial values.
        """
        own = _of_styles(self.net)
        known: dict[str, Tensor] = {}
        fresh = []
        for name, tensor in self.net.state_dict().items():
            if all(name in state for state in states):
                found = torch.stack([state[name] for state in states]) if name in own else states[0][name]
                if found.shape == tensor.shape:
                    known[name] = found
                    continue
            fresh.append(name)
        self.net.load_state_dict(known, strict=False)
        self.averaged.module.load_state_dict(self.net.state_dict())
        return fresh

    def setup(self, stage: str) -> None:
        """Compute the style matrices of all styles."""
        super().setup(stage)
        each = [
            PerceptualObjective(
                self.cost, unit_range(style), photos=reference_photos(), loss_network=self.objective.loss_network
            ).style_grams
            for style in self.styles
        ]
        self._grams = {layer: torch.cat([grams[layer] for grams in each]) for layer in each[0]}

    def choice(self, styles: Tensor) -> StyleChoice:
        """Paint the pictures of a batch in these styles, (B,) int64, and judge each by its own."""
        styles = onto(styles, self.device)
        self._grams = {layer: grams.to(styles.device) for layer, grams in self._grams.items()}
        grams = {layer: grams[styles] for layer, grams in self._grams.items()}
        return StyleChoice(lambda net, content: in_styles(net, content, styles), style_grams=grams)

    def choose(self, positions: Sequence[int]) -> StyleChoice:
        """Draw a style for each photo; the draw depends on the step alone, so that a resumed run draws the same."""
        generator = torch.Generator().manual_seed(self.trainer.global_step)
        return self.choice(torch.randint(len(self.styles), (len(positions),), generator=generator))

    def choose_held_out(self, batch_idx: int, count: int) -> StyleChoice:
        """Each photo in another style."""
        return self.choice((torch.arange(count) + 5 * batch_idx) % len(self.styles))
