"""Makes a network of ours take, and in 8 bits also give, bytes in rows of pixels, as pictures have them.

Other than `byte_pixels.py`, this is for a session and not for a file: it moves the conversion to where it costs least.
Mirroring a border and putting channels together as pixels are done to bytes, which are a quarter of the floats, and
the last sigmoid becomes a table of 256 numbers.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle.graph.depth_order import depth_first
from fststyle.graph.nodes import attribute, sort_nodes

_TO_PLANES, _TO_ROWS = [0, 3, 1, 2], [0, 2, 3, 1]

# A byte is one of 255 steps from 0 to 1.
_STEP = np.float32(1 / 255)

# A hair less: a gray of exactly a half is rounded up, as it is elsewhere.
_STEP_GIVEN = np.nextafter(_STEP, np.float32(0))


class ByteEnds:
    """Changes a model of float32 pixels in 0..1, (batch, 3, height, width), in place.

    Args:
        model: Of opset 18 or newer, which has `Split` by a number of parts.
        content: The picture that it takes.
        stylized: The picture that it gives.
    """

    def __init__(self, model: onnx.ModelProto, content: str, stylized: str) -> None:
        self._model = model
        self._graph = model.graph
        self._content = content
        self._stylized = stylized

    def take_bytes(self) -> None:
        """Take uint8, (batch, height, width, 3)."""
        planes, floats = "bytes/planes", "bytes/content"
        readers = self._readers(self._content)
        for node in readers:
            source = planes if node.op_type == "Shape" else floats
            _replace(node, self._content, source)
        # One border after the other is mirrored before bytes become floats.
        last = planes
        while len(pads := [node for node in readers if node.op_type != "Shape"]) == 1 and _mirrors(pads[0]):
            (pad,) = pads
            mirrored = f"bytes/mirrored/{pad.output[0]}"
            readers = self._readers(pad.output[0])
            for node in readers:
                _replace(node, pad.output[0], mirrored if node.op_type == "Shape" else floats)
            pad.input[0], pad.output[0] = last, mirrored
            last = mirrored
        step, zero = self._constant("step", _STEP), self._zero()
        self._graph.node.extend(
            [
                helper.make_node("Transpose", [self._content], [planes], perm=_TO_PLANES),
                helper.make_node("DequantizeLinear", [last, step, zero], [floats]),
            ]
        )
        (value,) = (value for value in self._graph.input if value.name == self._content)
        self._say_bytes(value)
        self._tidy()

    def give_bytes(self) -> bool:
        """Give uint8, (batch, height, width, 3), if the picture comes from a convolution in 8 bits.

        False, and nothing changed, if it does not: what floats give must be looked at, because they may be no numbers.
        """
        tail = self._tail()
        if tail is None:
            return False
        depth_first(self._model)
        if attribute(tail[0], "mode", "DCR") != "DCR":  # its channels cannot be turned
            return False
        self._put_together(tail[0])
        self._turn(tail)
        (value,) = (value for value in self._graph.output if value.name == self._stylized)
        self._say_bytes(value)
        self._tidy()
        return True

    def _tail(self) -> list[onnx.NodeProto] | None:
        """From a `DepthToSpace` of bytes to the picture: all that comes after the last convolution."""
        makers = {name: node for node in self._graph.node for name in node.output}
        tail: list[onnx.NodeProto] = []
        name = self._stylized
        while (node := makers.get(name)) is not None:
            if tail and len(self._readers(name)) != 1:
                return None
            if node.op_type == "QuantizeLinear":
                break
            tail.insert(0, node)
            name = node.input[0]
        slices = [node for node in tail if node.op_type == "Slice"]
        wanted = ["DepthToSpace", "DequantizeLinear", *["Slice"] * len(slices), "Sigmoid"]
        fits = node is not None and [node.op_type for node in tail] == wanted and all(map(self._cuts_sides, slices))
        return tail if fits else None

    def _put_together(self, enlarged: onnx.NodeProto) -> None:
        """Blocks of pixels as channels, (batch, blocks · blocks · 3, height, width), to rows of pixels."""
        block = attribute(enlarged, "blocksize")
        source, target = enlarged.input[0], enlarged.output[0]
        at = "bytes/pixels"
        flat = self._constant("pixels/flat", np.array([0, 0, 1, -1]))
        sides = [
            self._constant("pixels/batch", np.array([0])),
            f"{at}/sides",
            self._constant("pixels/colors", np.array([3])),
        ]
        parts, rows = ([f"{at}/{name}{number}" for number in range(block)] for name in ("part", "row"))
        self._graph.node.remove(enlarged)
        self._graph.node.extend(
            [
                helper.make_node("Transpose", [source], [f"{at}/blocks"], perm=_TO_ROWS),
                # Of every row of blocks, the rows of its pixels: twice as fast as one transposition.
                helper.make_node("Split", [f"{at}/blocks"], parts, axis=3, num_outputs=block),
                *(helper.make_node("Reshape", [part, flat], [row]) for part, row in zip(parts, rows, strict=True)),
                helper.make_node("Concat", rows, [f"{at}/rows"], axis=2),
                helper.make_node("Shape", [source], [f"{at}/found"], start=2, end=4),
                helper.make_node("Mul", [f"{at}/found", self._constant("pixels/block", np.array([block]))], [sides[1]]),
                helper.make_node("Concat", sides, [f"{at}/shape"], axis=0),
                helper.make_node("Reshape", [f"{at}/rows", f"{at}/shape"], [target]),
            ]
        )

    def _turn(self, tail: list[onnx.NodeProto]) -> None:
        """Cut off borders as bytes, then the sigmoid of each of the 256 values, as a byte."""
        pixels, scaled, *slices, sigmoid = tail
        last = pixels.output[0]
        for node in slices:
            axes = numpy_helper.to_array(self._known()[node.input[3]])
            node.input[3] = self._constant(f"axes/{node.output[0]}", axes - 1)
            node.input[0], node.output[0] = last, f"bytes/cut/{node.output[0]}"
            last = node.output[0]
        scaled.input[0], sigmoid.input[0] = last, scaled.output[0]
        sigmoid.output[0] = "bytes/stylized"
        inputs = ["bytes/stylized", self._constant("step_given", _STEP_GIVEN), self._zero()]
        self._graph.node.append(helper.make_node("QuantizeLinear", inputs, [self._stylized]))

    def _cuts_sides(self, node: onnx.NodeProto) -> bool:
        axes = self._known().get(node.input[3]) if len(node.input) > 3 else None
        return axes is not None and bool(np.isin(numpy_helper.to_array(axes), (2, 3)).all())

    def _known(self) -> dict[str, onnx.TensorProto]:
        return {tensor.name: tensor for tensor in self._graph.initializer}

    def _readers(self, name: str) -> list[onnx.NodeProto]:
        return [node for node in self._graph.node if name in node.input]

    def _zero(self) -> str:
        return self._constant("zero", np.uint8(0))

    def _constant(self, name: str, value: np.generic | NDArray[np.int64]) -> str:
        full = f"bytes/{name}"
        if full not in self._known():
            self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), full))
        return full

    def _say_bytes(self, value: onnx.ValueInfoProto) -> None:
        batch, _, height, width = value.type.tensor_type.shape.dim
        sides = [dim.dim_value or dim.dim_param or None for dim in (batch, height, width)]
        value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.UINT8, [*sides, 3]))

    def _tidy(self) -> None:
        del self._graph.value_info[:]
        sort_nodes(self._model)


def _mirrors(node: onnx.NodeProto) -> bool:
    return node.op_type == "Pad" and attribute(node, "mode", "constant") in {"reflect", "edge"}


def _replace(node: onnx.NodeProto, old: str, new: str) -> None:
    node.input[:] = [new if name == old else name for name in node.input]
