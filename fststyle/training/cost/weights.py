"""Where the loss network's weights come from: a local file, the package, the cache, or torchvision's server (once).

VGG-19 ships up to relu4_1, rounded to 8 bits (`byte_weights.py`). Deeper layers, and activations on torchvision's
scale, come from torchvision's file.

Not about what they are loaded into: `loss_network.py` checks names and shapes.
"""

import tempfile
import urllib.error
from collections.abc import Collection
from pathlib import Path
from typing import Literal, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torchvision.models import VGG16_Weights, VGG19_Weights

from fststyle.errors import WeightsError
from fststyle.system.cache import cache_folder
from fststyle.system.files import atomic_write, reason_of
from fststyle.training.cost.byte_weights import SCALE, from_bytes
from fststyle.training.safe_load import BrokenFileError, safe_load

Distilled = Literal["slim", "medium"]
DISTILLED: tuple[Distilled, ...] = get_args(Distilled)
"""Small loss networks that imitate VGG-19 (`distill/`)."""
TAUGHT_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
"""The layers at which they were trained to match VGG-19; others are unspecified."""

Shipped = Literal["slim", "medium", "vgg19"]

_TORCHVISION = {"vgg16": VGG16_Weights.IMAGENET1K_V1, "vgg19": VGG19_Weights.IMAGENET1K_V1}


def shipped_file(network: Shipped) -> Path:
    """The file of a loss network that ships; the .md beside it is its card."""
    return Path(__file__).with_name(f"{network}.safetensors")


def load_state(
    architecture: str, weights: Path | None, needed: Collection[str] | None = None
) -> tuple[dict[str, Tensor], str]:
    """The state dict of a loss network, and the name of its source for messages.

    Args:
        architecture: Which network.
        weights: A local file; none takes the package's, the cache's or torchvision's.
        needed: Names of tensors that will be read. If the VGG-19 that ships has all of them, it is taken instead of
            torchvision's. Its activations are on Caffe's scale, so None asks for torchvision's.

    Raises:
        WeightsError: If there is no such file, it cannot be read, or nothing can be downloaded.
    """
    if weights is not None:
        return _read(weights), weights.name
    if architecture in DISTILLED:
        file = shipped_file(architecture)
        return _read(file), file.name
    if architecture == "vgg19" and needed is not None:
        file = shipped_file("vgg19")
        state = _read(file)
        if set(needed) <= set(state):
            return state, file.name
    cached = cache_folder() / f"{architecture}_conv.safetensors"
    if not cached.exists():
        _download(architecture, cached)
    return _read(cached), cached.name


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(f"no weights file at {path}; check the path given as --weights")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else safe_load(path)
    except (SafetensorError, BrokenFileError, OSError) as error:
        raise WeightsError(
            f"{path.name} is not a readable state dict; give a whole .safetensors or .pth file of tensors only"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise WeightsError(f"{path.name} is not a state dict of tensors; save one with torch.save(net.state_dict(), …)")
    return from_bytes(state) if any(name.endswith(SCALE) for name in state) else state


def _download(architecture: str, cached: Path) -> None:
    """Fetch torchvision's file (over 500 MB), keep the convolutions (under 80 MB), throw the classifier away."""
    url = _TORCHVISION[architecture].url
    with tempfile.TemporaryDirectory(prefix="fststyle-") as folder:
        try:
            state = torch.hub.load_state_dict_from_url(
                url, model_dir=folder, map_location="cpu", check_hash=True, weights_only=True
            )
        except (urllib.error.URLError, OSError, RuntimeError) as error:
            raise WeightsError(
                f"cannot download the weights of {architecture} ({error}); go online once, or fetch {url} on another "
                "machine and give the file as --weights, or take medium as the loss network, which ships"
            ) from error
    convolutions = {name: tensor for name, tensor in state.items() if name.startswith("features.")}
    try:
        atomic_write(cached, save(convolutions))
    except OSError as error:
        raise WeightsError(
            f"cannot keep the weights of {architecture} in {cached.parent} ({reason_of(error)}); make room for 80 MB, "
            "or name another folder by FSTSTYLE_CACHE"
        ) from error
