"""How a network's weights start: from the base, another style's checkpoint or exported file, or at random."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import Tensor, nn

from fststyle.errors import ModelFileError, TrainingError
from fststyle.model.file import read_model
from fststyle.model.gallery import find_network, is_network
from fststyle.predict.new_style import predicted_graph, predicted_network
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.networks.bases import STAND_INS, load_base
from fststyle.training.networks.exported import state_in
from fststyle.training.networks.strength import plain_state

PREDICTED = "predicted"
"""As a start: the network that `fststyle new` makes of the painting."""


def warm_start(net: nn.Module, network: str, width: float, init: str, painting: NDArray[np.uint8] | None = None) -> str:
    """Give a network the weights that it begins with.

    Args:
        net: Freshly initialized; changed in place.
        network: Its name.
        width: Its factor on the channel counts.
        init: "predicted"; "base"; "none"; a checkpoint; an exported network, a file or the name of one that ships.
        painting: (H, W, 3), as it is looked at; "predicted" needs it.

    Returns:
        What it begins with, without a path: "predicted", "base", "none", "checkpoint", or the name of the exported
        file. Without a predictor for this network and width, it is the base; without a base, the network that stands
        in for it, or nothing.

    Raises:
        FststyleError: `init` is missing, broken, not ours, of another network or width, or cannot be fetched.
    """
    if init == "none":
        return init
    if init == PREDICTED and painting is not None and (network, width) == predicted_network():
        graph, _ = predicted_graph(painting)
        net.load_state_dict(state_in(net, graph.graph))
        return init
    if init in (PREDICTED, "base"):
        if load_base(net, network, width):
            return "base"
        stand_in = STAND_INS.get(network) if width == 1 else None
        if stand_in is None or not is_network(stand_in):
            return "none"
        try:
            path = find_network(Path(stand_in))
        except ModelFileError as error:
            raise TrainingError(f"{error}; or start from nothing with --init none") from error
    else:
        path = find_network(Path(init))
    if path.suffix == ".onnx":
        _load(net, exported_state(net, path, network, width), path)
        return path.name
    checkpoint = read_checkpoint(path)
    _require(path, (checkpoint.network, checkpoint.width), (network, width))
    _load(net, plain_state(dict(checkpoint.state)), path)
    return "checkpoint"


def exported_state(net: nn.Module, path: Path, network: str, width: float) -> dict[str, Tensor]:
    """The state that a network like `net` had when it was exported to `path`; other arguments as for `warm_start`.

    Raises:
        FststyleError: The file is broken, foreign, not in float32, or of another network or width.
    """
    file = read_model(path)
    if file.card is None:
        raise TrainingError(f"{path.name} was not made by fststyle, so no training can start from it; leave out --init")
    _require(path, (file.card.network, file.card.width), (network, width))
    if file.card.precision != "fp32":
        raise TrainingError(f"{path.name} is {file.card.precision}; start from the network that it was made of")
    return state_in(net, onnx.load_model_from_string(file.data).graph)


def _require(path: Path, found: tuple[str, float], wanted: tuple[str, float]) -> None:
    if found != wanted:
        raise TrainingError(
            f"{path.name} holds {found[0]} at width {found[1]:g}, not {wanted[0]} at {wanted[1]:g}; "
            "set --network and --width to match, or give another --init"
        )


def _load(net: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise TrainingError(
            f"{path.name} does not hold all weights of this network, as it is built today; give another --init, best a "
            "checkpoint"
        ) from error
