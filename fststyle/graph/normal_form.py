"""Normalizing graphs of other exporters: current operators, and channels first."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import onnx
from onnx.version_converter import convert_version

from fststyle.graph.nodes import set_attributes
from fststyle.model.devices import ORT_ERRORS, open_session

LEAST_OPSET = 13
"""Of the standard operators: older ones cannot quantize a convolution channel by channel."""

# What TensorFlow needed a name of its own for, until opset 13 called it obsolete.
_TF_NEAREST = {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"}
_NEAREST = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}

# Before opset 11 an enlargement had one way to find its pixels, which has this name now.
_OLD_RESIZE = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}

_TO_PLANES, _TO_ROWS = [0, 3, 1, 2], [0, 2, 3, 1]


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the standard operators."""
    return max((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), default=1)


def upgraded(model: onnx.ModelProto) -> onnx.ModelProto:
    """With operators of `LEAST_OPSET` or newer; the model itself if onnx cannot translate one of them."""
    opset = opset_of(model)
    if opset >= LEAST_OPSET:
        return model
    newer = onnx.ModelProto()
    newer.CopyFrom(model)
    # From version 4 of the format on, weights need not be inputs, and the converter would lose those that are.
    newer.ir_version = max(newer.ir_version, 8)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del newer.graph.input[:]
    newer.graph.input.extend(inputs)
    try:
        newer = convert_version(newer, LEAST_OPSET)
    except (RuntimeError, ValueError):
        return model
    for node in newer.graph.node:
        if node.op_type == "Resize" and opset < 11:
            set_attributes(node, **_OLD_RESIZE)
        elif node.op_type == "Resize" and _attributes(node, _TF_NEAREST) == _TF_NEAREST:
            set_attributes(node, **_NEAREST)
    return newer


def _attributes(node: onnx.NodeProto, names: Iterable[str]) -> dict[str, str]:
    return {entry.name: entry.s.decode() for entry in node.attribute if entry.name in names}


def in_planes(model: onnx.ModelProto) -> onnx.ModelProto:
    """With as few turns from rows of pixels to planes, and back, as onnxruntime's optimizer can do with.

    A network of Keras has them around every convolution, and between them nothing is in the order that convolutions
    have it in. Only those at the two ends have to stay.
    """
    turns = [node for node in model.graph.node if _turns(node)]
    kinds = {value.type.tensor_type.elem_type for value in model.graph.input}
    if len(turns) <= 2 or kinds != {onnx.TensorProto.FLOAT}:
        return model
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch, "planes.onnx")
        try:
            open_session(model.SerializeToString(), optimized=written)
        except ORT_ERRORS:
            return model
        made = onnx.load(written)
    domains = {node.domain for node in made.graph.node}
    if domains - {"", "ai.onnx"}:
        return model
    kept = [entry for entry in made.opset_import if entry.domain in {"", "ai.onnx"}]
    del made.opset_import[:]
    made.opset_import.extend(kept)
    return made


def _turns(node: onnx.NodeProto) -> bool:
    return node.op_type == "Transpose" and any(list(entry.ints) in (_TO_PLANES, _TO_ROWS) for entry in node.attribute)
