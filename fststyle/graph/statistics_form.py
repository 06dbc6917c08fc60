"""A network's second form: the statistics of its instance norms are inputs and outputs of the graph.

Instance norm takes the mean and the variance of every channel over the whole picture. That is why a network cannot be
run tile by tile, and why its brightness pumps between the frames of a video. From the bytes of any exported network,
ours or someone else's, this module makes graphs that are given those statistics, tell them, or both. It needs no torch.

    form = StatisticsForm.read(data)                      # the bytes of an ONNX file
    measuring = form.build(measured=form.every)           # content -> stylized, measured_mean, measured_variance
    given = form.build(given=True)                        # content, mean, variance -> stylized
    both = form.build(given=True, measured=form.every)    # content, mean, variance -> all three

The statistics of all norms lie one after the other in two vectors, so that holding, mixing and averaging them is
arithmetic on two arrays (`Statistics`). `Sums` puts the statistics of parts together to those of the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph, attribute
from fststyle.graph.norms import find_norms

MEAN, VARIANCE, CORES = "mean", "variance", "cores"
MEASURED_MEAN, MEASURED_VARIANCE, MEASURED_COUNT = "measured_mean", "measured_variance", "measured_count"

# A network may have tensors of these names inside; torch calls them by what computes them.
_OURS = (MEAN, VARIANCE, CORES, MEASURED_MEAN, MEASURED_VARIANCE, MEASURED_COUNT)


@dataclass(frozen=True)
class Statistics:
    """What every instance norm of a network found, in the order of `StatisticsForm.norms`.

    Attributes:
        mean: float32 of shape (channels of all norms,).
        variance: Likewise; of the population, not of a sample.
    """

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]

    def mixed(self, other: "Statistics", weight: float) -> "Statistics":
        """These, and `weight` in 0..1 of the other: what to hold when a video goes on, for example."""
        if not 0 <= weight <= 1:
            raise ValueError(f"weight must lie in 0..1, not {weight}")
        mean = (1 - weight) * self.mean + weight * other.mean
        variance = (1 - weight) * self.variance + weight * other.variance
        return Statistics(mean.astype(np.float32), variance.astype(np.float32))

    def feeds(self) -> dict[str, NDArray[np.float32]]:
        """As inputs of a graph that is given statistics."""
        return {MEAN: self.mean, VARIANCE: self.variance}


class Sums:
    """Count, mean and sum of squared deviations of the channels of one norm, over parts of a picture.

    The squares are taken around each part's own mean and put together in float64 (Chan, Golub & LeVeque 1979):
    subtracting two large sums of squares would leave noise where a channel's mean is large.
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self._mean = np.zeros(channels)
        self._squares = np.zeros(channels)

    def add(self, count: int, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> None:
        """Take in a part of `count` positions."""
        if not count:
            return
        whole = self.count + count
        difference = mean.astype(np.float64) - self._mean
        self._mean += difference * count / whole
        self._squares += variance.astype(np.float64) * count + difference**2 * self.count * count / whole
        self.count = whole

    @property
    def mean(self) -> NDArray[np.float32]:
        """Of all parts."""
        return self._mean.astype(np.float32)

    @property
    def variance(self) -> NDArray[np.float32]:
        """Of all parts."""
        return (self._squares / max(self.count, 1)).astype(np.float32)


class StatisticsForm:
    """A network's graph, its instance norms found.

    Attributes:
        graph: Folded, otherwise as in the file.
        norms: In the order in which they are computed.
    """

    def __init__(self, graph: Graph) -> None:
        graph.rename({name: f"network/{name}" for name in _OURS})
        self.graph = graph
        self.norms = find_norms(graph)
        self._opset = graph.opset

    @classmethod
    def read(cls, data: bytes) -> Self:
        """From the bytes of a file that `read_model` accepts."""
        return cls(Graph.read(data))

    @property
    def every(self) -> range:
        """The numbers of all norms, for `measured`."""
        return range(len(self.norms))

    def part(self, number: int) -> slice:
        """Where the channels of a norm lie in `Statistics`."""
        start = sum(norm.channels for norm in self.norms[:number])
        return slice(start, start + self.norms[number].channels)

    def build(
        self,
        *,
        given: bool = False,
        measured: Sequence[int] = (),
        cores: bool = False,
        picture: bool = True,
    ) -> bytes:
        """Write a graph with the weights of the network.

        Args:
            given: Inputs `mean` and `variance`, float32 of shape (channels of all norms,), are what the norms use for
                all items of a batch. Without, each norm uses what it finds itself, over positions and batch.
            measured: Numbers of norms whose statistics the graph tells: outputs `measured_mean` and
                `measured_variance`, one norm after the other. What the norms find, not what they are given.
            cores: An input `cores`, int64 of shape (norms, 4), says over which positions each norm takes its
                statistics: top, left, bottom, right, in the norm's own tensor; the last two are exclusive and
                may lie beyond the end. Without, over all of them. A third output, `measured_count`, int64 of shape
                (measured norms,), tells how many positions that were.
            picture: Whether the graph paints, too. Without, it ends at the last of the norms it measures.

        Returns:
            The bytes of a model. Inputs that its outputs do not depend on are left out of it.

        Raises:
            ModelFileError: `cores` is asked of a graph older than opset 10.
        """
        if cores and self._opset < 10:
            raise ModelFileError(
                f"this network has opset {self._opset}, which cannot cut out a part; export it with 10 or more"
            )
        builder = _Builder(self, given=given, cores=cores)
        outputs = [self.graph.model.graph.output[0]] if picture else []
        if measured:
            builder.tell(list(measured))
            outputs += [_vector(MEASURED_MEAN, None), _vector(MEASURED_VARIANCE, None)]
            if cores:
                outputs.append(helper.make_tensor_value_info(MEASURED_COUNT, TensorProto.INT64, [len(measured)]))
        channels = sum(norm.channels for norm in self.norms)
        inputs = [*self.graph.model.graph.input, _vector(MEAN, channels), _vector(VARIANCE, channels)]
        inputs.append(helper.make_tensor_value_info(CORES, TensorProto.INT64, [len(self.norms), 4]))
        model = self.graph.derived(builder.nodes(), inputs, outputs, builder.constants)
        return bytes(model.SerializeToString())


class _Builder:
    """Collects the nodes of one derived graph."""

    def __init__(self, form: StatisticsForm, *, given: bool, cores: bool) -> None:
        self._form = form
        self._given = given
        self._cores = cores
        self._opset = form._opset
        self._before: list[onnx.NodeProto] = []
        self._after: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {
            "statistics/axes": np.array([0, 2, 3]),
            "statistics/flat": np.array([-1]),
            "statistics/spatial": np.array([2, 3]),
        }
        if given and form.norms:
            for name in (MEAN, VARIANCE):
                self._split(name)

    def tell(self, numbers: list[int]) -> None:
        """Output what these norms find."""
        kinds = {MEASURED_MEAN: "found_mean", MEASURED_VARIANCE: "found_variance"}
        if self._cores:
            kinds[MEASURED_COUNT] = "found_count"
        for target, kind in kinds.items():
            names = [f"statistics/{number}/{kind}" for number in numbers]
            self._after.append(helper.make_node("Concat", names, [target], axis=0))

    def nodes(self) -> list[onnx.NodeProto]:
        """The network's nodes with the norms exchanged and ours between them."""
        norms = list(enumerate(self._form.norms))
        by_output = {norm.output: number for number, norm in norms if norm.output is not None}
        replaced = {name for _, norm in norms for _, name in norm.computed}
        waiting: dict[str, list[onnx.NodeProto]] = {}
        for number, norm in norms:
            waiting.setdefault(norm.source, []).extend(self._statistics(number))
        result = self._before + waiting.pop(self._form.graph.input_name, [])
        for node in self._form.graph.nodes:
            if node.output[0] in by_output:
                result.extend(self._batch_norm(node, by_output[node.output[0]]))
            elif node.output[0] not in replaced:
                result.append(node)
            for name in node.output:
                result += waiting.pop(name, [])
        return result + self._after

    def _split(self, name: str) -> None:
        sizes = [norm.channels for norm in self._form.norms]
        outputs = [f"statistics/{number}/given_{name}" for number in self._form.every]
        if self._opset < 13:
            self._before.append(helper.make_node("Split", [name], outputs, axis=0, split=sizes))
        else:
            self.constants["statistics/sizes"] = np.array(sizes)
            self._before.append(helper.make_node("Split", [name, "statistics/sizes"], outputs, axis=0))

    def _statistics(self, number: int) -> list[onnx.NodeProto]:
        """What a norm finds, as vectors; and, for a norm of simple operators, under the names they had."""
        norm, at = self._form.norms[number], f"statistics/{number}"
        nodes = []
        region = norm.source
        if self._cores:
            region = f"{at}/core"
            nodes += self._core(number, region)
            self.constants[f"{at}/channels"] = np.array([norm.channels])
            nodes += [
                helper.make_node("Size", [region], [f"{at}/size"]),
                helper.make_node("Reshape", [f"{at}/size", "statistics/flat"], [f"{at}/sizes"]),
                helper.make_node("Div", [f"{at}/sizes", f"{at}/channels"], [f"{at}/found_count"]),
            ]
        if self._kind(norm.source) != TensorProto.FLOAT:
            nodes.append(helper.make_node("Cast", [region], [f"{at}/float"], to=TensorProto.FLOAT))
            region = f"{at}/float"
        nodes += [
            self._average(region, f"{at}/mean"),
            helper.make_node("Sub", [region, f"{at}/mean"], [f"{at}/centered"]),
            helper.make_node("Mul", [f"{at}/centered", f"{at}/centered"], [f"{at}/squares"]),
            self._average(f"{at}/squares", f"{at}/variance"),
        ]
        for kind in (MEAN, VARIANCE):
            nodes.append(helper.make_node("Reshape", [f"{at}/{kind}", "statistics/flat"], [f"{at}/found_{kind}"]))
        if norm.output is None:
            self.constants[f"{at}/shape"] = np.array([1, norm.channels, 1, 1])
            self.constants[f"{at}/flat_shape"] = np.array([1, norm.channels])
            used = "given" if self._given else "found"
            if norm.square is not None:  # E[x²] = Var[x] + E[x]²
                mean = f"{at}/{used}_mean"
                nodes.append(helper.make_node("Mul", [mean, mean], [f"{at}/{used}_mean_squared"]))
                both = [f"{at}/{used}_variance", f"{at}/{used}_mean_squared"]
                nodes.append(helper.make_node("Add", both, [f"{at}/{used}_square"]))
            for kind, name in norm.computed:
                shaped = f"{name}/shaped"
                shape = "flat_shape" if len(self._form.graph.shapes.get(name, ())) == 2 else "shape"
                nodes.append(helper.make_node("Reshape", [f"{at}/{used}_{kind}", f"{at}/{shape}"], [shaped]))
                nodes.append(helper.make_node("Cast", [shaped], [name], to=self._kind(norm.source)))
        return nodes

    def _kind(self, name: str) -> int:
        """The element type of a tensor of the network."""
        return self._form.graph.types.get(name) or TensorProto.FLOAT

    def _core(self, number: int, target: str) -> list[onnx.NodeProto]:
        at = f"statistics/{number}"
        self.constants[f"{at}/row"] = np.array(number)
        self.constants["statistics/pairs"] = np.array([2, 2])
        corners = [f"{at}/from", f"{at}/to"]
        if self._opset < 13:
            split = helper.make_node("Split", [f"{at}/corners"], corners, axis=0, split=[2, 2])
        else:
            split = helper.make_node("Split", [f"{at}/corners", "statistics/pairs"], corners, axis=0)
        return [
            helper.make_node("Gather", [CORES, f"{at}/row"], [f"{at}/corners"], axis=0),
            split,
            helper.make_node("Slice", [self._form.norms[number].source, *corners, "statistics/spatial"], [target]),
        ]

    def _average(self, source: str, target: str) -> onnx.NodeProto:
        if self._opset < 18:
            return helper.make_node("ReduceMean", [source], [target], axes=[0, 2, 3], keepdims=1)
        return helper.make_node("ReduceMean", [source, "statistics/axes"], [target], keepdims=1)

    def _batch_norm(self, node: onnx.NodeProto, number: int) -> list[onnx.NodeProto]:
        """An instance norm whose statistics are known is a batch norm, which is a single pass over the tensor."""
        used = "given" if self._given else "found"
        names = [f"statistics/{number}/{used}_{kind}" for kind in (MEAN, VARIANCE)]
        kind = self._kind(node.input[0])
        casts = []
        if kind != TensorProto.FLOAT:
            casts = [helper.make_node("Cast", [name], [f"{name}_cast"], to=kind) for name in names]
            names = [f"{name}_cast" for name in names]
        epsilon = attribute(node, "epsilon", 1e-5)
        return [
            *casts,
            helper.make_node("BatchNormalization", [*node.input, *names], list(node.output), epsilon=epsilon),
        ]


def _vector(name: str, length: int | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [length])
