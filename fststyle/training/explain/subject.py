"""The subject of the page: a painting, a picture to compare it with, and the loss network.

Everything is computed on central squares of one size, so that numbers of different pictures can be compared.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fststyle.pictures.files import read_picture, resize
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, load_loss_network
from fststyle.training.cost.weights import DISTILLED
from fststyle.training.tensors import reference_photos, unit_range

Pixels = NDArray[np.uint8]

# Sides are multiples of this, so that blocks of every power of two up to it fill a square.
_GRAIN = 32

# Patches are cut from the painting at up to this many times the side at which the network sees it.
_FINE = 4


@dataclass(frozen=True)
class Square:
    """The middle square of a picture.

    Attributes:
        name: The file's, without folder and suffix.
        rgb: As the loss network sees it, (side, side, 3).
        fine: The same in as much detail as the file has, up to four times the side.
        whole: The whole picture, for show.
        features: Activations, {layer: (1, C, H, W)}.
    """

    name: str
    rgb: Pixels
    fine: Pixels
    whole: Pixels
    features: dict[str, Tensor]

    @property
    def image(self) -> Tensor:
        """(1, 3, side, side) in [0, 1]."""
        return unit_range(self.rgb)


def load_network(cost: Cost) -> LossNetwork:
    """The loss network of a cost, down to the deepest of its content and style layers, normalized as in training.

    Raises:
        ValueError: If a layer is unknown, or the cost's network is a distilled one: readouts are no channels that fire.
        WeightsError: If the weights are missing or do not fit.
    """
    if cost.architecture in DISTILLED:
        raise ValueError(f"{cost.architecture} has no channels of its own to look at; use --loss-network vgg19")
    return load_loss_network(cost, reference_photos()).to(memory_format=torch.channels_last)


def fitting_side(path: Path, side: int) -> int:
    """The largest side up to `side` that a picture file has without being enlarged, in steps of 32 pixels.

    Raises:
        ImageError: If the picture cannot be read.
    """
    side = min(side, *read_picture(path).rgb.shape[:2])
    return side - side % _GRAIN if side >= _GRAIN else side


def load_square(network: LossNetwork, path: Path, side: int) -> Square:
    """Read a picture, cut out its middle square and look at it.

    Raises:
        ImageError: If the picture cannot be read.
        ValueError: If the square is too small for the deepest layer.
    """
    whole = read_picture(path).rgb
    height, width = whole.shape[:2]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    square = np.ascontiguousarray(whole[top : top + shorter, left : left + shorter])
    rgb = resize(square, side, side)
    fine_side = max(side, min(shorter, _FINE * side))
    with torch.no_grad():
        try:
            features = network(unit_range(rgb))
        except ValueError as error:
            raise ValueError(f"{path.name}, cut and scaled to {side}×{side}: {error}, or a larger --size") from error
    return Square(path.stem, rgb, resize(square, fine_side, fine_side), whole, features)
