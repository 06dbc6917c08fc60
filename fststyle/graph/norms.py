"""Finding the instance norms of a graph, written as one operator or as several simple ones."""

from dataclasses import dataclass

import onnx

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph
from fststyle.graph.nodes import attribute

_SPATIAL = {(2, 3), (-2, -1)}


@dataclass(frozen=True)
class Norm:
    """An instance norm of a graph.

    Attributes:
        source: The tensor that is normalized, (batch, channels, height, width).
        channels: How many.
        output: What an `InstanceNormalization` gives; None where the graph computes it from simpler operators.
        mean: In the latter case, the tensor that holds the mean; else None.
        variance: And the one with the variance, if there is one.
        square: Or the one with the mean of the squares, from which the graph computes the variance itself.
        again: What the graph computes a second time, as torch does for `x.mean()` and `x.var()`; as in `computed`.
    """

    source: str
    channels: int
    output: str | None
    mean: str | None = None
    variance: str | None = None
    square: str | None = None
    again: tuple[tuple[str, str], ...] = ()

    @property
    def computed(self) -> tuple[tuple[str, str], ...]:
        """The tensors that a graph computes its statistics in: "mean", "variance" or "square", and the name."""
        first = (("mean", self.mean), ("variance", self.variance), ("square", self.square))
        return *((kind, name) for kind, name in first if name is not None), *self.again


def find_norms(graph: Graph) -> tuple[Norm, ...]:
    """In the order in which they are computed.

    Raises:
        ModelFileError: It cannot be told how many channels one has.
    """
    consumers = graph.consumers()
    norms = []
    written: set[str] = set()  # what is normalized by several operators
    for node in graph.nodes:
        if node.op_type == "InstanceNormalization":
            norms.append(Norm(node.input[0], _channels(graph, node), node.output[0]))
        elif _over_positions(graph, node) and node.input[0] not in written:
            norm = _written_out(graph, node, consumers)
            if norm is not None:
                written.add(norm.source)
                norms.append(norm)
    return tuple(norms)


def _written_out(graph: Graph, node: onnx.NodeProto, consumers: dict[str, list[onnx.NodeProto]]) -> Norm | None:
    """The norm that a mean over positions belongs to."""
    source = node.input[0]
    means = [other.output[0] for other in consumers[source] if _over_positions(graph, other)]
    found = [_variance_of(graph, source, mean, consumers) for mean in means]
    variances = [name for name in found if name is not None]
    square = _mean_of_squares(graph, source, consumers)
    if not variances and square is None:
        return None
    again = (*(("mean", name) for name in means[1:]), *(("variance", name) for name in variances[1:]))
    first = variances[0] if variances else None
    return Norm(source, _channels(graph, node), None, means[0], first, square, again)


def _variance_of(graph: Graph, source: str, mean: str, consumers: dict[str, list[onnx.NodeProto]]) -> str | None:
    """The tensor ReduceMean((x − mean)²), if the graph computes it."""
    for difference in consumers.get(mean, []):
        if difference.op_type == "Sub" and set(difference.input) == {source, mean}:
            found = _mean_of_squares(graph, difference.output[0], consumers)
            if found is not None:
                return found
    return None


def _mean_of_squares(graph: Graph, source: str, consumers: dict[str, list[onnx.NodeProto]]) -> str | None:
    """The tensor ReduceMean(x²), if the graph computes it."""
    for square in consumers.get(source, []):
        if _is_square(graph, square, source):
            for average in consumers.get(square.output[0], []):
                if _over_positions(graph, average):
                    return str(average.output[0])
    return None


def _is_square(graph: Graph, node: onnx.NodeProto, of: str) -> bool:
    if node.op_type == "Mul":
        return list(node.input) == [of, of]
    exponent = graph.constant(node, 1)
    return node.op_type == "Pow" and node.input[0] == of and exponent is not None and bool((exponent == 2).all())


def _over_positions(graph: Graph, node: onnx.NodeProto) -> bool:
    if node.op_type == "GlobalAveragePool":
        return True
    if node.op_type != "ReduceMean":
        return False
    axes = graph.constant(node, 1)
    named = tuple(attribute(node, "axes", ())) if axes is None else tuple(int(axis) for axis in axes.ravel())
    return tuple(sorted(named)) in _SPATIAL


def _channels(graph: Graph, node: onnx.NodeProto) -> int:
    shape = graph.shapes.get(node.input[0], ())
    scale = graph.constant(node, 1) if node.op_type == "InstanceNormalization" else None
    if scale is not None and len(shape) in (0, 4):
        return int(scale.size)
    if len(shape) != 4 or shape[1] is None:
        raise ModelFileError(
            f"{node.op_type} {node.name!r} normalizes something else than the channels of a picture, or the file does "
            "not say how many there are; shrink the picture with max_side, or allow more memory"
        )
    return shape[1]
