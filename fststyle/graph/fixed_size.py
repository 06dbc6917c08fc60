"""A network for one size of picture: everything that is computed from the size becomes a constant.

Converters to other formats, and runtimes of phones and games, often need that.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from fststyle.graph.folding import fold
from fststyle.graph.nodes import attribute, needed
from fststyle.model.checks import image_ends, require_form, shape_of

# What is left out where it gives back what it gets.
_MOVING = {"Pad", "Slice", "Reshape", "Identity"}


def at_size(model: onnx.ModelProto, height: int, width: int, controls: set[str]) -> onnx.ModelProto:
    """The same network for one picture of `height` by `width` pixels; the shapes of all its tensors are noted.

    Args:
        model: Its nodes are in an order in which they can be computed.
        height: Of the picture, in pixels.
        width: Likewise.
        controls: Inputs with a default.

    Raises:
        ModelFileError: It has no picture as its input, or onnxruntime cannot compute a constant.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    (content,), (stylized,) = image_ends(made.graph)
    for value in (content, stylized):
        last = require_form(value).channels_last
        sides = (1, height, width, 3) if last else (1, 3, height, width)
        del value.type.tensor_type.shape.dim[:]
        for side in sides:
            value.type.tensor_type.shape.dim.add().dim_value = side
    while True:
        _note_shapes(made)
        if not _fold_shapes(made, controls):
            break
    _leave_out_idle(made)
    _note_shapes(made)
    return made


def static_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors of which the file tells every side."""
    graph = model.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    known = {value.name: shape_of(value) for value in values if value.type.tensor_type.HasField("shape")}
    shapes = {name: tuple(side for side in shape if side is not None) for name, shape in known.items()}
    shapes = {name: shape for name, shape in shapes.items() if len(shape) == len(known[name])}
    return shapes | {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}


def _note_shapes(model: onnx.ModelProto) -> None:
    """What inference finds; what an exporter noted of free sizes is not true any more."""
    del model.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    model.graph.value_info.extend(inferred.graph.value_info)


def _fold_shapes(model: onnx.ModelProto, controls: set[str]) -> bool:
    """Put values in the place of shapes that are known, and of what follows from them; False if there are none."""
    graph = model.graph
    shapes = static_shapes(model)
    found = [node for node in graph.node if node.op_type == "Shape" and node.input[0] in shapes]
    for node in found:
        whole = shapes[node.input[0]]
        value = np.array(whole[attribute(node, "start", 0) : attribute(node, "end", len(whole))], np.int64)
        graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
        graph.node.remove(node)
    if found:
        fold(model, controls)
    return bool(found)


def _leave_out_idle(model: onnx.ModelProto) -> None:
    """Leave out what pads by nothing, or cuts off nothing, at this size."""
    graph = model.graph
    shapes = static_shapes(model)
    ends = {value.name for value in (*graph.input, *graph.output)}
    renamed: dict[str, str] = {}
    for node in list(graph.node):
        node.input[:] = [renamed.get(name, name) for name in node.input]
        before, after = node.input[:1], node.output[0]
        if node.op_type not in _MOVING or after in ends or len(before) != 1:
            continue
        if before[0] in shapes and shapes[before[0]] == shapes.get(after) and _keeps_order(model, node):
            renamed[after] = before[0]
            graph.node.remove(node)
    kept = needed(list(graph.node), {value.name for value in graph.output})
    used = {name for node in kept for name in node.input} | ends
    constants = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(constants)


def _keeps_order(model: onnx.ModelProto, node: onnx.NodeProto) -> bool:
    """Of a node that keeps the shape: a pad may move a picture, and a slice turn it around."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def value(position: int) -> np.ndarray | None:
        name = node.input[position] if len(node.input) > position else ""
        return numpy_helper.to_array(constants[name]) if name in constants else None

    if node.op_type == "Pad":
        pads = value(1)
        return pads is not None and not pads.any()
    if node.op_type == "Slice":
        steps = value(4)
        return len(node.input) < 5 or (steps is not None and bool((steps == 1).all()))
    return True
