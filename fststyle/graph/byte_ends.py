"""Makes a network of ours take and give bytes in rows of pixels, as pictures have them.

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

MEANS = "bytes/means"
"""Output of a graph that gives a picture of floats as bytes: means of what these bytes were made of."""

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
        """Give uint8, (batch, height, width, 3), if the picture comes from channels that become pixels.

        A picture of floats gets an output `MEANS` beside it, because bytes do not tell whether something was no number.
        False if nothing could be changed.
        """
        tail = self._tail()
        if tail is None:
            return False
        depth_first(self._model)
        if attribute(tail[0], "mode", "DCR") != "DCR":  # its channels cannot be turned
            return False
        if tail[1].op_type == "DequantizeLinear":
            self._turn_bytes(*tail)
        else:
            self._turn_floats(*tail)
        for enlarged in [node for node in self._graph.node if node.op_type == "DepthToSpace"]:
            turned = attribute(enlarged, "mode", "DCR") == "DCR"
            if enlarged is tail[0] or (turned and self._moves_bytes(enlarged)):
                self._put_together(enlarged, rows=enlarged is tail[0])
        (value,) = (value for value in self._graph.output if value.name == self._stylized)
        self._say_bytes(value)
        self._tidy()
        return True

    def _tail(self) -> list[onnx.NodeProto] | None:
        """From the last `DepthToSpace` to the picture: all that comes after the last convolution."""
        makers = {name: node for node in self._graph.node for name in node.output}
        tail: list[onnx.NodeProto] = []
        name = self._stylized
        while (node := makers.get(name)) is not None:
            if tail and len(self._readers(name)) != 1:
                return None
            tail.insert(0, node)
            name = node.input[0]
            if node.op_type == "DepthToSpace":
                break
        slices = [node for node in tail if node.op_type == "Slice"]
        cut = [axis for node in slices for axis in self._axes(node)]
        steps = ["DepthToSpace", *["Slice"] * len(slices), "Sigmoid"]
        in_bytes = [*steps[:1], "DequantizeLinear", *steps[1:]]
        fits = [node.op_type for node in tail] in (steps, in_bytes) and len({*cut, 2, 3}) == 2 and len(cut) in (0, 2)
        return tail if fits and (tail[1].op_type != "DequantizeLinear" or self._moves_bytes(tail[0])) else None

    def _moves_bytes(self, enlarged: onnx.NodeProto) -> bool:
        makers = {name: node for node in self._graph.node for name in node.output}
        maker = makers.get(enlarged.input[0])
        return maker is not None and maker.op_type == "QuantizeLinear"

    def _put_together(self, enlarged: onnx.NodeProto, *, rows: bool) -> None:
        """Blocks of pixels as channels, (batch, blocks · blocks · c, height, width), to rows of pixels or to planes."""
        block = attribute(enlarged, "blocksize")
        source, target = enlarged.input[0], enlarged.output[0]
        at = f"bytes/pixels/{target}"
        flat = self._constant("pixels/flat", np.array([0, 0, 1, -1]))
        sides = [self._constant("pixels/batch", np.array([0])), f"{at}/sides"]
        sides.append(self._constant("pixels/colors", np.array([-1])))
        parts, lines = ([f"{at}/{name}{number}" for number in range(block)] for name in ("part", "line"))
        done = target if rows else f"{at}/pixels"
        self._graph.node.remove(enlarged)
        self._graph.node.extend(
            [
                helper.make_node("Transpose", [source], [f"{at}/blocks"], perm=_TO_ROWS),
                # Of every row of blocks, the rows of its pixels: twice as fast as one transposition.
                helper.make_node("Split", [f"{at}/blocks"], parts, axis=3, num_outputs=block),
                *(helper.make_node("Reshape", [part, flat], [line]) for part, line in zip(parts, lines, strict=True)),
                helper.make_node("Concat", lines, [f"{at}/lines"], axis=2),
                helper.make_node("Shape", [source], [f"{at}/found"], start=2, end=4),
                helper.make_node(
                    "Mul", [f"{at}/found", self._constant(f"block{block}", np.array([block]))], [sides[1]]
                ),
                helper.make_node("Concat", sides, [f"{at}/shape"], axis=0),
                helper.make_node("Reshape", [f"{at}/lines", f"{at}/shape"], [done]),
            ]
        )
        if not rows:
            self._graph.node.append(helper.make_node("Transpose", [done], [target], perm=_TO_PLANES))

    def _turn_bytes(self, pixels: onnx.NodeProto, scaled: onnx.NodeProto, *rest: onnx.NodeProto) -> None:
        """Cut off borders as bytes, then the sigmoid of each of the 256 values, as a byte."""
        *slices, sigmoid = rest
        scaled.input[0], sigmoid.input[0] = self._cut(pixels.output[0], slices), scaled.output[0]
        sigmoid.output[0] = "bytes/stylized"
        self._graph.node.append(self._to_bytes("bytes/stylized", self._stylized))

    def _turn_floats(self, pixels: onnx.NodeProto, *rest: onnx.NodeProto) -> None:
        """Take the sigmoid before channels become pixels, then cut off borders as bytes."""
        *slices, sigmoid = rest
        # A second reader, without which onnxruntime takes the sigmoid in the convolution, number by number: three
        # times as long as the convolution.
        self._graph.node.append(helper.make_node("GlobalAveragePool", [pixels.input[0]], [MEANS]))
        self._graph.output.append(helper.make_tensor_value_info(MEANS, TensorProto.FLOAT, [None, None, 1, 1]))
        sigmoid.input[0], sigmoid.output[0] = pixels.input[0], "bytes/blocks"
        pixels.input[0] = "bytes/numbers"
        self._graph.node.append(self._to_bytes("bytes/blocks", "bytes/numbers"))
        if slices:
            self._cut(pixels.output[0], slices, self._stylized)
        else:
            pixels.output[0] = self._stylized

    def _to_bytes(self, source: str, target: str) -> onnx.NodeProto:
        return helper.make_node(
            "QuantizeLinear", [source, self._constant("step_given", _STEP_GIVEN), self._zero()], [target]
        )

    def _cut(self, source: str, slices: list[onnx.NodeProto], target: str = "bytes/cut") -> str:
        """Cut off borders of rows of pixels in one go, where planes were cut one side after the other."""
        if not slices:
            return source
        for node in slices:
            self._graph.node.remove(node)
        starts, ends = ([node.input[place] for node in slices] for place in (1, 2))
        axes = np.concatenate([numpy_helper.to_array(self._known()[node.input[3]]) for node in slices])
        inputs = [source, "bytes/starts", "bytes/ends", self._constant("axes", axes - 1)]
        self._graph.node.extend(
            [
                helper.make_node("Concat", starts, inputs[1:2], axis=0),
                helper.make_node("Concat", ends, inputs[2:3], axis=0),
                helper.make_node("Slice", inputs, [target]),
            ]
        )
        return target

    def _axes(self, node: onnx.NodeProto) -> list[int]:
        """Of a `Slice`; [-1] if they are not known, or if it leaves out rows or columns between others."""
        axes, steps = (self._known().get(name) for name in [*node.input[3:], "", ""][:2])
        plain = len(node.input) < 5 or (steps is not None and bool((numpy_helper.to_array(steps) == 1).all()))
        return [-1] if axes is None or not plain else [int(axis) for axis in numpy_helper.to_array(axes)]

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
