"""Instance norms in a graph, whether they are one operator or computed from simple ones."""

from dataclasses import dataclass

import onnx

from fststyle.errors import ModelFileError
from fststyle.graph import Graph, attribute

_SPATIAL = {(2, 3), (-2, -1)}


@dataclass(frozen=True)
class Norm:
    """An instance norm of a graph.

    Attributes:
        source: The tensor that is normalized, (batch, channels, height, width).
        channels: How many.
        output: What an `InstanceNormalization` gives; None where the graph computes it from simpler operators.
        mean: In the latter case, the tensor that holds the mean; else None.
        variance: And the one with the variance.
    """

    source: str
    channels: int
    output: str | None
    mean: str | None = None
    variance: str | None = None


def find_norms(graph: Graph) -> tuple[Norm, ...]:
    """In the order in which they are computed.

    Raises:
        ModelFileError: It cannot be told how many channels one has.
    """
    consumers = graph.consumers()
    norms = []
    for node in graph.nodes:
        if node.op_type == "InstanceNormalization":
            norms.append(Norm(node.input[0], _channels(graph, node), node.output[0]))
        elif node.op_type == "ReduceMean" and _over_positions(graph, node):
            variance = _variance_of(graph, node, consumers)
            if variance is not None:
                norms.append(Norm(node.input[0], _channels(graph, node), None, node.output[0], variance))
    return tuple(norms)


def _variance_of(graph: Graph, mean: onnx.NodeProto, consumers: dict[str, list[onnx.NodeProto]]) -> str | None:
    """The tensor ReduceMean((x − mean)²), if the graph computes it."""
    for difference in consumers.get(mean.output[0], []):
        if difference.op_type != "Sub" or list(difference.input) != [mean.input[0], mean.output[0]]:
            continue
        for square in consumers.get(difference.output[0], []):
            if not _is_square(graph, square, difference.output[0]):
                continue
            for average in consumers.get(square.output[0], []):
                if average.op_type == "ReduceMean" and _over_positions(graph, average):
                    return str(average.output[0])
    return None


def _is_square(graph: Graph, node: onnx.NodeProto, of: str) -> bool:
    if node.op_type == "Mul":
        return list(node.input) == [of, of]
    exponent = graph.constant(node, 1)
    return node.op_type == "Pow" and node.input[0] == of and exponent is not None and bool((exponent == 2).all())


def _over_positions(graph: Graph, node: onnx.NodeProto) -> bool:
    axes = graph.constant(node, 1)
    named = tuple(attribute(node, "axes", ())) if axes is None else tuple(int(axis) for axis in axes.ravel())
    return tuple(sorted(named)) in _SPATIAL and attribute(node, "keepdims", 1) == 1


def _channels(graph: Graph, node: onnx.NodeProto) -> int:
    scale = graph.constant(node, 1) if node.op_type == "InstanceNormalization" else None
    if scale is not None:
        return int(scale.size)
    shape = graph.shapes.get(node.input[0], ())
    if len(shape) != 4 or shape[1] is None:
        raise ModelFileError(
            f"the channels of {node.op_type} {node.name!r} cannot be counted; export the network again with shapes"
        )
    return shape[1]
