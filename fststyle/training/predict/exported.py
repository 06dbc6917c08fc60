"""The predictor and its body, read back out of their two files: a training can go on without its checkpoint."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from fststyle.errors import TrainingError
from fststyle.model.file import read_model
from fststyle.training.networks.exported import state_in
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net
from fststyle.training.predict.predicted_net import PredictedNet
from fststyle.training.predict.style_vector import LAYERS, StyleVector

PREDICTOR, BODY = "predictor.onnx", "body.onnx"


def load_vectors(vectors: StyleVector, folder: Path) -> None:
    """Look at paintings as the predictor of this folder does: with its trunk, its directions and its standardization.

    Raises:
        TrainingError: The folder has no predictor, or one of other statistics.
    """
    model = _predictor(folder)
    values = _constants(model)
    # Exporters keep no name for a matrix that is multiplied from the left; there is one for each layer, in order.
    lefts = [node.input[0] for node in model.graph.node if node.op_type == "MatMul" and node.input[0] in values]
    found = {name.removeprefix("vectors."): value for name, value in values.items() if name.startswith("vectors.")}
    found |= {f"directions.{layer}": values[name].mT for layer, name in zip(LAYERS, lefts, strict=False)}
    own = vectors.state_dict()
    # What the trunk is judged through as a loss network is in no predictor, and stays.
    wanted = [name for name in own if not name.startswith("trunk.readouts.")]
    try:
        vectors.load_state_dict(own | {name: found[name] for name in wanted})
    except (KeyError, RuntimeError) as error:
        raise TrainingError(f"{folder / PREDICTOR} looks at paintings in another way; begin without --start") from error


def read_net(network: NetworkName, vector_size: int, folder: Path) -> PredictedNet:
    """The network in training, as it was when the files of this folder were written; the predictor within 8 bits.

    Raises:
        FststyleError: A file is missing or broken, of another network, or the two are of two trainings.
    """
    predictor, body = _predictor(folder), read_model(folder / BODY)
    digest = hashlib.sha256((folder / PREDICTOR).read_bytes()).hexdigest()[:12]
    if body.card is None or body.card.recipe.get("predictor") != digest:
        raise TrainingError(f"{PREDICTOR} and {BODY} in {folder} are of two trainings; take both from one")
    plain = build_transformer_net(network)
    try:
        plain.load_state_dict(state_in(plain, onnx.load_model_from_string(body.data).graph))
        net = PredictedNet(plain, vector_size)
        values = _constants(predictor)
        net.predictor.load_state_dict({name: values[f"predictor.{name}"] for name in net.predictor.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise TrainingError(
            f"the files in {folder} are of another network than {network}; begin without --start"
        ) from error
    return net


def _predictor(folder: Path) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string((folder / PREDICTOR).read_bytes())
    except OSError as error:
        raise TrainingError(
            f"cannot read {folder / PREDICTOR}; --start takes a run's folder, or one of its files"
        ) from error


def _constants(model: onnx.ModelProto) -> dict[str, Tensor]:
    """What is stored in a graph, and what it makes of levels of 8 bits."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            levels, scale = (stored[name] for name in node.input)
            stored[node.output[0]] = _in_rows(levels, scale)
    return {name: torch.tensor(values) for name, values in stored.items()}


def _in_rows(levels: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    return levels.astype(np.float32) * scale.reshape(-1, *[1] * (levels.ndim - 1))
