"""Constant folding: what depends on constants alone is computed once, in onnxruntime."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from fststyle.errors import ModelFileError
from fststyle.model.devices import ORT_ERRORS, open_session, reason

# A quantized weight must stay quantized.
_NEVER_FOLDED = {"QuantizeLinear", "DequantizeLinear"}


def fold(model: onnx.ModelProto, controls: set[str]) -> None:
    """Put values in the place of nodes that depend on constants alone, and drop constants that nobody reads.

    Args:
        model: Changed in place; its nodes are in an order in which they can be computed.
        controls: Inputs with a default. A default is no constant.

    Raises:
        ModelFileError: onnxruntime cannot compute a value.
    """
    graph = model.graph
    fixed, kept = _split(graph, controls)
    used = {name for node in kept for name in node.input}
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    values |= _computed(model, fixed, sorted(used & {name for node in fixed for name in node.output}))
    for repeated in (graph.node, graph.initializer, graph.value_info):
        del repeated[:]
    graph.node.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items() if name in used)


def constants_of(model: onnx.ModelProto, controls: set[str]) -> dict[str, NDArray[Any]]:
    """The values of a folded model's initializers by name, without the defaults of its controls."""
    return {
        tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name not in controls
    }


def _split(graph: onnx.GraphProto, controls: set[str]) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    """Nodes that depend on constants alone, and the others."""
    fixed, kept = [], []
    known = {tensor.name for tensor in graph.initializer} - controls
    outputs = {value.name for value in graph.output}
    for node in graph.node:
        foldable = node.op_type not in _NEVER_FOLDED and outputs.isdisjoint(node.output)
        if foldable and known.issuperset(name for name in node.input if name):
            fixed.append(node)
            known.update(node.output)
        else:
            kept.append(node)
    return fixed, kept


def _computed(model: onnx.ModelProto, nodes: list[onnx.NodeProto], wanted: list[str]) -> dict[str, NDArray[Any]]:
    """The values of some of the nodes' outputs."""
    if not wanted:
        return {}
    part = onnx.ModelProto()
    part.CopyFrom(model)
    for repeated in (part.graph.node, part.graph.input, part.graph.output, part.graph.value_info):
        del repeated[:]
    part.graph.node.extend(nodes)
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    try:
        values = open_session(part.SerializeToString()).run(wanted, {})
    except ORT_ERRORS as error:
        raise ModelFileError(
            f"onnxruntime cannot compute the constants of this network ({reason(error)}); export it again"
        ) from error
    return dict(zip(wanted, map(np.asarray, values), strict=True))
