from collections import Counter
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph
from fststyle.graph.nodes import attribute, sort_nodes

Assets = dict[str, Any]


def padded(assets: Assets) -> Any:
    """Pads by amounts that follow from constants, as torch's older exporter writes it."""
    value = numpy_helper.from_array(np.array([0], np.int64))
    nodes = [
        helper.make_node("Constant", [], ["sides"], value=numpy_helper.from_array(np.array([0, 0, 1, 1], np.int64))),
        helper.make_node("Constant", [], ["four"], value=numpy_helper.from_array(np.array([4], np.int64))),
        helper.make_node("ConstantOfShape", ["four"], ["zeros"], value=value),
        helper.make_node("Concat", ["sides", "zeros"], ["amounts"], axis=0),
        helper.make_node("Pad", ["content", "amounts"], ["wide"]),
        helper.make_node("Conv", ["wide", "kernel"], ["stylized"], kernel_shape=[2, 2]),
    ]
    return assets["picture_model"](nodes, {"kernel": np.ones((3, 3, 2, 2), np.float32), "unused": np.ones(3)})


def test_constants_that_cannot_be_computed_are_an_error_of_ours(assets: Assets) -> None:
    nodes = [
        helper.make_node("Reshape", ["gain", "sides"], ["square"]),
        helper.make_node("Mul", ["content", "square"], ["stylized"]),
    ]
    model = assets["picture_model"](nodes, {"gain": np.ones(3, np.float32), "sides": np.array([2, 2], np.int64)})
    with pytest.raises(ModelFileError, match=r"cannot compute the constants of this network \(.*\); export it again"):
        Graph.read(model.SerializeToString())


def test_what_follows_from_constants_is_folded(assets: Assets) -> None:
    model = padded(assets)
    graph = Graph.read(model.SerializeToString())
    assert [node.op_type for node in graph.nodes] == ["Pad", "Conv"]
    assert set(graph.constants) == {"amounts", "kernel"}
    np.testing.assert_array_equal(graph.constants["amounts"], [0, 0, 1, 1, 0, 0, 0, 0])
    content = np.random.default_rng(0).random((1, 3, 5, 7), np.float32)
    before, after = (
        onnxruntime.InferenceSession(data.SerializeToString()).run(None, {"content": content})[0]
        for data in (model, graph.model)
    )
    np.testing.assert_array_equal(after, before)


def test_shapes_that_are_known_and_free(assets: Assets) -> None:
    graph = Graph.read(padded(assets).SerializeToString())
    assert graph.shapes["content"] == (None, 3, None, None)
    assert graph.shapes["stylized"][1] == 3
    assert graph.types["wide"] == TensorProto.FLOAT


def test_weights_that_are_listed_as_inputs_are_constants(assets: Assets) -> None:
    model = assets["gain_model"](2.0)
    model.graph.input.append(helper.make_tensor_value_info("gain", TensorProto.FLOAT, [1, 3, 1, 1]))
    graph = Graph.read(model.SerializeToString())
    assert graph.input_name == "content"
    assert len(graph.model.graph.input) == 1
    assert (graph.constants["gain"] == 2).all()


def test_a_number_with_a_default_stays_an_input(assets: Assets) -> None:
    model = assets["picture_model"](
        [helper.make_node("Neg", ["strength"], ["minus"]), helper.make_node("Mul", ["content", "minus"], ["stylized"])],
        {"strength": np.array([1], np.float32)},
    )
    model.graph.input.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    graph = Graph.read(model.SerializeToString())
    session = onnxruntime.InferenceSession(graph.model.SerializeToString())
    content = np.ones((1, 3, 2, 2), np.float32)
    assert session.run(None, {"content": content})[0].max() == -1
    assert session.run(None, {"content": content, "strength": np.array([0.5], np.float32)})[0].max() == -0.5


def test_consumers_and_attributes(assets: Assets) -> None:
    graph = Graph.read(padded(assets).SerializeToString())
    pad, conv = graph.nodes
    assert graph.consumers() == {"content": [pad], "amounts": [pad], "wide": [conv], "kernel": [conv]}
    assert attribute(conv, "kernel_shape") == [2, 2]
    assert attribute(pad, "mode", "constant") == "constant"
    np.testing.assert_array_equal(graph.constant(conv, 1), np.ones((3, 3, 2, 2)))
    assert graph.constant(conv, 0) is None
    assert graph.constant(conv, 2) is None


def test_a_derived_model_holds_what_its_outputs_need(assets: Assets) -> None:
    graph = Graph.read(padded(assets).SerializeToString())
    inputs = [*graph.model.graph.input, helper.make_tensor_value_info("other", TensorProto.FLOAT, [1])]
    wide = [helper.make_tensor_value_info("wide", TensorProto.FLOAT, None)]
    model = graph.derived(graph.nodes, inputs, wide, {"extra": np.ones(1)})
    assert Counter(node.op_type for node in model.graph.node) == {"Pad": 1}
    assert [value.name for value in model.graph.input] == ["content"]
    assert [tensor.name for tensor in model.graph.initializer] == ["amounts"]


def test_nodes_in_any_order_are_sorted(assets: Assets) -> None:
    model = padded(assets)
    ordered = [node.output[0] for node in model.graph.node]
    backwards = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(backwards)
    assert [node.op_type for node in Graph.read(model.SerializeToString()).nodes] == ["Pad", "Conv"]
    sort_nodes(model)
    onnx.checker.check_model(model)
    assert sorted(node.output[0] for node in model.graph.node) == sorted(ordered)
    kept = [node.output[0] for node in model.graph.node]
    sort_nodes(model)
    assert [node.output[0] for node in model.graph.node] == kept


def test_nodes_that_wait_for_each_other_are_refused(assets: Assets) -> None:
    circle = [helper.make_node("Add", ["content", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    model = assets["picture_model"]([*circle, helper.make_node("Relu", ["b"], ["stylized"])])
    with pytest.raises(ModelFileError, match="wait for each other; export it again"):
        sort_nodes(model)
