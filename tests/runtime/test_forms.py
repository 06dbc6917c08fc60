"""Other forms of a network paint the same, and keep its card."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle import Stylizer, export_form, quantize
from fststyle.errors import FststyleError, ModelFileError
from fststyle.model.file import read_model
from fststyle.pictures.files import write_picture
from fststyle.runtime import forms

MODELS = Path(__file__).parents[2] / "models"
TINY = MODELS / "udnie_tiny.onnx"


def test_one_size_in_old_operators(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    made = export_form(TINY, tmp_path / "a.onnx", size=(47, 33), opset=11)
    assert made.difference <= 1e-6
    file = read_model(tmp_path / "a.onnx")
    assert (file.opset, file.input_shape) == (11, (1, 3, 33, 47))
    before = read_model(TINY).card
    assert before is not None
    assert file.card is not None
    assert replace(file.card, weights_sha256="") == replace(before, weights_sha256="")
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    assert [value.shape for value in (*session.get_inputs(), *session.get_outputs())] == [[1, 3, 33, 47]] * 2
    painted = Stylizer(tmp_path / "a.onnx")(photo).astype(int)
    assert np.abs(painted - Stylizer(TINY)(photo)).max() <= 1


def test_free_sizes_keep_their_names(tmp_path: Path) -> None:
    export_form(TINY, tmp_path / "a.onnx", opset=15)
    graph = onnx.load(tmp_path / "a.onnx").graph
    for value in (graph.input[0], graph.output[0]):
        dims = value.type.tensor_type.shape.dim
        assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 3, "height", "width"]


@pytest.mark.parametrize("io", ["float", "uint8"])
def test_eight_bits(tmp_path: Path, photo: NDArray[np.uint8], io: Any) -> None:
    write_picture(tmp_path / "photos" / "a.png", np.tile(photo, (3, 3, 1)))
    quantize(TINY, tmp_path / "small.onnx", io=io, photos=tmp_path / "photos")
    assert export_form(tmp_path / "small.onnx", tmp_path / "a.onnx", size=(46, 35), opset=13).difference <= 0.02
    file = read_model(tmp_path / "a.onnx")
    assert (file.is_quantized, file.byte_pixels) == (True, io == "uint8")
    with pytest.raises(ModelFileError, match=r"8-bit weights .* opset 12 is too low; the lowest is 13$"):
        export_form(tmp_path / "small.onnx", tmp_path / "b.onnx", size=(46, 35), opset=12)
    assert not (tmp_path / "b.onnx").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"size": (10**6, 10**6)}, r"takes about 1000000 GB, and [\d.]+ GB are free; choose a smaller size"),
        ({"size": (19, 64)}, "takes pictures from 20×20 pixels, not 19×64"),
        ({"strength": 0.5}, "has no input for the strength; leave it out"),
        ({"opset": 9}, "the lowest is 1"),
    ],
)
def test_what_is_refused(tmp_path: Path, asked: dict[str, Any], words: str) -> None:
    output = tmp_path / "a.onnx"
    with pytest.raises(ModelFileError, match=words):
        export_form(TINY, output, **asked)
    assert not output.exists()


@pytest.mark.parametrize(
    ("asked", "order"),
    [({"size": (64, 48)}, "CRD"), ({"order": "dcr"}, "DCR"), ({"size": (64, 48), "order": "dcr", "opset": 11}, "DCR")],
)
def test_the_order_of_channels(tmp_path: Path, asked: dict[str, Any], order: str) -> None:
    """pnnx, which converts for ncnn, knows torch's alone; CoreML the other one."""
    assert export_form(TINY, tmp_path / "a.onnx", **asked).difference <= 1e-6
    nodes = [node for node in onnx.load(tmp_path / "a.onnx").graph.node if node.op_type == "DepthToSpace"]
    assert {entry.s.decode() for node in nodes for entry in node.attribute if entry.name == "mode"} == {order}


@pytest.mark.parametrize(
    "asked", [{"opset": 6}, {"opset": 19}, {"layout": "bgr255"}, {"layout": "xyz"}, {"order": "abc"}]
)
def test_arguments_out_of_range(tmp_path: Path, asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"opset must lie|layout|order must be one of crd, dcr"):
        export_form(TINY, tmp_path / "a.onnx", **asked)


def test_neither_the_network_nor_another_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(TINY.read_bytes())
    (tmp_path / "b.onnx").write_bytes(b"\x89PNG\r\n\x1a\n and more")
    with pytest.raises(FststyleError, match="would overwrite the input"):
        export_form(tmp_path / "a.onnx", tmp_path / "a.onnx", size=(64, 64))
    with pytest.raises(ModelFileError, match=r"exists and is a picture"):
        export_form(TINY, tmp_path / "b.onnx", size=(64, 64))


def test_a_form_for_one_size_is_not_made_another(tmp_path: Path) -> None:
    export_form(TINY, tmp_path / "a.onnx", size=(64, 48))
    export_form(tmp_path / "a.onnx", tmp_path / "b.onnx", size=(64, 48), opset=15)
    with pytest.raises(ModelFileError, match="for pictures of 64×48 pixels already; start from the network"):
        export_form(tmp_path / "a.onnx", tmp_path / "c.onnx", size=(64, 64))


def with_strength(assets: dict[str, Any]) -> onnx.ModelProto:
    """A picture times its strength."""
    model: onnx.ModelProto = assets["picture_model"]([helper.make_node("Mul", ["content", "strength"], ["stylized"])])
    model.graph.input.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "strength"))
    return model


def test_a_strength_stays_an_input_or_becomes_a_constant(
    assets: dict[str, Any], save: Callable[..., Path], tmp_path: Path
) -> None:
    path = save(with_strength(assets), card={})
    export_form(path, tmp_path / "input.onnx", size=(8, 6))
    assert read_model(tmp_path / "input.onnx").takes_strength
    assert export_form(path, tmp_path / "fixed.onnx", strength=0.25).difference == 0
    assert not read_model(tmp_path / "fixed.onnx").takes_strength
    assert len(onnx.load(tmp_path / "fixed.onnx").graph.input) == 1
    white = np.full((6, 8, 3), 255, np.uint8)
    assert (Stylizer(tmp_path / "fixed.onnx")(white) == 64).all()
    with pytest.raises(ValueError, match=r"strength must lie in 0..1, not 1.5"):
        export_form(path, tmp_path / "a.onnx", strength=1.5)


def test_networks_of_others(assets: dict[str, Any], save: Callable[..., Path], tmp_path: Path) -> None:
    """One that halves the size and doubles it again, so that odd sizes do not come back."""
    nodes = [
        helper.make_node("MaxPool", ["content"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["half", "", "scales"], ["stylized"]),
    ]
    path = save(assets["picture_model"](nodes, {"scales": np.array([1, 1, 2, 2], np.float32)}))
    assert export_form(path, tmp_path / "a.onnx", size=(64, 32), opset=9, layout="bgr255").difference == 0
    assert read_model(tmp_path / "a.onnx").card is None
    assert export_form(path, tmp_path / "b.onnx", opset=11).difference == 0
    with pytest.raises(ModelFileError, match=r"does not keep 65×32 pixels; try --size 64x32"):
        export_form(path, tmp_path / "c.onnx", size=(65, 32))


def test_a_form_that_paints_differently_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: onnx.ModelProto) -> None:
        weights = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 4)
        weights.CopyFrom(numpy_helper.from_array(np.roll(numpy_helper.to_array(weights), 1, 1), weights.name))

    monkeypatch.setattr(forms, "depth_first", broken)
    with pytest.raises(ModelFileError, match="away from itself at 64×48, so it was not kept"):
        export_form(TINY, tmp_path / "a.onnx", size=(64, 48), order="dcr")
    assert not (tmp_path / "a.onnx").exists()
