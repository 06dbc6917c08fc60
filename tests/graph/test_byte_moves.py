from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from fststyle.graph.byte_moves import move_bytes, round_once

Assets = dict[str, Any]


def model(assets: Assets, mode: str = "reflect", *, shared: bool = False) -> onnx.ModelProto:
    """A picture, mirrored, in bytes and back, twelve channels of it rearranged."""
    constants = {
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "scale": np.float32(1 / 255),
        "zero": np.uint8(0),
        "spread": np.random.default_rng(0).random((12, 3, 3, 3), np.float32) / 13,
    }
    nodes = [
        helper.make_node("Pad", ["content", "pads"], ["padded"], mode=mode),
        helper.make_node("QuantizeLinear", ["padded", "scale", "zero"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "scale", "zero"], ["floats"]),
        helper.make_node("Conv", ["floats", "spread"], ["twelve"]),
        helper.make_node("QuantizeLinear", ["twelve", "scale", "zero"], ["twelve bytes"]),
        helper.make_node("DequantizeLinear", ["twelve bytes", "scale", "zero"], ["twelve floats"]),
        helper.make_node("DepthToSpace", ["twelve floats"], ["rearranged"], blocksize=2),
    ]
    if shared:
        nodes.append(helper.make_node("ReduceMax", ["twelve floats"], ["most"], keepdims=0))
        nodes.append(helper.make_node("Div", ["rearranged", "most"], ["stylized"]))
    else:
        nodes.append(helper.make_node("Sqrt", ["rearranged"], ["stylized"]))
    made: onnx.ModelProto = assets["picture_model"](nodes, constants)
    return made


def paint(model: onnx.ModelProto) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    content = np.random.default_rng(1).random((1, 3, 20, 30), np.float32)
    answer: np.ndarray[Any, Any] = session.run(None, {"content": content})[0]
    return answer


def order(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_bytes_are_moved_and_nothing_changes(assets: Assets) -> None:
    made = model(assets)
    before = paint(made)
    move_bytes(made)
    onnx.checker.check_model(made, full_check=True)
    assert order(made)[:2] == ["QuantizeLinear", "Pad"]
    assert order(made)[-3:] == ["DepthToSpace", "DequantizeLinear", "Sqrt"]
    assert before.std() > 0.01
    np.testing.assert_array_equal(paint(made), before)
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(made).graph.value_info
    }
    assert types["padded"] == types["twelve floats"] == TensorProto.UINT8


@pytest.mark.parametrize("arguments", [{"mode": "constant"}, {"shared": True}])
def test_what_cannot_be_exchanged_stays(assets: Assets, arguments: dict[str, Any]) -> None:
    made = model(assets, **arguments)
    before = order(made)
    move_bytes(made)
    place = slice(0, 2) if "mode" in arguments else slice(5, 7)
    assert order(made)[place] == before[place]


def rectified(assets: Assets, *, shared: bool = False) -> onnx.ModelProto:
    """A convolution, rounded to bytes, and its positive half, rounded again."""
    constants = {
        "step": np.float32(0.02),
        "middle": np.uint8(128),
        "fine step": np.float32(0.011),
        "zero": np.uint8(0),
        "weights": np.random.default_rng(0).normal(0, 0.5, (3, 3, 1, 1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["content", "weights"], ["a"]),
        helper.make_node("QuantizeLinear", ["a", "step", "middle"], ["a bytes"]),
        helper.make_node("DequantizeLinear", ["a bytes", "step", "middle"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "fine step", "zero"], ["c bytes"]),
        helper.make_node("DequantizeLinear", ["c bytes", "fine step", "zero"], ["d"]),
        helper.make_node("Add", ["d", "b"] if shared else ["d", "d"], ["stylized"]),
    ]
    made: onnx.ModelProto = assets["picture_model"](nodes, constants)
    return made


def test_what_is_rounded_twice_is_rounded_once(assets: Assets) -> None:
    made = rectified(assets)
    before = paint(made)
    exact = rectified(assets)
    kept = [exact.graph.node[0], exact.graph.node[3], exact.graph.node[-1]]
    kept[1].input[0], kept[2].input[:] = "a", ["c", "c"]
    del exact.graph.node[:]
    exact.graph.node.extend(kept)
    round_once(made)
    onnx.checker.check_model(made, full_check=True)
    assert order(made) == ["Conv", "Relu", "QuantizeLinear", "DequantizeLinear", "Add"]
    strayed = [float(np.abs(one - paint(exact)).mean()) for one in (paint(made), before)]
    assert 0 < strayed[0] < 0.8 * strayed[1]


def test_bytes_that_are_read_again_stay(assets: Assets) -> None:
    made = rectified(assets, shared=True)
    before = made.SerializeToString()
    round_once(made)
    assert made.SerializeToString() == before
