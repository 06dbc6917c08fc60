"""Sums and rectifiers as bytes, where what they give becomes bytes anyway."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fststyle.graph.byte_moves import exchange

Range = tuple[float, float]

_LEVELS = 255
_MOVES = ("DepthToSpace", "Slice")


def add_bytes(model: onnx.ModelProto, ranges: Mapping[str, Range]) -> None:
    """Write sums so that onnxruntime adds bytes, and let channels become pixels as bytes, in place.

    Args:
        model: Quantized; in any other nothing is changed.
        ranges: Between which numbers those tensors lie that nothing rounds to bytes yet, by name.
    """
    bytewise = _Bytewise(model, ranges)
    for node in list(model.graph.node):
        if node.op_type == "Add":
            bytewise.add(node)
    for node in list(model.graph.node):
        if node.op_type == "DepthToSpace":
            bytewise.sink(node)
    for name in ranges:
        bytewise.give_bytes(name)
    for node in [node for node in model.graph.node if node.op_type == "Relu"]:
        bytewise.rectify(node)


class _Bytewise:
    def __init__(self, model: onnx.ModelProto, ranges: Mapping[str, Range]) -> None:
        self._graph = model.graph
        self._ranges = ranges
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._scalars = {
            tensor.name: numpy_helper.to_array(tensor).item() for tensor in model.graph.initializer if not tensor.dims
        }

    def add(self, node: onnx.NodeProto) -> None:
        """Let a sum read bytes that become numbers again, if it becomes bytes and both that it reads can be."""
        known = [self._rounding(name) or self._source(name) for name in node.input]
        if self._becomes_bytes(node) and all(known):
            node.input[:] = [self._read_bytes(name) for name in node.input]

    def sink(self, node: onnx.NodeProto) -> None:
        """Let channels become pixels after a rectifier and after rounding."""
        following = self._only(node.output[0])
        while following is not None and (following.op_type == "Relu" or self._rounds(following)):
            exchange(node, following)
            node, following = following, self._only(following.output[0])

    def give_bytes(self, name: str) -> None:
        """Let a convolution of bytes give bytes, whatever reads it, so that onnxruntime computes with bytes."""
        given = self._rectified(name)
        if self._rounding(given) is not None:
            return
        low, high = self._ranges[name]
        readers = self._readers(given)
        rounded = self._quantize(given, (low, high) if given == name else (0.0, max(high, 1e-6)))
        self._graph.node.append(rounded)
        numbers = self._numbers(rounded, given)
        for reader in readers:
            reader.input[:] = [numbers if read == given else read for read in reader.input]
        pixels = self._only(numbers)
        if pixels is not None and pixels.op_type == "DepthToSpace":
            exchange(self._graph.node[-1], pixels)

    def rectify(self, node: onnx.NodeProto) -> None:
        """Leave out a rectifier before bytes that begin at nothing."""
        rounded = self._only(node.output[0])
        if rounded is not None and self._rounds(rounded) and self._scalars[rounded.input[2]] == 0:
            rounded.input[0] = node.input[0]
            self._graph.node.remove(node)

    def _becomes_bytes(self, node: onnx.NodeProto) -> bool:
        """Whether what it gives is rounded to bytes, at most after a rectifier."""
        return self._rounding(self._rectified(node.output[0])) is not None

    def _rectified(self, name: str) -> str:
        """What the rectifier gives that alone reads a tensor; the tensor if there is none."""
        following = self._only(name)
        return following.output[0] if following is not None and following.op_type == "Relu" else name

    def _read_bytes(self, name: str) -> str:
        rounding = self._rounding(name) or self._round(self._source(name) or name, name)
        return self._numbers(rounding, name)

    def _numbers(self, rounding: onnx.NodeProto, name: str) -> str:
        """What the bytes of a tensor are as numbers again."""
        given = f"{name}/of_bytes"
        self._graph.node.append(
            helper.make_node("DequantizeLinear", [rounding.output[0], *rounding.input[1:]], [given])
        )
        return given

    def _round(self, source: str, name: str) -> onnx.NodeProto:
        """Round a tensor whose range is known, and move it as bytes to where it has the other name."""
        readers = self._readers(source)
        made = self._quantize(source, self._ranges[source])
        for reader in readers:
            reader.input[0] = made.output[0]
        self._graph.node.append(made)
        # Where it is moved, that gives bytes now.
        return made if source == name else helper.make_node("QuantizeLinear", made.input, [name])

    def _quantize(self, name: str, numbers: Range) -> onnx.NodeProto:
        low, high = numbers
        scale = np.float32((high - low) / _LEVELS)
        zero = np.uint8(np.clip(np.rint(-low / scale), 0, _LEVELS))
        given = [f"{name}/scale", f"{name}/zero"]
        values: list[NDArray[Any]] = [np.array(scale), np.array(zero)]
        self._graph.initializer.extend(numpy_helper.from_array(*pair) for pair in zip(values, given, strict=True))
        self._scalars |= dict(zip(given, (float(scale), int(zero)), strict=True))
        return helper.make_node("QuantizeLinear", [name, *given], [f"{name}/bytes"])

    def _source(self, name: str) -> str | None:
        """The tensor of known range that another is, moved."""
        while name not in self._ranges:
            maker = self._makers.get(name)
            if maker is None or maker.op_type not in _MOVES or self._only(name) is None:
                return None
            name = maker.input[0]
        return name if self._only(name) is not None else None

    def _rounding(self, name: str) -> onnx.NodeProto | None:
        """The node that makes bytes of a tensor."""
        return next((node for node in self._readers(name) if self._rounds(node)), None)

    def _rounds(self, node: onnx.NodeProto) -> bool:
        return node.op_type == "QuantizeLinear" and self._scalars.keys() >= set(node.input[1:])

    def _readers(self, name: str) -> list[onnx.NodeProto]:
        return [node for node in self._graph.node if name in node.input]

    def _only(self, name: str) -> onnx.NodeProto | None:
        readers = self._readers(name)
        ends = any(value.name == name for value in self._graph.output)
        return readers[0] if len(readers) == 1 and not ends else None
