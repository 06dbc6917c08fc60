"""Networks for one size of picture: nothing is computed from the size any more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from fststyle.graph.depth_order import depth_first
from fststyle.graph.fixed_size import at_size, static_shapes
from fststyle.graph.graph import Graph
from fststyle.model.devices import open_session

MODELS = Path(__file__).parents[2] / "models"


def painted(model: onnx.ModelProto, content: np.ndarray) -> np.ndarray:
    return np.asarray(open_session(model.SerializeToString()).run(["stylized"], {"content": content})[0])


@pytest.mark.parametrize(("height", "width"), [(20, 33), (33, 47), (64, 64)])
@pytest.mark.parametrize("name", ["udnie", "udnie_tiny"])
def test_a_network_of_ours(name: str, height: int, width: int) -> None:
    graph = Graph.read((MODELS / f"{name}.onnx").read_bytes())
    made = at_size(graph.model, height, width, set())
    assert not {"Shape", "Squeeze", "Div", "Reshape"} & {node.op_type for node in made.graph.node}
    shapes = static_shapes(made)
    assert shapes["stylized"] == shapes["content"] == (1, 3, height, width)
    assert {name for node in made.graph.node for name in node.output} <= shapes.keys()
    noise = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    np.testing.assert_array_equal(painted(made, noise), painted(graph.model, noise))
    depth_first(made)
    modes = [
        helper.get_attribute_value(entry)
        for node in made.graph.node
        for entry in node.attribute
        if entry.name == "mode" and node.op_type == "DepthToSpace"
    ]
    assert modes
    assert set(modes) == {b"DCR"}
    np.testing.assert_allclose(painted(made, noise), painted(graph.model, noise), atol=1e-6)


def test_what_does_nothing_at_this_size_is_left_out(assets: dict[str, Any]) -> None:
    weights = {
        "none": np.zeros(8, np.int64),
        "one": np.array([0, 0, 1, 0, 0, 0, -1, 0]),
        "far": np.array([0]),
        "end": np.array([10**6]),
        "axis": np.array([2]),
        "back": np.array([-1]),
        "start": np.array([-1]),
        "before": np.array([-(10**6)]),
    }
    nodes = [
        helper.make_node("Pad", ["content", "none"], ["a"]),
        helper.make_node("Slice", ["a", "far", "end", "axis"], ["b"]),
        helper.make_node("Identity", ["b"], ["c"]),
        helper.make_node("Pad", ["c", "one"], ["d"]),  # moves the picture by a row
        helper.make_node("Slice", ["d", "start", "before", "axis", "back"], ["e"]),  # turns it upside down
        helper.make_node("Relu", ["e"], ["stylized"]),
    ]
    made = at_size(assets["picture_model"](nodes, weights), 4, 5, set())
    assert [node.op_type for node in made.graph.node] == ["Pad", "Slice", "Relu"]
    picture = np.arange(60, dtype=np.float32).reshape(1, 3, 4, 5)
    moved = np.concatenate([np.zeros((1, 3, 1, 5), np.float32), picture[:, :, :-1]], 2)
    np.testing.assert_array_equal(painted(made, picture), moved[:, :, ::-1])


def test_a_convolution_that_others_read_keeps_its_order(assets: dict[str, Any]) -> None:
    """Its channels cannot be in two orders."""
    rng = np.random.default_rng(1)
    weights = {"w": rng.random((12, 3, 1, 1), np.float32), "v": rng.random((3, 12, 1, 1), np.float32)}
    weights |= {"from": np.array([0]), "to": np.array([10**6]), "axes": np.array([2]), "two": np.array([2])}
    nodes = [
        helper.make_node("Conv", ["content", "w"], ["a"], strides=[2, 2]),
        helper.make_node("DepthToSpace", ["a"], ["b"], blocksize=2, mode="CRD"),
        helper.make_node("Conv", ["a", "v"], ["c"]),
        helper.make_node("DepthToSpace", ["d"], ["e"], blocksize=2, mode="CRD"),
        helper.make_node("Conv", ["content", "w"], ["d"], strides=[2, 2]),
        helper.make_node("Add", ["b", "e"], ["stylized"]),
    ]
    nodes[3], nodes[4] = nodes[4], nodes[3]
    model = assets["picture_model"](nodes, weights)
    model.graph.output.append(helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, None))
    picture = rng.random((1, 3, 8, 8), np.float32)
    expected = painted(model, picture)
    depth_first(model)
    modes = [helper.get_attribute_value(n.attribute[1]) for n in model.graph.node if n.op_type == "DepthToSpace"]
    assert modes == [b"CRD", b"DCR"]
    np.testing.assert_array_equal(painted(model, picture), expected)


def test_a_default_stays_a_default(assets: dict[str, Any]) -> None:
    model = assets["picture_model"]([helper.make_node("Mul", ["content", "strength"], ["stylized"])])
    model.graph.input.append(helper.make_tensor_value_info("strength", onnx.TensorProto.FLOAT, [1]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(1, np.float32), "strength"))
    made = at_size(model, 4, 4, {"strength"})
    session = open_session(made.SerializeToString())
    (half,) = session.run(None, {"content": np.ones((1, 3, 4, 4), np.float32), "strength": np.full(1, 0.5, np.float32)})
    assert (half == 0.5).all()


def test_pixels_in_rows(save: Callable[..., Path]) -> None:
    value = helper.make_tensor_value_info("content", onnx.TensorProto.UINT8, ["n", "h", "w", 3])
    out = helper.make_tensor_value_info("stylized", onnx.TensorProto.UINT8, ["n", "h", "w", 3])
    graph = helper.make_graph([helper.make_node("Identity", ["content"], ["stylized"])], "g", [value], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    assert static_shapes(at_size(model, 5, 7, set()))["stylized"] == (1, 5, 7, 3)
