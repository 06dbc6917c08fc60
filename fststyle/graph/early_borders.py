"""Borders are cut off before the last convolutions instead of after them.

A network of ours paints on a mirrored border and cuts it off at the end. The last convolutions need little of it, and
where it is cut off before them, they need no mirrored borders of their own: what lies there is there. The picture is
the same.
"""

from collections import Counter

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fststyle.graph.nodes import attribute, sort_nodes

_POINTWISE = {"Relu", "QuantizeLinear", "DequantizeLinear"}
_ONE_AROUND = [0, 0, 1, 1, 0, 0, 1, 1]


def cut_borders_early(model: onnx.ModelProto, content: str, stylized: str) -> bool:
    """Rewrite a model that ends in channels that become pixels, in place; False if there is nothing to rewrite.

    Args:
        model: Of float32 pixels, (batch, 3, height, width).
        content: The picture that it takes.
        stylized: The picture that it gives.
    """
    reader = _Reader(model)
    tail = reader.tail(stylized)
    border = reader.border(content)
    if tail is None or border is None:
        return False
    slices, pixels = tail
    place, pads = reader.last_convolutions(pixels)
    block = attribute(pixels, "blocksize")
    cut = reader.cut(slices)
    if not pads or border % block or border < block * len(pads) or cut is None:
        return False
    if any(start != border for start, _ in cut.values()):
        return False
    _leave_out(model, pads)
    _cut(model, place, slices, [cut[2][1], cut[3][1]], (border, block, len(pads)))
    return True


class _Reader:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._reads = Counter(name for node in model.graph.node for name in node.input)
        self._reads.update(value.name for value in model.graph.output)
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def border(self, content: str) -> int | None:
        """How many pixels are mirrored on each side of the picture at first."""
        pads = [self._value(node, 1) for node in self._graph.node if node.op_type == "Pad" and node.input[0] == content]
        found = None if len(pads) != 1 or pads[0] is None else pads[0].tolist()
        return int(found[2]) if found is not None and found == [0, 0, *found[2:3] * 2] * 2 else None

    def tail(self, stylized: str) -> tuple[list[onnx.NodeProto], onnx.NodeProto] | None:
        """What cuts off borders at the end, and what makes pixels of channels before."""
        node = self._makers.get(stylized)
        if node is None or node.op_type != "Sigmoid":
            return None
        slices: list[onnx.NodeProto] = []
        node = self._before(node)
        while node is not None and node.op_type == "Slice":
            slices.append(node)
            node = self._before(node)
        if node is not None and node.op_type == "DequantizeLinear":
            node = self._before(node)
        return None if node is None or node.op_type != "DepthToSpace" else (slices, node)

    def cut(self, slices: list[onnx.NodeProto]) -> dict[int, tuple[int, str]] | None:
        """For rows, axis 2, and columns, axis 3, where the picture begins, and the tensor that tells its end."""
        found = {}
        for node in slices:
            start, axis = self._number(node, 1), self._number(node, 3)
            if start is None or axis is None or (len(node.input) > 4 and self._number(node, 4) != 1):
                return None
            found[axis] = (start, str(node.input[2]))
        return found if sorted(found) == [2, 3] and len(slices) == 2 else None

    def last_convolutions(self, pixels: onnx.NodeProto) -> tuple[str, list[onnx.NodeProto]]:
        """The tensor from which only convolutions with a border of one position lead to the pixels; their borders."""
        pads: list[onnx.NodeProto] = []
        place, node, padded = pixels.input[0], self._before(pixels), True
        while node is not None:
            if node.op_type == "Conv" and padded and self._is_plain(node):
                padded = False
            elif node.op_type == "Pad" and not padded and self._is_around(node):
                padded = True
                pads.append(node)
            elif node.op_type not in _POINTWISE:
                break
            place = node.input[0] if padded and pads else place
            node = self._before(node)
        return place, pads

    def _before(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """What makes a node's first input, if only this node reads that."""
        return self._makers.get(node.input[0]) if self._reads[node.input[0]] == 1 else None

    def _is_plain(self, node: onnx.NodeProto) -> bool:
        """Whether it is a 3×3 convolution without a border of its own."""
        plain = not any(attribute(node, "pads", [0])) and attribute(node, "auto_pad", "NOTSET") in {"NOTSET", "VALID"}
        steps = {*attribute(node, "strides", [1]), *attribute(node, "dilations", [1])}
        return plain and steps == {1} and list(attribute(node, "kernel_shape", [])) == [3, 3]

    def _is_around(self, node: onnx.NodeProto) -> bool:
        pads = self._value(node, 1) if len(node.input) < 4 else None
        mirrors = attribute(node, "mode", "constant") in {"reflect", "edge"}
        return mirrors and pads is not None and pads.tolist() == _ONE_AROUND

    def _number(self, node: onnx.NodeProto, position: int) -> int | None:
        value = self._value(node, position)
        return None if value is None or value.size != 1 else int(value.item())

    def _value(self, node: onnx.NodeProto, position: int) -> NDArray[np.generic] | None:
        name = node.input[position] if len(node.input) > position else ""
        return numpy_helper.to_array(self._constants[name]) if name in self._constants else None


def _leave_out(model: onnx.ModelProto, pads: list[onnx.NodeProto]) -> None:
    graph = model.graph
    for pad in pads:
        graph.node.remove(pad)
        for node in graph.node:
            node.input[:] = [pad.input[0] if name == pad.output[0] else name for name in node.input]


def _cut(
    model: onnx.ModelProto, place: str, slices: list[onnx.NodeProto], ends: list[str], sizes: tuple[int, int, int]
) -> None:
    """Cut off a border before the last convolutions, and at the end what blocks are too large by.

    Args:
        model: Changed in place.
        place: The tensor that is cut.
        slices: What cuts off rows and columns at the end.
        ends: The tensors that tell the ends of rows and of columns.
        sizes: Of the border and of blocks, in pixels, and how many blocks of the border the convolutions need.
    """
    graph = model.graph
    border, block, around = sizes
    numbers = {
        "border": [border],
        "most": [block - 1],
        "block": [block],
        "around": [around],
        "starts": [border // block - around] * 2,
        "axes": [2, 3],
        "zero": [0],
    }
    at = {name: f"early/{name}" for name in (*numbers, "ends", "whole", "blocks", "last", "cut")}
    for node in graph.node:
        node.input[:] = [at["cut"] if name == place else name for name in node.input]
    for node in slices:
        end = f"early/{node.output[0]}/end"
        graph.node.append(helper.make_node("Sub", [node.input[2], at["border"]], [end]))
        node.input[1], node.input[2] = at["zero"], end
    graph.node.extend(
        [
            helper.make_node("Concat", ends, [at["ends"]], axis=0),
            helper.make_node("Add", [at["ends"], at["most"]], [at["whole"]]),
            helper.make_node("Div", [at["whole"], at["block"]], [at["blocks"]]),
            helper.make_node("Add", [at["blocks"], at["around"]], [at["last"]]),
            helper.make_node("Slice", [place, at["starts"], at["last"], at["axes"]], [at["cut"]]),
        ]
    )
    graph.initializer.extend(numpy_helper.from_array(np.array(value), at[name]) for name, value in numbers.items())
    del graph.value_info[:]
    sort_nodes(model)
