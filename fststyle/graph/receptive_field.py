"""The receptive field of every tensor of a network, computed from its graph."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import onnx

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph
from fststyle.graph.nodes import attribute
from fststyle.graph.norms import Norm
from fststyle.model.checks import require_form

# What every position of a tensor is done to alone. An instance norm belongs to them once its statistics are given.
_POINTWISE = frozenset(
    """
    Abs Add Affine BatchNormalization Cast CastLike Ceil Clip Concat DequantizeLinear Div Dropout Elu Equal Erf
    Exp Floor Gelu Greater HardSigmoid HardSwish Identity ImageScaler InstanceNormalization LeakyRelu Less Log
    Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow QuantizeLinear Reciprocal Relu Round Selu Sigmoid Sign
    Softplus Sqrt Sub Sum Tanh Where
    """.split()  # noqa: SIM905 -- quotes would hide the list
)
# What can be followed where the channels come last, too.
_ANY_ORDER = _POINTWISE - {"Concat"} | {"Pad", "Transpose"}
_WINDOWS = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "QLinearConv"}
# Neighbors that an enlargement reads on either side, in its own input's pixels.
_REACH = {"nearest": 1, "linear": 1, "bilinear": 1, "cubic": 2}


@dataclass(frozen=True)
class Field:
    """What position i of a tensor sees along one axis: the pixels `stride`·i + `low` to `stride`·i + `high`."""

    stride: Fraction = Fraction(1)
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    def shifted(self, positions: Fraction | int) -> "Field":
        """The field of a tensor whose position i is this one's position i + `positions`."""
        by = self.stride * positions
        return Field(self.stride, self.low + by, self.high + by)

    def spread(self, low: Fraction | int, high: Fraction | int) -> "Field":
        """The field of what reads this tensor's positions i + `low` to i + `high`."""
        return Field(self.stride, self.low + self.stride * low, self.high + self.stride * high)

    def scaled(self, factor: Fraction | int) -> "Field":
        """The field of a tensor whose position i is this one's position `factor`·i."""
        return Field(self.stride * factor, self.low, self.high)


Fields = tuple[Field, Field]


def receptive_fields(graph: Graph, norms: tuple[Norm, ...]) -> dict[str, Fields]:
    """The vertical and horizontal field of every tensor that has positions, by name.

    Args:
        graph: The network.
        norms: Its instance norms, whose statistics count as given.

    Raises:
        ModelFileError: Something in it looks at the whole picture, or in a way that is not known here.
    """
    given = {name for norm in norms for _, name in norm.computed}
    found = _followed(graph, graph.nodes, graph.input_name, (Field(), Field()), given)
    if graph.output_name not in found or any(field.stride != 1 for field in found[graph.output_name]):
        raise ModelFileError("the network's picture has another size than the photo; it cannot be painted in tiles")
    return found


def reach(
    graph: Graph, nodes: Iterable[onnx.NodeProto], fields: dict[str, Fields], source: str, target: str
) -> tuple[int, int]:
    """How many pixels of the photo above, and below, a target's positions lie those of the source that it is made of.

    Args:
        graph: The network.
        nodes: The way from the source, in their order; statistics of norms are given.
        fields: As `receptive_fields` found them.
        source: A tensor, which is known whole.
        target: Another; (0, 0) if it is not made of the source.
    """
    start = fields[source]
    found = _followed(graph, nodes, source, (Field(start[0].stride), Field(start[1].stride)), set())
    if target not in found:
        return 0, 0
    pairs = list(zip(found[target], start, strict=True))
    above = max(-made.low for made, _ in pairs)
    below = max(made.high - made.stride + read.stride for made, read in pairs)
    return max(0, math.ceil(above)), max(0, math.ceil(below))


def _followed(
    graph: Graph, nodes: Iterable[onnx.NodeProto], source: str, fields: Fields, given: set[str]
) -> dict[str, Fields]:
    """The fields of all that is made of the source, by the source's own."""
    found = {source: fields}
    in_rows = {source} if source == graph.input_name and _takes_rows(graph) else set()
    for node in nodes:
        read = [found[name] for name in node.input if name in found]
        if not read or node.output[0] in given or node.op_type in {"Shape", "Size"}:
            continue
        rows = any(name in in_rows for name in node.input)
        if rows and node.op_type not in _ANY_ORDER:
            raise _unknown(node)
        if rows != (node.op_type == "Transpose"):
            in_rows.update(node.output)
        fields = _through(graph, node, read, rows=rows)
        for name in node.output:
            found[name] = fields
    return found


def _takes_rows(graph: Graph) -> bool:
    return require_form(graph.model.graph.input[0]).channels_last


def alignment(fields: dict[str, Fields]) -> int:
    """Tiles must begin at a multiple of this many pixels, so that strides fall where they fell in the whole."""
    return math.lcm(*(field.stride.numerator for pair in fields.values() for field in pair))


def _through(graph: Graph, node: onnx.NodeProto, read: list[Fields], *, rows: bool) -> Fields:
    if node.op_type in _POINTWISE:
        if node.op_type == "Concat" and attribute(node, "axis") not in (1, -3):
            raise _unknown(node)
        return _joined([pair[0] for pair in read], node), _joined([pair[1] for pair in read], node)
    fields = read[0]
    if node.op_type in _WINDOWS:
        return _each(fields, lambda field, axis: _window(graph, node, field, axis))
    if node.op_type == "Pad":
        before = _named(node, _numbers(graph, node, "pads", 1), _numbers(graph, node, "axes", 3))
        return _each(fields, lambda field, axis: field.shifted(-before.get((1 if rows else 2) + axis, 0)))
    # Between pixels in rows, as bytes come and go, and planes.
    if node.op_type == "Transpose" and attribute(node, "perm") in ([0, 3, 1, 2], [0, 2, 3, 1]):
        return fields
    if node.op_type == "Crop":
        return _each(fields, lambda field, axis: field.shifted(attribute(node, "border")[1 - axis]))
    if node.op_type == "Gather" and attribute(node, "axis", 0) in (1, -3):
        return fields
    if node.op_type == "Split" and attribute(node, "axis", 0) in (1, -3):
        return fields
    if node.op_type == "Slice":
        return _slice(graph, node, fields)
    if node.op_type in {"Resize", "Upsample"}:
        return _enlarged(graph, node, fields)
    if node.op_type in {"DepthToSpace", "SpaceToDepth"}:
        block = attribute(node, "blocksize")
        if node.op_type == "DepthToSpace":
            smaller = Fraction(1, block)
            return _each(fields, lambda field, _: field.spread(-1 + smaller, 0).scaled(smaller))
        return _each(fields, lambda field, _: field.spread(0, block - 1).scaled(block))
    raise _unknown(node)


def _each(fields: Fields, change: Any) -> Fields:
    return change(fields[0], 0), change(fields[1], 1)


def _joined(fields: list[Field], node: onnx.NodeProto) -> Field:
    if len({field.stride for field in fields}) > 1:
        raise _unknown(node)
    return Field(fields[0].stride, min(field.low for field in fields), max(field.high for field in fields))


def _window(graph: Graph, node: onnx.NodeProto, field: Field, axis: int) -> Field:
    kernel = attribute(node, "kernel_shape")
    if kernel is None:
        weight = node.input[3 if node.op_type == "QLinearConv" else 1]
        shape = graph.shapes.get(weight) or graph.constants[weight].shape
        kernel = shape[2:]
    stride = attribute(node, "strides", [1, 1])[axis]
    reach = attribute(node, "dilations", [1, 1])[axis] * (kernel[axis] - 1)
    before = _padding(node, axis, reach, stride)
    if node.op_type == "ConvTranspose":
        if attribute(node, "output_shape") is not None:
            raise _unknown(node)
        # Input i reaches the outputs i·stride − before to i·stride − before + reach.
        return field.spread(Fraction(before - reach, stride), Fraction(before, stride)).scaled(Fraction(1, stride))
    return field.spread(-before, reach - before).scaled(stride)


def _padding(node: onnx.NodeProto, axis: int, reach: int, stride: int) -> int:
    """Positions that a window begins before its tensor."""
    mode = attribute(node, "auto_pad", "NOTSET")
    if mode not in {"SAME_UPPER", "SAME_LOWER"}:
        return 0 if mode == "VALID" else int(attribute(node, "pads", [0, 0, 0, 0])[axis])
    # Of a side that is a multiple of the stride, as `alignment` makes them; of others it would depend on the rest.
    both = reach + 1 - stride
    if both < 0:
        raise _unknown(node)
    return both // 2 if mode == "SAME_UPPER" else both - both // 2


def needs_alignment(graph: Graph) -> bool:
    """Whether the network pads what a stride does not divide, so that only sides that are aligned can be tiled."""
    return any(
        attribute(node, "auto_pad", "NOTSET").startswith("SAME") and max(attribute(node, "strides", [1])) > 1
        for node in graph.nodes
        if node.op_type in _WINDOWS and node.op_type != "ConvTranspose"
    )


def _slice(graph: Graph, node: onnx.NodeProto, fields: Fields) -> Fields:
    starts = _named(node, _numbers(graph, node, "starts", 1), _numbers(graph, node, "axes", 3))
    steps = _numbers(graph, node, "steps", 4)
    steps_of = dict(zip(starts, steps or [1] * len(starts), strict=True))
    spatial = {axis: start for axis, start in starts.items() if axis > 1}
    if min(spatial.values(), default=0) < 0 or any(steps_of[axis] != 1 for axis in spatial):
        raise _unknown(node)
    return _each(fields, lambda field, axis: field.shifted(spatial.get(2 + axis, 0)))


def _named(node: onnx.NodeProto, numbers: list[int] | None, axes: list[int] | None) -> dict[int, int]:
    """The first number for every axis; of Pad, those at the end follow."""
    if numbers is None:
        raise _unknown(node)
    return dict(zip(range(len(numbers)) if axes is None else (axis % 4 for axis in axes), numbers, strict=False))


def _enlarged(graph: Graph, node: onnx.NodeProto, fields: Fields) -> Fields:
    mode = attribute(node, "mode", "nearest")
    factors = _factors(graph, node)
    if factors is None or mode not in _REACH:
        raise _unknown(node)
    if attribute(node, "coordinate_transformation_mode") in {"align_corners", "tf_crop_and_resize"}:
        raise _unknown(node)  # there the sides of the whole decide where a pixel goes
    reach = _REACH[mode]
    return _each(fields, lambda field, axis: field.spread(-reach, reach).scaled(Fraction(1, factors[axis])))


def _factors(graph: Graph, node: onnx.NodeProto) -> tuple[int, int] | None:
    """By how much height and width grow, if by a whole number of times, whatever the picture's size."""
    scales = graph.constant(node, 2 if node.op_type == "Resize" and graph.opset >= 11 else 1)
    values = attribute(node, "scales") if scales is None else scales.tolist()
    if not values:
        return graph.ratios(node)
    axes = attribute(node, "axes", range(len(values)))
    named = {axis % 4: scale for axis, scale in zip(axes, values, strict=True)}
    if named.get(0, 1) != 1 or named.get(1, 1) != 1:
        return None
    height, width = named.get(2, 1), named.get(3, 1)
    return (int(height), int(width)) if height >= 1 and width >= 1 and height % 1 == width % 1 == 0 else None


def _numbers(graph: Graph, node: onnx.NodeProto, name: str, position: int) -> list[int] | None:
    """From the attribute that old opsets have, or the input that new ones have."""
    value = graph.constant(node, position)
    if value is not None:
        return [int(number) for number in value.ravel()]
    named = attribute(node, name)
    return None if named is None else [int(number) for number in named]


def _unknown(node: onnx.NodeProto) -> ModelFileError:
    return ModelFileError(
        f"the network cannot be painted in tiles because of its {node.op_type} {node.name!r}; "
        "shrink the picture with max_side, or allow more memory"
    )
