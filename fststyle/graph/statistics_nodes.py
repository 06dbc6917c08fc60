"""The nodes that take, tell and use the statistics of instance norms, for whichever opset a network has."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fststyle.graph.graph import Graph
from fststyle.graph.nodes import attribute
from fststyle.graph.norms import Norm
from fststyle.graph.statistics import CORES, MEAN, MEASURED_COUNT, MEASURED_MEAN, MEASURED_VARIANCE, VARIANCE


class StatisticsNodes:
    """Collects the nodes of one derived graph.

    Args:
        graph: The network's.
        norms: Its instance norms, in the order in which they are computed.
        given: The norms use inputs; else what they find.
        cores: They take their statistics over parts of their tensors, which an input tells.

    Attributes:
        constants: What the nodes need beside the network's weights.
    """

    def __init__(self, graph: Graph, norms: Sequence[Norm], *, given: bool, cores: bool) -> None:
        self._graph = graph
        self._norms = norms
        self._given = given
        self._cores = cores
        self._opset = graph.opset
        self._before: list[onnx.NodeProto] = []
        self._after: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {
            "statistics/axes": np.array([0, 2, 3]),
            "statistics/flat": np.array([-1]),
            "statistics/spatial": np.array([2, 3]),
        }
        if given and norms:
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
        norms = list(enumerate(self._norms))
        by_output = {norm.output: number for number, norm in norms if norm.output is not None}
        replaced = {name for _, norm in norms for _, name in norm.computed}
        waiting: dict[str, list[onnx.NodeProto]] = {}
        for number, norm in norms:
            waiting.setdefault(norm.source, []).extend(self._statistics(number))
        result = self._before + waiting.pop(self._graph.input_name, [])
        for node in self._graph.nodes:
            if node.output[0] in by_output:
                result.extend(self._batch_norm(node, by_output[node.output[0]]))
            elif node.output[0] not in replaced:
                result.append(node)
            for name in node.output:
                result += waiting.pop(name, [])
        return result + self._after

    def _split(self, name: str) -> None:
        sizes = [norm.channels for norm in self._norms]
        outputs = [f"statistics/{number}/given_{name}" for number in range(len(self._norms))]
        if self._opset < 13:
            self._before.append(helper.make_node("Split", [name], outputs, axis=0, split=sizes))
        else:
            self.constants["statistics/sizes"] = np.array(sizes)
            self._before.append(helper.make_node("Split", [name, "statistics/sizes"], outputs, axis=0))

    def _statistics(self, number: int) -> list[onnx.NodeProto]:
        """What a norm finds, as vectors; and, for a norm of simple operators, under the names they had."""
        norm, at = self._norms[number], f"statistics/{number}"
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
                shape = "flat_shape" if len(self._graph.shapes.get(name, ())) == 2 else "shape"
                nodes.append(helper.make_node("Reshape", [f"{at}/{used}_{kind}", f"{at}/{shape}"], [shaped]))
                nodes.append(helper.make_node("Cast", [shaped], [name], to=self._kind(norm.source)))
        return nodes

    def _kind(self, name: str) -> int:
        """The element type of a tensor of the network."""
        return self._graph.types.get(name) or TensorProto.FLOAT

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
            helper.make_node("Slice", [self._norms[number].source, *corners, "statistics/spatial"], [target]),
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
