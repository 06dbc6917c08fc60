"""The image transformation networks, by name.

All take RGB in [0, 1], (B, 3, H, W), and return the same: the same sides, the same range. They are plain convolutional
networks, so that one trained on small crops runs on pictures of any size.
"""

import copy
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NetworkName = Literal["johnson", "johnson2016", "fast", "tiny"]

# Instance norm divides by the standard deviation over the picture. In a flat channel that is next to nothing, and the
# one pixel that differs becomes a bright bubble; torch's 1e-5 is small enough to show them.
_NORM_EPS = 1e-3

# Pixels on every side; a multiple of 8, so that coarse grids stay where they were in training. Measured on a
# ten-minute network: relative style loss 0.037 without, 0.027 with 8 and 0.028 with 16, which also looks clean.
_RIM = 16


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that sees the picture mirrored at its border, so that none of a zero frame is painted.

    Zero padding inside makes a step of `fast` a tenth cheaper, but was seen to paint a frame of some ten pixels, even
    behind the mirrored rim.
    """
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect", bias=False)


def _norm(channels: int) -> nn.InstanceNorm2d:
    return nn.InstanceNorm2d(channels, eps=_NORM_EPS, affine=True)


class _Residual(nn.Module):
    """Two 3×3 convolutions around a skip, and nothing behind the sum (Johnson 2016, supplementary material).

    Args:
        channels: In and out.
        mirrored_once: Mirror the borders for both convolutions at once: a copy of the picture less on a CPU.
    """

    def __init__(self, channels: int, *, mirrored_once: bool = False) -> None:
        super().__init__()
        self.rim = 2 if mirrored_once else 0

        def conv() -> nn.Conv2d:
            return nn.Conv2d(channels, channels, 3, bias=False) if mirrored_once else _conv(channels, channels, 3)

        self.body = nn.Sequential(conv(), _norm(channels), nn.ReLU(inplace=True), conv(), _norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        rim = self.rim
        result: Tensor = x + self.body(F.pad(x, (rim, rim, rim, rim), mode="reflect") if rim else x)
        return result


class _Upsample(nn.Module):
    """Enlarge twice, then convolve: every output pixel weighs alike, which transposed convolutions do not grant."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _conv(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return result


class _FoldedUpsample(nn.Module):
    """Enlarge twice, bilinearly, and convolve, as one convolution at the small size and a rearrangement of channels.

    Enlarging and convolving are both linear, so that each of the four pixels that come from one is a 3×3 convolution of
    its own of the small picture. No enlarged picture is written, which is most of what a small network's end costs,
    and every output pixel weighs alike all the same. Borders are mirrored before they are enlarged, not after.
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
        return _four_in_one(x, *self.folded())

    def folded(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the convolution at the small size."""
        weight = torch.einsum("oiyx,pyh,qxw->opqihw", self.conv.weight, self.shares, self.shares)
        return weight.flatten(0, 2), None if self.conv.bias is None else self.conv.bias.repeat_interleave(4)


class _FrozenUpsample(nn.Module):
    """What a `_FoldedUpsample` does, with its kernel as it is now: exporters fold only small constants themselves."""

    def __init__(self, upsample: _FoldedUpsample) -> None:
        super().__init__()
        weight, bias = upsample.folded()
        self.weight = nn.Parameter(weight.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return _four_in_one(x, self.weight, self.bias)


def _four_in_one(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.pixel_shuffle(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias), 2)


def frozen(net: nn.Module) -> nn.Module:
    """A copy for export, which computes the same with nothing left to be worked out."""
    net = copy.deepcopy(net)
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _FoldedUpsample):
                setattr(parent, name, _FrozenUpsample(child))
    return net


class _AtHalfSize(nn.Module):
    """Adds what is done at half the sides; what the way down loses stays in the sum."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        result: Tensor = x + self.body(x)[..., :height, :width]
        return result


class TransformerNet(nn.Module):
    """Encoder, residual blocks and decoder, working at a quarter of the picture's sides or less in between.

    Output sides are the input's: the encoder rounds H/4 and W/4 up, and what the decoder makes too much is cut off.

    Trained networks paint a dull frame of a few pixels; VGG's zero padding is our guess at why. Outside of training the
    network therefore sees the photo with a mirrored rim, and the rim is cut off again, frame and all. Keeping the rim
    away from VGG in training, too, was worse in the one run that tried it.
    """

    min_side = _RIM + 4
    """Smallest side that can be mirrored that far; a smaller picture must be padded first."""

    def __init__(self, encoder: nn.Module, body: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.body = body
        self.decoder = decoder

    def forward(self, content: Tensor) -> Tensor:
        """Paint; the sigmoid keeps to the range."""
        height, width = content.shape[-2:]
        rim = 0 if self.training else _RIM
        if rim:
            content = F.pad(content, (rim, rim, rim, rim), mode="reflect")
        painted = self.decoder(self.body(self.encoder(content)))
        painted = painted[..., rim : rim + height, rim : rim + width]
        return torch.sigmoid(painted.to(content.dtype))  # in bfloat16, a gray level at a time would be lost


def _johnson(width: float) -> TransformerNet:
    """Johnson's network as the field builds it today: 32-64-128 channels, five residual blocks, instance norm.

    Differs from the paper in instance norm (Ulyanov 2016; also in Johnson's later release) for batch norm, in nearest
    upsampling + convolution for transposed convolutions, in mirrored borders throughout, and in a sigmoid for the
    scaled tanh. `width=0.5` has the channels of Johnson's own instance-norm release.
    """
    a, b, c = _channels(width, 32, 64, 128)
    encoder = nn.Sequential(
        *(_conv(3, a, 9), _norm(a), nn.ReLU(inplace=True)),
        *(_conv(a, b, 3, 2), _norm(b), nn.ReLU(inplace=True)),
        *(_conv(b, c, 3, 2), _norm(c), nn.ReLU(inplace=True)),
    )
    decoder = nn.Sequential(
        *(_Upsample(c, b), _norm(b), nn.ReLU(inplace=True)),
        *(_Upsample(b, a), _norm(a), nn.ReLU(inplace=True)),
        nn.Conv2d(a, 3, 9, padding=4, padding_mode="reflect"),
    )
    return TransformerNet(encoder, nn.Sequential(*(_Residual(c) for _ in range(5))), decoder)


def _fast(width: float) -> TransformerNet:
    """Four dense residual blocks at a quarter of the sides and next to nothing at full size, where a CPU is slow.

    One strided convolution takes the picture down; a PixelShuffle(4) would take it up just as cheaply but leaves a grid
    of four pixels over every picture, so two bilinear enlargements with thin convolutions do, each folded into one.
    """
    b, c = _channels(width, 24, 48)
    encoder = nn.Sequential(_conv(3, c, 9, 4), _norm(c), nn.ReLU(inplace=True))
    decoder = nn.Sequential(
        *(_FoldedUpsample(c, b), _norm(b), nn.ReLU(inplace=True)),
        _FoldedUpsample(b, 3, bias=True),
    )
    return TransformerNet(encoder, nn.Sequential(*(_Residual(c, mirrored_once=True) for _ in range(4))), decoder)


def _tiny(width: float) -> TransformerNet:
    """Two residual blocks at an eighth of the sides, and three enlargements without an enlarged picture in memory.

    For videos in real time on a CPU. A quarter of the sides with 24 channels takes half as long again.
    """
    a, b, c = _channels(width, 8, 16, 32)
    encoder = nn.Sequential(_conv(3, b, 9, 4), _norm(b), nn.ReLU(inplace=True))
    body = nn.Sequential(
        *(_conv(b, c, 3, 2), _norm(c), nn.ReLU(inplace=True)),
        *(_Residual(c) for _ in range(2)),
        *(_FoldedUpsample(c, b), _norm(b)),
    )
    decoder = nn.Sequential(
        *(nn.ReLU(inplace=True), _FoldedUpsample(b, a)),
        *(nn.ReLU(inplace=True), _FoldedUpsample(a, 3, bias=True)),
    )
    return TransformerNet(encoder, _AtHalfSize(body), decoder)


class Johnson2016Net(nn.Module):
    """The network of the paper's supplementary material, table 1, to the letter; for reproducing it, not for painting.

    40 pixels of reflection padding once, residual blocks without padding (each takes 2 pixels off every side), batch
    norm, transposed convolutions, and a tanh scaled to the picture's range.
    """

    min_side = 44  # the reflection padding must be smaller than the side

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        a, b, c = _channels(width, 32, 64, 128)

        def down(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
            conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
            return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

        def up(inputs: int, outputs: int) -> list[nn.Module]:
            conv = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1)
            return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

        self.encoder = nn.Sequential(nn.ReflectionPad2d(40), *down(3, a, 9, 1), *down(a, b, 3, 2), *down(b, c, 3, 2))
        self.body = nn.ModuleList(
            nn.Sequential(
                *(nn.Conv2d(c, c, 3), nn.BatchNorm2d(c), nn.ReLU(inplace=True)),
                *(nn.Conv2d(c, c, 3), nn.BatchNorm2d(c)),
            )
            for _ in range(5)
        )
        self.decoder = nn.Sequential(*up(c, b), *up(b, a), nn.Conv2d(a, 3, 9, padding=4))

    def forward(self, content: Tensor) -> Tensor:
        """Paint; the scaled tanh may leave the range and is cut to it."""
        height, width = content.shape[-2:]
        x = self.encoder(content)
        for block in self.body:
            x = x[..., 2:-2, 2:-2] + block(x)
        painted = self.decoder(x)[..., :height, :width]
        # His code multiplies by 150 around the mean color on a 0..255 scale and clips when it saves; on ours that is
        # ±0.59 around the middle.
        return (0.5 + 150 / 255 * torch.tanh(painted)).clamp(0, 1)


def _channels(width: float, *full: int) -> tuple[int, ...]:
    """Channel counts at a width multiplier, in fours for the sake of vector units."""
    return tuple(max(4, round(count * width / 4) * 4) for count in full)


_NETWORKS: dict[NetworkName, Callable[[float], nn.Module]] = {
    "johnson": _johnson,
    "johnson2016": Johnson2016Net,
    "fast": _fast,
    "tiny": _tiny,
}


def build_transformer_net(name: NetworkName, width: float = 1.0) -> nn.Module:
    """A freshly initialized network.

    Args:
        name: "johnson" (reference quality), "fast" (works at ¼ of the sides), "tiny" (at ⅛, for videos), "johnson2016"
            (the paper's own).
        width: Multiplies the channel counts; compute and size fall with its square.

    Raises:
        ValueError: For an unknown name or a width that is not positive.
    """
    if name not in get_args(NetworkName):
        raise ValueError(f"unknown network {name!r}; use one of {', '.join(get_args(NetworkName))}")
    if not 0 < width <= 4:
        raise ValueError(f"width must lie in (0, 4], not {width}")
    return _NETWORKS[name](width)
