"""Make the ONNX files in this folder: python tests/assets/make_assets.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle.model.card import ModelCard
from fststyle.model.file import INPUT_NAME, OPSET, OUTPUT_NAME, write_model

CARD = ModelCard(
    style="identity",
    painting="Nobody, Nothing, 1900",
    network="identity",
    width=1.0,
    loss_network="none",
    recipe={"crop": 256, "layers": ["relu1_2"]},
    steps=0,
    costs={"content": 0.0, "style": 1.5},
    licence="MIT",
    min_side=1,
    created_by="fststyle tests",
)


def picture_model(
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, NDArray[np.generic]] | None = None,
    sides: Sequence[int | str] = ("batch", 3, "height", "width"),
    opset: int = OPSET,
) -> onnx.ModelProto:
    """A graph from `content` to `stylized`, both float32 of shape `sides`."""
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(sides)) for name in (INPUT_NAME, OUTPUT_NAME)
    ]
    initializers = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "network", tensors[:1], tensors[1:], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def gain_model(gain: float = 1.0) -> onnx.ModelProto:
    """Multiplies every channel by a weight; 1 makes it the identity."""
    node = helper.make_node("Mul", [INPUT_NAME, "gain"], [OUTPUT_NAME])
    return picture_model([node], {"gain": np.full((1, 3, 1, 1), gain, np.float32)})


if __name__ == "__main__":
    write_model(Path(__file__).with_name("identity.onnx"), gain_model(), CARD)
