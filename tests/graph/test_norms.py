from typing import Any

import numpy as np
import pytest
from onnx import helper

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph
from fststyle.graph.norms import Norm, find_norms

Assets = dict[str, Any]


def node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(), [output], **attributes)


def graph_of(assets: Assets, *nodes: Any, **weights: Any) -> Graph:
    return Graph.read(assets["picture_model"](list(nodes), weights).SerializeToString())


def test_both_makes_are_found(assets: Assets) -> None:
    graph = graph_of(
        assets,
        node("InstanceNormalization", "content scale bias", "a"),
        node("ReduceMean", "a axes", "mean"),
        node("Sub", "a mean", "minus"),
        node("Mul", "minus minus", "squares"),
        node("ReduceMean", "squares axes", "variance"),
        node("Div", "minus variance", "stylized"),
        scale=np.ones(3, np.float32),
        bias=np.zeros(3, np.float32),
        axes=np.array([-1, -2]),
    )
    assert find_norms(graph) == (
        Norm("content", 3, "a"),
        Norm("a", 3, None, "mean", "variance"),
    )


@pytest.mark.parametrize(
    ("axes", "squared", "average"),
    [([1], "minus minus", "squares"), ([2, 3], "minus content", "squares"), ([2, 3], "minus minus", "minus")],
)
def test_other_means_are_no_norms(assets: Assets, axes: list[int], squared: str, average: str) -> None:
    graph = graph_of(
        assets,
        node("ReduceMean", "content axes", "mean"),
        node("Sub", "content mean", "minus"),
        node("Mul", squared, "squares"),
        node("ReduceMean", f"{average} axes", "variance"),
        node("Div", "squares variance", "stylized"),
        axes=np.array(axes),
    )
    assert find_norms(graph) == ()


def test_channels_that_cannot_be_counted(assets: Assets) -> None:
    graph = graph_of(
        assets,
        node("Reshape", "content sides", "a"),
        node("Add", "zeros zeros", "scale"),
        node("Mul", "scale content", "free"),
        node("ReduceMean", "free axes", "vector", keepdims=0),
        node("Reshape", "vector flat", "channels"),
        node("InstanceNormalization", "a channels channels", "stylized"),
        sides=np.array([1, -1, 4, 4]),
        zeros=np.zeros(1, np.float32),
        axes=np.array([2, 3]),
        flat=np.array([-1]),
    )
    with pytest.raises(ModelFileError, match=r"InstanceNormalization .* does not say how many there are; shrink"):
        find_norms(graph)
