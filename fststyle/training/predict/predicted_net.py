"""A network of one body whose style is given as numbers, and the predictor of these numbers."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from fststyle.training.networks.layers import FoldedUpsample

_BOTTLENECK, _HIDDEN = 128, 256

# Of the inputs, in training: seven hundred paintings would be learned by heart.
_LEFT_OUT = 0.05


class GivenNorm(nn.Module):
    """Instance norm with a gain and a shift for every picture.

    Attributes:
        gain: (1 or B, C); a `PredictedNet` puts those of a batch in its place for the time of a call.
        shift: Likewise.
    """

    gain: Tensor
    shift: Tensor

    def __init__(self, plain: nn.InstanceNorm2d) -> None:
        super().__init__()
        self.eps = plain.eps
        self.register_buffer("gain", plain.weight.detach().clone()[None])
        self.register_buffer("shift", plain.bias.detach().clone()[None])

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in and out."""
        return torch.addcmul(self.shift[..., None, None], F.instance_norm(x, eps=self.eps), self.gain[..., None, None])


class GivenBias(nn.Module):
    """The last convolution, with a color of its own for every picture."""

    bias: Tensor

    def __init__(self, last: FoldedUpsample) -> None:
        super().__init__()
        self.last = last
        bias = cast(Tensor, last.conv.bias)
        self.register_buffer("bias", bias.detach().clone()[None])
        last.conv.bias = None

    def forward(self, x: Tensor) -> Tensor:
        """Sides are doubled."""
        painted: Tensor = self.last(x) + self.bias[..., None, None]
        return painted


class PredictedNet(nn.Module):
    """A shared body, and the predictor of a style's numbers.

    Args:
        net: `fast` or another network with instance norms that ends in a `FoldedUpsample`; changed in place.
        vector_size: Of a painting's statistics.
    """

    def __init__(self, net: nn.Module, vector_size: int) -> None:
        super().__init__()
        for parent in list(net.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.InstanceNorm2d):
                    setattr(parent, name, GivenNorm(child))
        decoder = cast(nn.Sequential, net.decoder)
        decoder[-1] = GivenBias(cast(FoldedUpsample, decoder[-1]))
        self.net = net
        self.slots = [
            (f"{name}.{part}", getattr(layer, part).shape[1])
            for name, layer in net.named_modules()
            for part in (("gain", "shift") if isinstance(layer, GivenNorm) else ("bias",))
            if isinstance(layer, GivenNorm | GivenBias)
        ]
        self.predictor = Predictor(vector_size, torch.cat([net.get_buffer(name)[0] for name, _ in self.slots]))

    @property
    def min_side(self) -> int:
        """The network's own."""
        return int(cast(int, self.net.min_side))

    def forward(self, content: Tensor, vectors: Tensor) -> Tensor:
        """Paint.

        Args:
            content: (B, 3, H, W) in [0, 1].
            vectors: Of the paintings, (B, `vector_size`) or (1, `vector_size`).
        """
        return self.in_numbers(content, self.predictor(vectors))

    def in_numbers(self, content: Tensor, numbers: Tensor) -> Tensor:
        """Paint in styles that are given as numbers, (B, N) or (1, N)."""
        painted: Tensor = functional_call(self.net, self.by_name(numbers), (content,))
        return painted

    def by_name(self, numbers: Tensor) -> dict[str, Tensor]:
        """Numbers, (B, N), by the buffer that takes them."""
        parts = torch.split(numbers, [size for _, size in self.slots], dim=1)
        return {name: part for (name, _), part in zip(self.slots, parts, strict=True)}


class Predictor(nn.Module):
    """Vectors of paintings, (B, `vector_size`), to numbers, (B, N).

    Args:
        vector_size: Of a painting's statistics.
        middle: The numbers to begin with for every painting, (N,).
    """

    def __init__(self, vector_size: int, middle: Tensor) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(_LEFT_OUT),
            nn.Linear(vector_size, _BOTTLENECK),
            nn.GELU(),
            nn.Linear(_BOTTLENECK, _HIDDEN),
            nn.GELU(),
            nn.Linear(_HIDDEN, len(middle)),
        )
        last = cast(nn.Linear, self.layers[-1])
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.copy_(middle)

    def forward(self, vectors: Tensor) -> Tensor:
        """The numbers of each painting's style."""
        numbers: Tensor = self.layers(vectors)
        return numbers
