"""Channels that become pixels, in the order that converters know.

torch's pixel shuffle reads the channels of a pixel block one after the other ("CRD"); CoreML and operators before opset
11 read the blocks one after the other ("DCR"). A convolution before it can put its channels in either order, for
nothing.
"""

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

from fststyle.graph.nodes import attribute

# What works on every channel by itself, and which of its inputs have a value a channel.
_BY_CHANNEL: dict[str, tuple[int, ...]] = {
    "Relu": (),
    "LeakyRelu": (),
    "InstanceNormalization": (1, 2),
    "QuantizeLinear": (),
    "DequantizeLinear": (),
}


def depth_first(model: onnx.ModelProto) -> None:
    """Put the order into the convolution before each `DepthToSpace`, in place, where one is directly before it."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(value.name for value in graph.output)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "DepthToSpace" or attribute(node, "mode", "DCR") != "CRD":
            continue
        by_channel = _parameters(node, makers, readers, constants)
        if by_channel is None:
            continue
        block = attribute(node, "blocksize") ** 2
        for holder, position in by_channel:
            tensor = constants[holder.input[position]]
            values = numpy_helper.to_array(tensor)
            order = np.arange(len(values)).reshape(-1, block).T.ravel()
            turned = numpy_helper.from_array(np.ascontiguousarray(values[order]), f"{node.name}/{tensor.name}")
            graph.initializer.append(turned)
            constants[turned.name] = turned
            holder.input[position] = turned.name
        for entry in node.attribute:
            if entry.name == "mode":
                entry.CopyFrom(helper.make_attribute("mode", "DCR"))
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _parameters(
    node: onnx.NodeProto,
    makers: dict[str, onnx.NodeProto],
    readers: Counter[str],
    constants: dict[str, onnx.TensorProto],
) -> list[tuple[onnx.NodeProto, int]] | None:
    """The inputs that hold a value for each channel, back to the convolution; None if there is none to turn."""
    found: list[tuple[onnx.NodeProto, int]] = []
    while True:
        before = makers.get(node.input[0])
        if before is None or readers[node.input[0]] != 1:
            return None
        node = before
        if node.op_type == "Conv":
            break
        if node.op_type not in _BY_CHANNEL:
            return None
        positions = _BY_CHANNEL[node.op_type]
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and constants[node.input[1]].dims:
            return None
        found += [(node, position) for position in positions]
    if attribute(node, "group", 1) != 1:
        return None
    for position in range(1, len(node.input)):
        stored = makers.get(node.input[position])
        if stored is None:
            found.append((node, position))
        elif stored.op_type == "DequantizeLinear" and readers[node.input[position]] == 1:
            found += [(stored, at) for at in range(len(stored.input)) if _has_channels(stored, at, constants)]
        else:
            return None
    return found if all(holder.input[position] in constants for holder, position in found) else None


def _has_channels(stored: onnx.NodeProto, position: int, constants: dict[str, onnx.TensorProto]) -> bool:
    """Whether an input of a `DequantizeLinear` is more than one number for all."""
    return stored.input[position] not in constants or bool(constants[stored.input[position]].dims)
