"""The nodes of an ONNX graph: their attributes, their order, and which of them an output needs."""

import graphlib
import heapq
from typing import Any

import onnx
from onnx import helper

from fststyle.errors import ModelFileError


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """An attribute's value, texts as `str`."""
    for entry in node.attribute:
        if entry.name == name:
            value = helper.get_attribute_value(entry)
            return value.decode() if isinstance(value, bytes) else value
    return default


def set_attributes(node: onnx.NodeProto, **values: Any) -> None:
    """Give a node these attributes, in the place of those of the same names."""
    kept = [entry for entry in node.attribute if entry.name not in values]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(name, value) for name, value in values.items())])


def sort_nodes(model: onnx.ModelProto) -> None:
    """Put every node after those whose outputs it reads, in place; otherwise they keep their order.

    ONNX asks for it, but onnxruntime does not mind, and its converter to 16 bits appends its casts at the end.
    """
    nodes = list(model.graph.node)
    makers = {name: number for number, node in enumerate(nodes) for name in node.output if name}
    sorter = graphlib.TopologicalSorter(
        {number: sorted({makers[name] for name in node.input if name in makers}) for number, node in enumerate(nodes)}
    )
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise ModelFileError(
            "the network is not valid ONNX, some of its nodes wait for each other; export it again"
        ) from error
    ready: list[int] = []
    ordered = []
    while sorter.is_active():
        for number in sorter.get_ready():
            heapq.heappush(ready, number)
        number = heapq.heappop(ready)
        ordered.append(nodes[number])
        sorter.done(number)
    del model.graph.node[:]
    model.graph.node.extend(ordered)


def needed(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """Those that have to be computed for these outputs, in the same order."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]


def drop_unread(graph: onnx.GraphProto) -> None:
    """Leave out initializers that no node reads and that are no inputs, in place."""
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
