"""What vs-mlrt asks of a network, as its source has it at commit 8cd6cf2.

common/onnx_utils.cpp sets the sizes, vsort/vs_onnxruntime.cpp checks the session and fills the planes of a frame. Each
function here does what the one of that name does there. VapourSynth itself is not run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from documents import ROOT
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle import Stylizer, export_form, networks


def specify_shape(model: onnx.ModelProto, width: int, height: int) -> None:
    if len(model.graph.input) != 1:
        raise ValueError("graph must has a single input")
    if len(model.graph.output) != 1:
        raise ValueError("graph must has a single output")
    takes, gives = (value.type.tensor_type.shape.dim for value in (model.graph.input[0], model.graph.output[0]))
    if len(takes) != 4 or len(gives) != 4:
        raise ValueError("input dimension must be 4")
    takes[0].dim_value, takes[2].dim_value, takes[3].dim_value = 1, height, width
    gives[0].dim_value = 1
    for side in (gives[2], gives[3]):
        if side.HasField("dim_value"):  # protobuf's clear_dim_value leaves a name where it is
            side.ClearField("dim_value")
    del model.graph.value_info[:]
    model.CopyFrom(onnx.shape_inference.infer_shapes(model))


def check_session(session: onnxruntime.InferenceSession) -> None:
    for ends, what in ((session.get_inputs(), "input"), (session.get_outputs(), "output")):
        if len(ends) != 1:
            raise ValueError(f"network {what} count must be 1, got {len(ends)}")
        if ends[0].type not in ("tensor(float)", "tensor(float16)"):
            raise ValueError("expects network IO with type fp32 or fp16")
        if len(ends[0].shape) != 4:
            raise ValueError("expects network with 4-D IO")
        if ends[0].shape[0] != 1:
            raise ValueError("batch size of network must be 1")
    if session.get_outputs()[0].shape[1] not in (1, 3):
        raise ValueError("output dimensions must be 1 or 3")


def check_nodes_and_network(session: onnxruntime.InferenceSession, planes: int, height: int, width: int) -> None:
    takes, gives = session.get_inputs()[0].shape, session.get_outputs()[0].shape
    if takes[1] != planes:
        raise ValueError(f"expects {takes[1]} input planes")
    if takes[2] > height or takes[3] > width:
        raise ValueError("tile size larger than clip dimension")
    if gives[2] % takes[2] or gives[3] % takes[3]:
        raise ValueError("output dimensions must be divisible by input dimensions")


def get_frame(path: Path, clip: NDArray[np.float32]) -> NDArray[np.float32]:
    """core.ort.Model(clip, path) of one frame, planes of RGBS, without tiles."""
    height, width = clip.shape[1:]
    model = onnx.load(path)
    specify_shape(model, width, height)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    check_session(session)
    check_nodes_and_network(session, len(clip), height, width)
    (answer,) = session.run(None, {session.get_inputs()[0].name: clip[None]})
    return np.asarray(answer[0])


@pytest.mark.parametrize("name", ["udnie", "udnie_tiny", "udnie_johnson"])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (47, 33)])
def test_networks_of_ours(name: str, width: int, height: int) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    painted = get_frame(networks()[name], np.ascontiguousarray(photo.transpose(2, 0, 1), np.float32) / 255)
    expected = Stylizer(networks()[name], "cpu")(photo)
    assert np.abs(painted.transpose(1, 2, 0) * 255 - expected).max() <= 0.51


def test_bytes_are_not_for_it(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("content", TensorProto.UINT8, [1, 3, 8, 8])
    out = helper.make_tensor_value_info("stylized", TensorProto.UINT8, [1, 3, 8, 8])
    graph = helper.make_graph([helper.make_node("Identity", ["content"], ["stylized"])], "g", [value], [out])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "a.onnx")
    with pytest.raises(ValueError, match="fp32 or fp16"):
        get_frame(tmp_path / "a.onnx", np.zeros((3, 8, 8), np.float32))


def test_a_strength_has_to_be_fixed_first(assets: dict[str, Any], save: Callable[..., Path], tmp_path: Path) -> None:
    model = assets["picture_model"]([helper.make_node("Mul", ["content", "strength"], ["stylized"])])
    model.graph.input.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "strength"))
    path = save(model, card={})
    clip = np.ones((3, 8, 8), np.float32)
    with pytest.raises(ValueError, match="single input"):
        get_frame(path, clip)
    export_form(path, tmp_path / "fixed.onnx", strength=0.5)
    assert (get_frame(tmp_path / "fixed.onnx", clip) == 0.5).all()


def test_a_file_for_one_size(tmp_path: Path) -> None:
    export_form(ROOT / "models" / "udnie_tiny.onnx", tmp_path / "a.onnx", size=(64, 48))
    assert get_frame(tmp_path / "a.onnx", np.zeros((3, 48, 64), np.float32)).shape == (3, 48, 64)
