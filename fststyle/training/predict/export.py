"""From a trained predictor to the two files that the runtime has: the predictor, and the body for its numbers."""

import hashlib
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from fststyle.graph.style_numbers import style_numbers
from fststyle.model.card import ModelCard
from fststyle.model.file import write_model
from fststyle.system.files import atomic_write
from fststyle.training.export import compare_with_torch, export_network, traced
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net
from fststyle.training.predict.predicted_net import PredictedNet, Predictor
from fststyle.training.predict.style_vector import FARTHEST, StyleVector

# Traced with unequal sides: equal ones would be frozen into the graph as one.
_TRACED = (1, 96, 128, 3)

# Smaller tensors stay in float32: rounding them would save nothing.
_LARGE = 1000

_LEVELS = 127


class _Looking(nn.Module):
    """A painting's bytes to its numbers, in the order of a body's file, and to how strange it is."""

    def __init__(self, vectors: StyleVector, predictor: Predictor, order: Tensor) -> None:
        super().__init__()
        self.vectors, self.predictor = vectors, predictor
        self.order: Tensor
        self.register_buffer("order", order)

    def forward(self, painting: Tensor) -> tuple[Tensor, Tensor]:
        """(1, H, W, 3) uint8 to (1, N) and (1,)."""
        vector = self.vectors(painting.permute(0, 3, 1, 2).float() / 255)
        strangeness = (vector.abs() >= FARTHEST).float().mean(dim=1)
        return self.predictor(vector)[:, self.order], strangeness


def plain_net(net: PredictedNet, network: NetworkName) -> nn.Module:
    """The body with the numbers that every painting begins with, as a network of its own."""
    plain = build_transformer_net(network)
    middle = cast(nn.Linear, net.predictor.layers[-1]).bias.detach()[None]
    state = {name: tensor for name, tensor in net.net.state_dict().items() if not name.endswith((".gain", ".shift"))}
    renamed = {name.replace(".last.conv.", ".conv."): tensor for name, tensor in state.items()}
    for name, values in net.by_name(middle).items():
        place, _, part = name.rpartition(".")
        renamed[f"{place}.{_PARTS[part]}"] = values[0]
    plain.load_state_dict({name: renamed[name] for name in plain.state_dict()})
    return plain.eval()


_PARTS = {"gain": "weight", "shift": "bias", "bias": "conv.bias"}


def order_in_file(net: PredictedNet, body: onnx.ModelProto) -> Tensor:
    """Where in the predictor's numbers each of a body's file's comes from; the last bias stands there four times."""
    starts, places = 0, {}
    for name, size in net.slots:
        place, _, part = name.rpartition(".")
        in_file = f"{place}.bias" if part == "bias" else f"{place}.{_PARTS[part]}"
        places[in_file] = torch.arange(starts, starts + size)
        starts += size
    return torch.cat(
        [
            places[name].repeat_interleave(len(values) // len(places[name]))
            for name, values in style_numbers(body).items()
        ]
    )


def export_predictor(
    net: PredictedNet, vectors: StyleVector, network: NetworkName, card: ModelCard, folder: Path
) -> None:
    """Write `predictor.onnx` and `body.onnx`.

    Args:
        net: The trained one.
        vectors: What it was trained with.
        network: The body's name.
        card: Of the body; the networks that are made of it inherit it.
        folder: Where to.

    Raises:
        ModelFileError: The body in ONNX does not paint what torch paints.
    """
    plain = plain_net(net.eval(), network)
    body = export_network(plain)
    compare_with_torch(body, plain)
    height, width = (torch.export.Dim(name) for name in ("height", "width"))
    program = traced(
        _Looking(vectors, net.predictor, order_in_file(net, body)).eval(),
        (torch.randint(256, _TRACED, dtype=torch.uint8),),
        ["painting"],
        ["numbers", "strangeness"],
        ({1: height, 2: width},),
    )
    del program.graph.value_info[:]
    _in_bytes(program)
    data = program.SerializeToString(deterministic=True)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / "predictor.onnx", data)
    digest = hashlib.sha256(data).hexdigest()[:12]
    card.recipe["predictor"] = digest
    write_model(folder / "body.onnx", body, card)


def _in_bytes(model: onnx.ModelProto) -> None:
    """Store large weights in 8 bits, with a scale for each row; opened, they are float32 again."""
    read = []
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < _LARGE:
            continue
        rows = values.reshape(len(values), -1)
        scale = np.maximum(np.abs(rows).max(axis=1), np.finfo(np.float32).tiny) / _LEVELS
        levels = np.round(rows / scale[:, None]).astype(np.int8).reshape(values.shape)
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(levels, f"{name}_levels"))
        model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
        read.append(helper.make_node("DequantizeLinear", [f"{name}_levels", f"{name}_scale"], [name], axis=0))
    nodes = [*read, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
