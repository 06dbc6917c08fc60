"""The layers of the networks in `transformer_net.py`."""

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

# Instance norm divides by the standard deviation over the picture. In a flat channel that is almost 0, and a single
# pixel that differs becomes a bright bubble. torch's 1e-5 is too small to prevent it.
_NORM_EPS = 1e-3


def mirrored_conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution with mirrored borders: zero padding would show as a frame in the painting.

    Measured: zero padding inside makes a step of `fast` a tenth cheaper, but paints a frame of some ten pixels even
    behind the mirrored rim.
    """
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect", bias=False)


def norm(channels: int) -> nn.InstanceNorm2d:
    """An instance norm that leaves flat channels flat."""
    return nn.InstanceNorm2d(channels, eps=_NORM_EPS, affine=True)


class Residual(nn.Module):
    """Two 3×3 convolutions with a skip connection, and no ReLU after the sum (Johnson 2016, supplementary material).

    Args:
        channels: In and out.
        mirrored_once: Mirror the borders once for both convolutions, which saves a copy of the picture on a CPU.
    """

    def __init__(self, channels: int, *, mirrored_once: bool = False) -> None:
        super().__init__()
        self.rim = 2 if mirrored_once else 0

        def conv() -> nn.Conv2d:
            if mirrored_once:
                return nn.Conv2d(channels, channels, 3, bias=False)
            return mirrored_conv(channels, channels, 3)

        self.body = nn.Sequential(conv(), norm(channels), nn.ReLU(inplace=True), conv(), norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Sides stay."""
        rim = self.rim
        result: Tensor = x + self.body(F.pad(x, (rim, rim, rim, rim), mode="reflect") if rim else x)
        return result


class Upsample(nn.Module):
    """Enlarge twice, then convolve. All output pixels weigh alike, unlike with transposed convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = mirrored_conv(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Sides are doubled."""
        result: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return result


class FoldedUpsample(nn.Module):
    """Bilinear enlargement and a convolution, computed as one convolution at the small size and a pixel shuffle.

    Both are linear, so each of the four output pixels of an input pixel is its own 3×3 convolution of the small
    picture. This saves writing the enlarged picture, which is most of the time at a small network's end, and all output
    pixels still weigh alike. Borders are mirrored before the enlargement, not after it.
    """

    # How a row of a 3×3 kernel at twice the size falls on three pixels of the small one: [parity, tap, pixel].
    _SHARES = (
        ((0.75, 0.25, 0.0), (0.25, 0.75, 0.0), (0.0, 0.75, 0.25)),
        ((0.25, 0.75, 0.0), (0.0, 0.75, 0.25), (0.0, 0.25, 0.75)),
    )

    def __init__(self, inputs: int, outputs: int, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, bias=bias)
        self.shares: Tensor
        self.register_buffer("shares", torch.tensor(self._SHARES), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Sides are doubled."""
        return _four_in_one(x, *self.folded())

    def folded(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the convolution at the small size."""
        weight = torch.einsum("oiyx,pyh,qxw->opqihw", self.conv.weight, self.shares, self.shares)
        return weight.flatten(0, 2), None if self.conv.bias is None else self.conv.bias.repeat_interleave(4)

    def unfolded(self, weight: Tensor) -> Tensor:
        """The kernel at twice the size of which `folded` makes this weight, (4·outputs, inputs, 3, 3)."""
        rows = torch.linalg.pinv(self.shares.transpose(1, 2).flatten(0, 1).double())  # (tap, parity · pixel)
        rows = rows.view(3, 2, 3)
        apart = weight.double().view(-1, 2, 2, *weight.shape[1:])
        return torch.einsum("opqihw,yph,xqw->oiyx", apart, rows, rows).to(weight)


class _FrozenUpsample(nn.Module):
    """A `FoldedUpsample` with its folded kernel as a constant: exporters fold only small constants themselves."""

    def __init__(self, upsample: FoldedUpsample) -> None:
        super().__init__()
        weight, bias = upsample.folded()
        self.weight = nn.Parameter(weight.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return _four_in_one(x, self.weight, self.bias)


def _four_in_one(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.pixel_shuffle(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias), 2)


def frozen(net: nn.Module) -> nn.Module:
    """A copy for export that computes the same, with all folded kernels as constants."""
    net = copy.deepcopy(net)
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, FoldedUpsample):
                setattr(parent, name, _FrozenUpsample(child))
    return net


def call_with(net: nn.Module, kind: type[nn.Module], buffer: str, value: Tensor, content: Tensor) -> Tensor:
    """Call a network with a value in place of one buffer of all its layers of a kind, for this call only."""
    values = {f"{name}.{buffer}": value for name, layer in net.named_modules() if isinstance(layer, kind)}
    painted: Tensor = functional_call(net, values, (content,))
    return painted


class AtHalfSize(nn.Module):
    """A skip connection around layers that work at half the sides."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Sides stay; for odd ones, the body's surplus row or column is cut off."""
        height, width = x.shape[-2:]
        result: Tensor = x + self.body(x)[..., :height, :width]
        return result
