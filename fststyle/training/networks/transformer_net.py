"""The image transformation networks, by name.

All take RGB in [0, 1], (B, 3, H, W), and return the same sides and range. They are fully convolutional: trained on
small crops, they run on pictures of any size.
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fststyle.training.networks.layers import AtHalfSize, FoldedUpsample, Residual, Upsample, mirrored_conv, norm

NetworkName = Literal["johnson", "johnson2016", "fast", "tiny"]

# Pixels on every side; a multiple of 8, so that coarse grids stay where they were in training. Measured on a
# ten-minute network: relative style loss 0.037 without, 0.027 with 8 and 0.028 with 16, which also looks clean.
_RIM = 16

# Sides from which a picture in training has the rim, too. VGG pads with zeros, and a network answers: it paints a frame
# that hides the false edge, or, where the rim takes the frame away, changes the whole picture to make up for it. In
# squares of 128 pixels that is too much for larger pictures; in squares of 256 it is what they need. Measured (Udnie,
# Johnson's network after two hours in squares of 128, minutes more in squares of 256): total 1.02 before, 1.07 with
# the frame cut off, 0.83 with the rim.
_SMALLEST_WITH_RIM = 192


class TransformerNet(nn.Module):
    """Encoder, residual blocks and decoder; the blocks work at a quarter of the picture's sides or less.

    Output sides equal the input's: the encoder rounds H/4 and W/4 up, and the decoder's surplus is cut off.

    Trained networks paint a dull frame of a few pixels. So the photo gets a mirrored rim, which is cut off afterwards
    together with the frame. In training this is done for large squares only.
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
        rim = 0 if self.training and min(height, width) < _SMALLEST_WITH_RIM else _RIM
        if rim:
            content = F.pad(content, (rim, rim, rim, rim), mode="reflect")
        painted = self.decoder(self.body(self.encoder(content)))
        painted = painted[..., rim : rim + height, rim : rim + width]
        return torch.sigmoid(painted.to(content.dtype))  # in bfloat16, a gray level at a time would be lost


def _johnson(width: float) -> TransformerNet:
    """Johnson's network as the field builds it today: 32-64-128 channels, five residual blocks, instance norm.

    Differences from the paper: instance norm (Ulyanov 2016; also in Johnson's later release) instead of batch norm,
    nearest upsampling and a convolution instead of transposed convolutions, mirrored borders throughout, and a sigmoid
    instead of the scaled tanh. `width=0.5` has the channels of Johnson's own instance-norm release.
    """
    a, b, c = _channels(width, 32, 64, 128)
    encoder = nn.Sequential(
        *(mirrored_conv(3, a, 9), norm(a), nn.ReLU(inplace=True)),
        *(mirrored_conv(a, b, 3, 2), norm(b), nn.ReLU(inplace=True)),
        *(mirrored_conv(b, c, 3, 2), norm(c), nn.ReLU(inplace=True)),
    )
    decoder = nn.Sequential(
        *(Upsample(c, b), norm(b), nn.ReLU(inplace=True)),
        *(Upsample(b, a), norm(a), nn.ReLU(inplace=True)),
        nn.Conv2d(a, 3, 9, padding=4, padding_mode="reflect"),
    )
    return TransformerNet(encoder, nn.Sequential(*(Residual(c) for _ in range(5))), decoder)


def _fast(width: float) -> TransformerNet:
    """Four residual blocks at a quarter of the sides, and almost nothing at full size, where a CPU is slow.

    One strided convolution makes the picture small. A PixelShuffle(4) would enlarge it as cheaply, but leaves a grid of
    four pixels. So two bilinear enlargements with thin convolutions are used, each folded into one convolution.
    """
    b, c = _channels(width, 24, 48)
    encoder = nn.Sequential(mirrored_conv(3, c, 9, 4), norm(c), nn.ReLU(inplace=True))
    decoder = nn.Sequential(
        *(FoldedUpsample(c, b), norm(b), nn.ReLU(inplace=True)),
        FoldedUpsample(b, 3, bias=True),
    )
    return TransformerNet(encoder, nn.Sequential(*(Residual(c, mirrored_once=True) for _ in range(4))), decoder)


def _tiny(width: float) -> TransformerNet:
    """Two residual blocks at an eighth of the sides, and three enlargements without an enlarged picture in memory.

    For videos in real time on a CPU. A quarter of the sides with 24 channels takes half as long again.
    """
    a, b, c = _channels(width, 8, 16, 32)
    encoder = nn.Sequential(mirrored_conv(3, b, 9, 4), norm(b), nn.ReLU(inplace=True))
    body = nn.Sequential(
        *(mirrored_conv(b, c, 3, 2), norm(c), nn.ReLU(inplace=True)),
        *(Residual(c) for _ in range(2)),
        *(FoldedUpsample(c, b), norm(b)),
    )
    decoder = nn.Sequential(
        *(nn.ReLU(inplace=True), FoldedUpsample(b, a)),
        *(nn.ReLU(inplace=True), FoldedUpsample(a, 3, bias=True)),
    )
    return TransformerNet(encoder, AtHalfSize(body), decoder)


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
