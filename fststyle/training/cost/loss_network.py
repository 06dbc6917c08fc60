"""The loss network: a fixed, pretrained VGG whose activations describe the content and the style of a picture.

Layers are named as in the papers: `relu3_2` is the rectified output of the second convolution of the third block.

`slim` and `medium` are VGG-19 with fewer channels and ship with the package. Each of their layers has a *readout*, a
w × w matrix for w channels, which maps its activations to coordinates in the space of VGG-19's. So distances of
activations and of style matrices are in VGG-19's units. `distill/` makes these networks.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from fststyle.errors import WeightsError
from fststyle.training.cost.losses import gram_matrix
from fststyle.training.cost.weights import DISTILLED, load_state

Architecture = Literal["vgg16", "vgg19", "slim", "medium"]
Pooling = Literal["max", "average"]

# Channels of every convolution, "M" where pooling halves the sides; D and E are Simonyan & Zisserman's own letters.
_PLANS: dict[Architecture, list[int | str]] = {
    "vgg16": cfgs["D"],
    "vgg19": cfgs["E"],
    "slim": [16, 24, "M", 32, 48, "M", 64, 64, 160, 64, "M", 256],
    "medium": [32, 48, "M", 64, 96, "M", 128, 160, 256, 144, "M", 384],
}

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Dividing a channel that hardly ever fires by its mean activation would amplify its noise without bound. Means below
# this fraction of the layer's mean are raised to it.
_RAREST_CHANNEL = 0.05


def layer_indices(architecture: Architecture) -> dict[str, int]:
    """Where every named layer lies in torchvision's `features`: {"relu1_1": 1, "relu1_2": 3, …}, in order of depth."""
    indices: dict[str, int] = {}
    block, convolution, index = 1, 0, 0
    for step in _PLANS[architecture]:
        if step == "M":
            block, convolution, index = block + 1, 0, index + 1
        else:
            convolution += 1
            indices[f"relu{block}_{convolution}"] = index + 1
            index += 2
    return indices


class LossNetwork(nn.Module):
    """VGG-16, VGG-19, slim or medium, without a classifier, cut behind the deepest layer in use, frozen.

    Args:
        architecture: Which network.
        layers: The layers it will be asked for, in any order.
        pooling: Gatys 2015 recommends "average" for smoother pictures; Johnson 2016 and most of the field keep "max".

    Raises:
        ValueError: For an unknown architecture or layer.
    """

    def __init__(self, architecture: Architecture, layers: Iterable[str], *, pooling: Pooling = "max") -> None:
        super().__init__()
        if architecture not in get_args(Architecture):
            raise ValueError(f"unknown loss network {architecture!r}; use one of {', '.join(get_args(Architecture))}")
        if pooling not in get_args(Pooling):
            raise ValueError(f"unknown pooling {pooling!r}; use one of {', '.join(get_args(Pooling))}")
        indices = layer_indices(architecture)
        layers = tuple(dict.fromkeys(layers))
        if not layers:
            raise ValueError("a loss network needs at least one layer, such as relu3_3")
        for layer in layers:
            if layer not in indices:
                raise ValueError(f"{architecture} has no layer {layer!r}; use one of {', '.join(indices)}")
        self.architecture = architecture
        self.index_of = {layer: indices[layer] for layer in indices if layer in layers}
        depth = max(self.index_of.values()) + 1
        self.features = make_layers(_PLANS[architecture], batch_norm=False)[:depth]
        self.readouts = nn.ModuleDict()
        if self.distilled:
            if pooling != "max":
                raise ValueError(f"{architecture} is distilled with max pooling; use that, or vgg19")
            for layer, index in self.index_of.items():
                channels = self.features[index - 1].out_channels
                self.readouts[layer] = nn.Conv2d(channels, channels, 1, bias=False)
        if pooling == "average":
            for index, module in enumerate(self.features):
                if isinstance(module, nn.MaxPool2d):
                    self.features[index] = nn.AvgPool2d(2)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    @property
    def distilled(self) -> bool:
        """Whether it stands in for VGG-19."""
        return self.architecture in DISTILLED

    @classmethod
    def load(
        cls,
        architecture: Architecture,
        layers: Iterable[str],
        *,
        weights: Path | None = None,
        pooling: Pooling = "max",
        any_scale: bool = False,
    ) -> "LossNetwork":
        """Build the network and fill it.

        Args:
            architecture: Which network.
            layers: The layers it will be asked for.
            weights: A `.safetensors` or `.pth` state dict with torchvision's names (`features.0.weight`, …). None takes
                the package's for slim and medium, and else torchvision's ImageNet weights, downloaded once.
            pooling: See the class.
            any_scale: The activations' scale does not matter, because the channels will be normalized. VGG-19 then
                needs no download for layers up to relu4_1: the package has it, on Caffe's scale.

        Raises:
            WeightsError: If the weights cannot be had, or do not fit this architecture.
        """
        network = cls(architecture, layers, pooling=pooling)
        own = network.state_dict()
        state, source = load_state(architecture, weights, own if any_scale else None)
        # VGG-16's and VGG-19's first two blocks have the same shapes. The places of those behind them differ.
        names = {name for name in state if name.startswith("features.")}
        if not names <= {f"features.{name}" for name in _all_names(architecture)}:
            raise WeightsError(f"{source} holds layers that {architecture} has not; give the weights of {architecture}")
        for name, tensor in own.items():
            if name not in state and name.startswith("readouts."):
                raise WeightsError(
                    f"{source} has no {name}, so it is no {architecture} network; give one that "
                    "scripts/recipes/distill_loss_network.py made, or none to use the one that ships"
                )
            if name not in state:
                deepest = [layer for layer in layer_indices(architecture) if _reaches(architecture, layer, state)]
                raise WeightsError(
                    f"{source} has no {name}, which {architecture} needs for {list(network.index_of)[-1]}; "
                    f"use layers up to {deepest[-1] if deepest else 'none at all'}, or a file with more layers"
                )
            if state[name].shape != tensor.shape:
                raise WeightsError(
                    f"{name} in {source} is {tuple(state[name].shape)}, but {architecture} has {tuple(tensor.shape)}; "
                    f"these are another network's weights: give those of {architecture}"
                )
            if not torch.isfinite(state[name]).all():
                raise WeightsError(f"{name} in {source} has values that are not finite; fetch the file again")
        network.load_state_dict({name: state[name].float() for name in own})
        return network

    def forward(self, images: Tensor, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
        """Activations of the asked layers, computed no deeper than the deepest of them.

        Args:
            images: RGB in [0, 1], (B, 3, H, W); both sides large enough for the deepest layer (16 for relu5_1).
            layers: A subset of those the network was built for; None for all.

        Returns:
            {layer: (B, C, H / 2^(block-1), W / 2^(block-1))}, in order of depth.

        Raises:
            ValueError: If a side is too short for the deepest layer.
        """
        return {layer: self.read(layer, x) for layer, x in self.see(images, layers).items()}

    def read(self, layer: str, x: Tensor) -> Tensor:
        """What `see` gave of a layer, as `forward` gives it."""
        if layer not in self.readouts:
            return x
        activations: Tensor = cast(nn.Conv2d, self.readouts[layer])(x)
        return activations

    def style_matrix(self, layer: str, x: Tensor) -> Tensor:
        """What `see` gave of a layer, as the style matrix of what `forward` gives: (B, C, C), float32.

        The readout R is applied to the matrix, R·G·Rᵀ, instead of to every position: a fifteenth of slim's time.
        """
        gram = gram_matrix(x)
        if layer not in self.readouts:
            return gram
        with torch.autocast(x.device.type, enabled=False):
            readout = cast(nn.Conv2d, self.readouts[layer]).weight.flatten(1).to(gram)
            return readout @ gram @ readout.mT

    def see(self, images: Tensor, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
        """The network's own activations, a distilled one's before they are read; arguments as for `forward`."""
        wanted = {self.index_of[layer]: layer for layer in (self.index_of if layers is None else layers)}
        deepest = wanted[max(wanted)]
        shortest = 2 ** (int(deepest[len("relu")]) - 1)  # a pooling before every block but the first
        if min(images.shape[-2:]) < shortest:
            height, width = images.shape[-2:]
            raise ValueError(
                f"a picture of {width}×{height} pixels is too small for {deepest}, which needs {shortest}; "
                "enlarge it or choose shallower layers"
            )
        activations: dict[str, Tensor] = {}
        x = (images - self.mean) / self.std
        for index, module in enumerate(self.features[: max(wanted) + 1]):
            x = module(x)
            if index in wanted:
                activations[wanted[index]] = x
        return activations

    @torch.no_grad()
    def normalize_channels(self, photos: Iterable[Tensor]) -> None:
        """Scale every channel so that its mean activation over positions and photos is 1 (Gatys 2015, section 4).

        ReLU and pooling commute with a positive factor per channel. So the factor is multiplied into the convolution
        that makes the channel, and its inverse into those that read it: the same function up to these scales, at no
        cost. Without normalization the channels with the largest activations decide the style alone.

        Args:
            photos: Pictures of any size, (1, 3, H, W), RGB in [0, 1]. A dozen varied ones do.
        """
        convolutions = [module for module in self.features if isinstance(module, nn.Conv2d)]
        sums = [torch.zeros(conv.out_channels, dtype=torch.float64) for conv in convolutions]
        positions = [0] * len(convolutions)
        for photo in photos:
            x = (photo.to(self.mean) - self.mean) / self.std
            depth = 0
            for module in self.features:
                x = module(x)
                if isinstance(module, nn.ReLU):
                    sums[depth] += x.double().sum(dim=(0, 2, 3)).cpu()
                    positions[depth] += x.shape[0] * x.shape[2] * x.shape[3]
                    depth += 1
        if not positions[0]:
            raise ValueError("normalize_channels needs at least one photo")
        read_scale = torch.ones(3, dtype=torch.float64)
        for conv, total, count in zip(convolutions, sums, positions, strict=True):
            mean = total / count
            mean = mean.clamp_min(_RAREST_CHANNEL * mean.mean().clamp_min(torch.finfo(torch.float32).tiny))
            weight = conv.weight.double() * read_scale.to(conv.weight.device).view(1, -1, 1, 1)
            write_scale = mean.to(conv.weight.device)
            conv.weight.copy_(weight / write_scale.view(-1, 1, 1, 1))
            if conv.bias is not None:
                conv.bias.copy_(conv.bias.double() / write_scale)
            read_scale = mean


def _all_names(architecture: Architecture) -> set[str]:
    return {f"{index - 1}.{part}" for index in layer_indices(architecture).values() for part in ("weight", "bias")}


def _reaches(architecture: Architecture, layer: str, state: dict[str, Tensor]) -> bool:
    depth = layer_indices(architecture)[layer]
    return all(
        f"features.{index - 1}.weight" in state for index in layer_indices(architecture).values() if index <= depth
    )
