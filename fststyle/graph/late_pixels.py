"""Channels become pixels once, at the end of a network, instead of in two steps.

A network that enlarges by 2 and by 2 again convolves between the two. Rearranging takes longer than that convolution,
which has few channels and many positions. So the convolution is written for the positions before the first step, with
four times the channels on both sides, and one step of 4 follows it. The picture is the same.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fststyle.graph.nodes import attribute, drop_unread, needed, set_attributes, sort_nodes

_BLOCK = 2

_POINTWISE = {"Relu", "LeakyRelu", "Sigmoid", "Tanh", "Cast"}
_NORMS = {"InstanceNormalization", "BatchNormalization"}
_SCALED = {"QuantizeLinear", "DequantizeLinear"}


@dataclass
class _Stretch:
    """From one `DepthToSpace` to the next.

    Attributes:
        first: The step that is left out.
        between: Nodes that do the same to every position.
        statistics: Nodes that reduce some tensor between them to a number a channel.
        pad: Mirrors one position at every border.
        convolution: 3×3, without borders of its own.
        stored: What makes numbers of the bytes that its weights and its bias are stored in, by its inputs' numbers.
        last: The step that becomes a larger one.
    """

    first: onnx.NodeProto
    between: list[onnx.NodeProto]
    statistics: list[onnx.NodeProto]
    pad: onnx.NodeProto
    convolution: onnx.NodeProto
    stored: dict[int, onnx.NodeProto]
    last: onnx.NodeProto

    @property
    def normed(self) -> bool:
        """Whether something in it depends on all positions."""
        return bool(self.statistics) or any(node.op_type in _NORMS for node in self.between)


def with_late_pixels(data: bytes, *, norms: bool = True) -> bytes:
    """The bytes of a model that paints the same; those given if there is nothing to rewrite.

    Args:
        data: A model.
        norms: Rewrite stretches with norms, too. Their tensors have no positions then, so that what comes of it can be
            run, but not cut into tiles.
    """
    if data.count(b"DepthToSpace") < 2:  # spares the parsing
        return data
    model = onnx.ModelProto.FromString(data)
    return model.SerializeToString() if make_pixels_late(model, norms=norms) else data


def make_pixels_late(model: onnx.ModelProto, *, norms: bool = True) -> bool:
    """As `with_late_pixels`, in place; False if there is nothing to rewrite."""
    finder = _Finder(model)
    found = [finder.stretch(node) for node in model.graph.node]
    stretches = [stretch for stretch in found if stretch is not None and (norms or not stretch.normed)]
    for stretch in stretches:
        _rewrite(model, stretch, finder.constants)
    if stretches:
        graph = model.graph
        sort_nodes(model)
        kept = needed(list(graph.node), {value.name for value in graph.output})
        del graph.node[:], graph.value_info[:]
        graph.node.extend(kept)
        drop_unread(graph)
    return bool(stretches)


class _Finder:
    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in dict.fromkeys(node.input):
                self._readers.setdefault(name, []).append(node)
        self._uses = Counter(value.name for value in graph.output)

    def stretch(self, first: onnx.NodeProto) -> _Stretch | None:
        """The one that begins with this node."""
        if first.op_type != "DepthToSpace" or attribute(first, "blocksize") != _BLOCK:
            return None
        if attribute(first, "mode", "DCR") != "CRD":
            return None
        between: list[onnx.NodeProto] = []
        statistics: list[onnx.NodeProto] = []
        node = first
        while True:
            following = self._after(node.output[0], statistics)
            if following is None:
                return None
            node = following
            if node.op_type not in _POINTWISE | _NORMS and not self._has_one_scale(node):
                break
            between.append(node)
        pad = node
        convolution = self._past(pad.output[0], "DequantizeLinear") if self._mirrors_one(pad) else None
        stored = None if convolution is None else self._stored(convolution)
        if convolution is None or stored is None or not self._fits(convolution, stored):
            return None
        last = self._past(convolution.output[0], "QuantizeLinear")
        if last is None or last.op_type != "DepthToSpace":
            return None
        return _Stretch(first, between, statistics, pad, convolution, stored, last)

    def _after(self, name: str, statistics: list[onnx.NodeProto]) -> onnx.NodeProto | None:
        """The one node that reads a tensor, beside those that find its mean and variance."""
        if name in self._uses:
            return None
        others = []
        for node in self._readers.get(name, []):
            found = self._statistic(node)
            if found:
                statistics += found
            else:
                others.append(node)
        return others[0] if len(others) == 1 and others[0].input[0] == name else None

    def _statistic(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """The nodes from this one to a mean over all positions, or none."""
        found = [node]
        if node.op_type == "Sub":
            squares = self._only(node.output[0])
            mean = None if squares is None or squares.op_type != "Mul" else self._only(squares.output[0])
            if squares is None or mean is None:
                return []
            found += [squares, mean]
        last = found[-1]
        axes = self._value(last, 1)
        whole = last.op_type == "ReduceMean" and axes is not None and sorted(axes.tolist()) == [0, 2, 3]
        return found if whole else []

    def _only(self, name: str) -> onnx.NodeProto | None:
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self._uses else None

    def _past(self, name: str, scaling: str) -> onnx.NodeProto | None:
        """The one node that reads a tensor, or what that makes of it if it only changes its scale."""
        node = self._only(name)
        if node is not None and node.op_type == scaling:
            return self._only(node.output[0]) if self._has_one_scale(node) else None
        return node

    def _stored(self, convolution: onnx.NodeProto) -> dict[int, onnx.NodeProto] | None:
        """As `_Stretch.stored`; None if a weight or a bias is something else than a constant, or is used again."""
        stored = {}
        for position, name in enumerate(convolution.input[1:], 1):
            maker = self._makers.get(name)
            if maker is None:
                continue
            known = all(source in self.constants for source in maker.input)
            if maker.op_type != "DequantizeLinear" or not known or self._only(name) is None:
                return None
            zeros = self._value(maker, 2)
            if zeros is not None and zeros.any():
                return None
            stored[position] = maker
        return stored

    def _value(self, node: onnx.NodeProto, position: int) -> NDArray[np.generic] | None:
        name = node.input[position] if len(node.input) > position else ""
        return numpy_helper.to_array(self.constants[name]) if name in self.constants else None

    def _has_one_scale(self, node: onnx.NodeProto) -> bool:
        scale = self._value(node, 1) if node.op_type in _SCALED else None
        return scale is not None and scale.ndim == 0

    def _mirrors_one(self, node: onnx.NodeProto) -> bool:
        pads = self._value(node, 1) if node.op_type == "Pad" and len(node.input) < 4 else None
        mirrors = attribute(node, "mode", "constant") == "reflect"
        return mirrors and pads is not None and pads.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]

    def _fits(self, node: onnx.NodeProto, stored: dict[int, onnx.NodeProto]) -> bool:
        if node.op_type != "Conv" or attribute(node, "group", 1) != 1:
            return False
        weight = self._value(stored[1], 0) if 1 in stored else self._value(node, 1)
        plain = not any(attribute(node, "pads", [0])) and attribute(node, "auto_pad", "NOTSET") in {"NOTSET", "VALID"}
        steps = [*attribute(node, "strides", [1]), *attribute(node, "dilations", [1])]
        known = all(at in stored or name in self.constants for at, name in enumerate(node.input) if at)
        return plain and known and set(steps) == {1} and weight is not None and weight.shape[2:] == (3, 3)


def _rewrite(model: onnx.ModelProto, stretch: _Stretch, constants: dict[str, onnx.TensorProto]) -> None:
    graph = model.graph
    first, last, convolution = stretch.first, stretch.last, stretch.convolution
    block = attribute(last, "blocksize")
    at = f"late/{first.output[0]}"
    made: dict[str, NDArray[Any]] = {}
    holders = [(stretch.stored.get(position, convolution), position) for position in range(1, len(convolution.input))]
    places = [
        (holder, place)
        for holder, position in holders
        for place in ([position] if holder is convolution else range(len(holder.input)))
        if constants[holder.input[place]].dims  # else one scale for all
    ]
    for holder, place in places:
        values = numpy_helper.to_array(constants[holder.input[place]])
        spread = _spread(values) if values.ndim == 4 else np.repeat(values, _BLOCK**2)
        name = f"{at}/{holder.input[place]}"
        made[name] = spread[_order(len(values), block, attribute(last, "mode", "DCR"))]
        holder.input[place] = name
    source = first.input[0]
    weights = stretch.stored[1].input[0] if 1 in stretch.stored else convolution.input[1]
    channels = made[weights].shape[1] // _BLOCK**2
    whole = stretch.pad.input[0]
    graph.node.remove(first)
    if stretch.normed:
        # The channels of one pixel block lie one after the other: as one long channel, statistics are those of pixels.
        made[f"{at}/long"] = np.array([0, channels, -1, 0])
        made[f"{at}/short"] = np.array([0, channels * _BLOCK**2, -1, 0])
        graph.node.extend(
            [
                helper.make_node("Reshape", [source, f"{at}/long"], [first.output[0]]),
                helper.make_node("Reshape", [whole, f"{at}/short"], [f"{at}/blocks"]),
            ]
        )
        stretch.pad.input[0] = f"{at}/blocks"
    else:
        for node in [*stretch.between, stretch.pad]:
            node.input[:] = [source if name == first.output[0] else name for name in node.input]
    # What a mirrored border repeats is the pixel next to it in the border's own block.
    set_attributes(stretch.pad, mode="edge")
    set_attributes(last, blocksize=_BLOCK * block, mode="CRD")
    graph.initializer.extend(numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in made.items())


def _spread(weight: NDArray[Any]) -> NDArray[Any]:
    """The weights of a 3×3 convolution of pixels, (out, in, 3, 3), for blocks of pixels as channels."""
    out, channels = weight.shape[:2]
    whole = np.zeros((out, _BLOCK, _BLOCK, channels, _BLOCK, _BLOCK, 3, 3), weight.dtype)
    reach = [(phase, offset, *divmod(phase + offset, _BLOCK)) for phase in range(_BLOCK) for offset in (-1, 0, 1)]
    for row, down, block_row, row_in in reach:
        for column, right, block_column, column_in in reach:
            taps = weight[:, :, down + 1, right + 1]
            whole[:, row, column, :, row_in, column_in, block_row + 1, block_column + 1] = taps
    return whole.reshape(out * _BLOCK**2, channels * _BLOCK**2, 3, 3)


def _order(channels: int, block: int, mode: str) -> NDArray[np.int64]:
    """Which channel of blocks of a convolution's `channels` each channel before the one large step is."""
    colors = channels // block**2
    shape = (colors, block, block) if mode == "CRD" else (block, block, colors)
    numbers = np.arange(channels * _BLOCK**2).reshape(*shape, _BLOCK, _BLOCK)
    if mode != "CRD":
        numbers = numbers.transpose(2, 0, 1, 3, 4)
    # (color, row and column of the small step, row and column of the large block) to rows and columns of pixels.
    return numbers.transpose(0, 3, 1, 4, 2).ravel()
