"""The forms that operators had in older opsets: what is an input now was an attribute then."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fststyle.graph.fixed_size import static_shapes
from fststyle.graph.nodes import attribute, set_attributes


class TooOldError(Exception):
    """An opset lacks this operator, or this form of it."""


class Older:
    """What the forms need to know: the opset, constants and shapes. New constants are added to the model.

    Attributes:
        opset: That is written.
        shapes: Of the tensors whose every side is known.
    """

    def __init__(self, model: onnx.ModelProto, opset: int) -> None:
        self.opset = opset
        self.shapes = static_shapes(model)
        self._graph = model.graph
        listed = {value.name for value in model.graph.input}
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name not in listed}

    def constant(self, node: onnx.NodeProto, position: int) -> NDArray[Any] | None:
        """The value of an input; None if there is no such input.

        Raises:
            TooOldError: It is computed, and an attribute cannot be.
        """
        if len(node.input) <= position or not node.input[position]:
            return None
        if node.input[position] not in self._constants:
            raise TooOldError(f"{node.op_type} by what it computes from free sizes (or say --size)")
        return numpy_helper.to_array(self._constants[node.input[position]])

    def add(self, name: str, value: NDArray[Any]) -> str:
        """A new constant; gives its name."""
        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def rank(self, name: str) -> int:
        """How many sides a tensor has.

        Raises:
            TooOldError: Nobody knows.
        """
        if name in self.shapes:
            return len(self.shapes[name])
        for value in (*self._graph.input, *self._graph.value_info, *self._graph.output):
            if value.name == name and value.type.tensor_type.HasField("shape"):
                return len(value.type.tensor_type.shape.dim)
        raise TooOldError(f"a tensor of unknown shape, {name}")


Nodes = list[onnx.NodeProto]


def _set(node: onnx.NodeProto, inputs: int, **attributes: Any) -> Nodes:
    """The node with its first inputs alone, and more attributes."""
    del node.input[inputs:]
    set_attributes(node, **attributes)
    return [node]


def _pad(older: Older, node: onnx.NodeProto) -> Nodes:
    axes = older.constant(node, 3) if older.opset < 18 else None
    if older.opset >= 11 and axes is None:
        return [node]
    pads = older.constant(node, 1)
    if pads is None:
        return [node]
    if axes is not None:
        whole = np.zeros((2, older.rank(node.input[0])), np.int64)
        whole[:, axes] = pads.reshape(2, -1)
        pads = whole.ravel()
    if older.opset >= 11:
        node.input[1] = older.add(f"{node.output[0]}/pads", pads)
        del node.input[3:]
        return [node]
    fill = older.constant(node, 2)
    value = 0.0 if fill is None else float(fill.ravel()[0])
    return _set(node, 1, pads=[int(side) for side in pads], value=value)


def _axes_as_attribute(since: int) -> Callable[[Older, onnx.NodeProto], Nodes]:
    def form(older: Older, node: onnx.NodeProto) -> Nodes:
        axes = older.constant(node, 1) if older.opset < since else None
        return [node] if axes is None else _set(node, 1, axes=[int(axis) for axis in axes.ravel()])

    return form


def _slice(older: Older, node: onnx.NodeProto) -> Nodes:
    if older.opset >= 10:
        return [node]
    starts, ends, axes, steps = (older.constant(node, position) for position in (1, 2, 3, 4))
    if starts is None or ends is None:
        return [node]
    if steps is not None and (steps != 1).any():
        raise TooOldError("Slice with steps")
    named = {} if axes is None else {"axes": [int(axis) for axis in axes]}
    return _set(node, 1, starts=[int(at) for at in starts], ends=[int(at) for at in ends], **named)


def _clip(older: Older, node: onnx.NodeProto) -> Nodes:
    if older.opset >= 11:
        return [node]
    limits = {name: older.constant(node, position) for name, position in (("min", 1), ("max", 2))}
    return _set(node, 1, **{name: float(limit) for name, limit in limits.items() if limit is not None})


def _reshape(older: Older, node: onnx.NodeProto) -> Nodes:
    if older.opset < 14 and attribute(node, "allowzero", 0):
        shape = older.constant(node, 1)
        if shape is None or not shape.all():
            raise TooOldError("Reshape with allowzero")
        node.attribute.remove(next(entry for entry in node.attribute if entry.name == "allowzero"))
    return [node]


def _shape(older: Older, node: onnx.NodeProto) -> Nodes:
    """A part of a shape was cut out by a second operator."""
    if older.opset >= 15 or not node.attribute:
        return [node]
    if older.opset < 10:
        raise TooOldError("free sizes (or say --size)")
    start, end = attribute(node, "start", 0), attribute(node, "end", older.rank(node.input[0]))
    name = node.output[0]
    limits = [older.add(f"{name}/{word}", np.array([at])) for word, at in (("start", start), ("end", end))]
    whole = helper.make_node("Shape", list(node.input), [f"{name}/whole"])
    return [whole, helper.make_node("Slice", [f"{name}/whole", *limits], [name])]


def _resize(older: Older, node: onnx.NodeProto) -> Nodes:
    """Up to opset 10 an enlargement took the nearest pixel above and left, or blended as nobody does any more."""
    if older.opset >= 13:
        return [node]
    if older.opset >= 11:  # inputs that are not given were empty, not missing
        empty = older.add(f"{node.output[0]}/empty", np.zeros(0, np.float32))
        node.input[:] = [name or empty for name in node.input]
        return [node]
    before, after = (older.shapes.get(name) for name in (node.input[0], node.output[0]))
    given = older.constant(node, 2)
    if given is not None and given.size:
        scales = given.astype(np.float32)
    elif before is not None and after is not None:
        scales = np.divide(after, before, dtype=np.float32)
    else:
        raise TooOldError("Resize to a size that is computed")
    if attribute(node, "mode", "nearest") != "nearest" or (scales != np.round(scales)).any() or (scales < 1).any():
        raise TooOldError("Resize by other than whole numbers of nearest pixels")
    if older.opset >= 9:
        kind, inputs = ("Resize" if older.opset == 10 else "Upsample"), [older.add(f"{node.output[0]}/scales", scales)]
        return [helper.make_node(kind, [node.input[0], *inputs], list(node.output), node.name, mode="nearest")]
    factors = [float(scale) for scale in scales]
    return [helper.make_node("Upsample", [node.input[0]], list(node.output), node.name, mode="nearest", scales=factors)]


def _depth_to_space(older: Older, node: onnx.NodeProto) -> Nodes:
    """Channels in the other order first, where `depth_first` could not put them so already."""
    if older.opset >= 11:
        return [node]
    if attribute(node, "mode", "DCR") == "CRD":
        side = attribute(node, "blocksize") ** 2
        channels = older.shapes.get(node.input[0], (0, 0))[1]
        if not channels:
            raise TooOldError("DepthToSpace of an unknown number of channels")
        order = older.add(f"{node.output[0]}/order", np.arange(channels).reshape(-1, side).T.ravel())
        turned = f"{node.output[0]}/turned"
        gather = helper.make_node("Gather", [node.input[0], order], [turned], axis=1)
        plain = helper.make_node(
            "DepthToSpace", [turned], list(node.output), node.name, blocksize=attribute(node, "blocksize")
        )
        return [gather, plain]
    return _set(node, 1, blocksize=attribute(node, "blocksize")) if not node.attribute else _without_mode(node)


def _without_mode(node: onnx.NodeProto) -> Nodes:
    for entry in list(node.attribute):
        if entry.name == "mode":
            node.attribute.remove(entry)
    return [node]


def _quantize(older: Older, node: onnx.NodeProto) -> Nodes:
    """Up to opset 12 a tensor had one scale."""
    if older.opset >= 13:
        return [node]
    scale = older.constant(node, 1)
    if scale is None or scale.size != 1:
        raise TooOldError("8-bit weights with a scale for each channel")
    for entry in list(node.attribute):
        if entry.name == "axis":
            node.attribute.remove(entry)
    return [node]


FORMS: dict[str, Callable[[Older, onnx.NodeProto], Nodes]] = {
    "Pad": _pad,
    "Slice": _slice,
    "Clip": _clip,
    "Reshape": _reshape,
    "Shape": _shape,
    "Resize": _resize,
    "DepthToSpace": _depth_to_space,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _quantize,
    **{name: _axes_as_attribute(13) for name in ("Squeeze", "Unsqueeze", "ReduceSum")},
    **{
        name: _axes_as_attribute(18)
        for name in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "ReduceSumSquare")
    },
}
"""By operator; gives the nodes that take its place. Raises TooOldError where there are none."""
