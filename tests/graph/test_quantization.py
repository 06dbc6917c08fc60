import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fststyle.errors import ModelFileError
from fststyle.graph import quantization
from fststyle.graph.byte_pixels import with_byte_pixels
from fststyle.graph.quantization import Converted, convert
from fststyle.model.layouts import Values

Assets = dict[str, Any]
Pixels = NDArray[np.uint8]


def painter(assets: Assets, middle: int = 1) -> bytes:
    """Convolutions, `middle` of them between the first and the last, and norms."""
    random = np.random.default_rng(0)
    weights = {
        "first": random.normal(0, 0.2, (8, 3, 3, 3)).astype(np.float32),
        **{f"middle{number}": random.normal(0, 0.1, (8, 8, 3, 3)).astype(np.float32) for number in range(middle)},
        "last": random.normal(0, 0.1, (3, 8, 3, 3)).astype(np.float32),
        "scale": np.ones(8, np.float32),
        "bias": np.zeros(8, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["content", "first"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("InstanceNormalization", ["a", "scale", "bias"], ["b"], epsilon=1e-3),
        helper.make_node("Relu", ["b"], ["c"]),
    ]
    before = "c"
    for number in range(middle):
        nodes += [
            helper.make_node("Conv", [before, f"middle{number}"], [f"d{number}"], pads=[1, 1, 1, 1]),
            helper.make_node("InstanceNormalization", [f"d{number}", "scale", "bias"], [f"e{number}"], epsilon=1e-3),
        ]
        before = f"e{number}"
    nodes += [
        helper.make_node("Conv", [before, "last"], ["f"], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["f"], ["stylized"]),
    ]
    return bytes(assets["picture_model"](nodes, weights).SerializeToString())


@pytest.fixture
def photos() -> list[Pixels]:
    random = np.random.default_rng(1)
    return [random.integers(0, 256, (40 + 8 * number, 56, 3), np.uint8) for number in range(3)]


def paint(model: onnx.ModelProto, content: NDArray[Any]) -> NDArray[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer: NDArray[Any] = session.run(None, {session.get_inputs()[0].name: content})[0]
    return answer


def test_int8_convolutions_and_float_norms(assets: Assets, photos: list[Pixels]) -> None:
    data = painter(assets)
    made = convert(data, "int8", photos)
    assert quantization.MIN_PSNR <= made.psnr < 80
    nodes = made.model.graph.node
    kinds = {name: node for node in nodes for name in node.output}
    quantized = [node for node in nodes if node.op_type == "Conv" and node.input[1] in kinds]
    assert len(quantized) == 1
    weights = {tensor.name: tensor for tensor in made.model.graph.initializer}
    weight = kinds[quantized[0].input[1]]
    stored = onnx.numpy_helper.to_array(weights[weight.input[0]])
    assert stored.dtype == np.int8
    assert np.abs(stored.astype(int)).max() <= 64  # seven bits
    assert weights[weight.input[1]].dims == [8]  # a scale a channel
    assert {entry.domain for entry in made.model.opset_import} == {""}
    assert all(kinds.get(node.input[0]) for node in nodes if node.op_type == "InstanceNormalization")
    # At a size that it was not calibrated on.
    content = np.random.default_rng(2).random((1, 3, 33, 41), np.float32)
    plain = paint(onnx.ModelProto.FromString(data), content)
    assert np.abs(paint(made.model, content) - plain).max() < 0.1


def test_what_strays_most_stays_float_until_it_is_close_enough(
    assets: Assets, photos: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = painter(assets, middle=4)
    plain = convert(data, "int8", photos)
    assert plain.kept == 0
    monkeypatch.setattr(quantization, "MIN_PSNR", plain.psnr + quantization.MOST_LOST)
    made = convert(data, "int8", photos)
    assert made.kept >= 1
    assert made.psnr > plain.psnr
    weights = {tensor.name for tensor in made.model.graph.initializer}
    in_floats = [node for node in made.model.graph.node if node.op_type == "Conv" and node.input[1] in weights]
    assert len(in_floats) == 2 + made.kept  # these, the first and the last


def test_as_few_as_it_takes_stay_float_the_worst_first(monkeypatch: pytest.MonkeyPatch) -> None:
    harm = {"a": 1, "b": 9, "c": 3, "d": 2}  # decibels that each costs
    monkeypatch.setattr(quantization, "_prepare", lambda *_: ["first", *harm, "last"])
    monkeypatch.setattr(quantization, "_quantized", lambda _prepared, _reader, floats: list(floats))

    def judge(floats: Any) -> Converted:
        return Converted(floats, 40.0 - sum(cost for name, cost in harm.items() if name not in floats))

    graph: Any = SimpleNamespace(input_name="content")
    made = quantization._to_int8(graph, [], judge)
    assert (made.model, made.kept, made.psnr) == (["first", "last", "b", "c"], 2, 37)


@pytest.mark.parametrize(("cost", "floats"), [(0.9, ["first"]), (1.1, ["first", "last"])])
def test_the_last_stays_float_where_it_costs_much(
    monkeypatch: pytest.MonkeyPatch, cost: float, floats: list[str]
) -> None:
    monkeypatch.setattr(quantization, "_prepare", lambda *_: ["first", "middle", "last"])
    monkeypatch.setattr(quantization, "_quantized", lambda _prepared, _reader, floats: list(floats))

    def judge(floats: Any) -> Converted:
        return Converted(floats, 40.0 if "last" in floats else 40.0 - cost)

    graph: Any = SimpleNamespace(input_name="content")
    assert quantization._to_int8(graph, [], judge).model == floats


def test_onnxruntime_prints_nothing(assets: Assets, photos: list[Pixels], capfd: pytest.CaptureFixture[str]) -> None:
    nothing_to_quantize = assets["picture_model"]([helper.make_node("Identity", ["content"], ["stylized"])])
    assert convert(nothing_to_quantize.SerializeToString(), "int8", photos).psnr == math.inf
    assert capfd.readouterr().err == ""


def test_float16_is_half_as_large(assets: Assets, photos: list[Pixels]) -> None:
    data = painter(assets)
    made = convert(data, "fp16", photos)
    assert 45 < made.psnr < math.inf
    assert {TensorProto.FLOAT16} == {
        tensor.data_type for tensor in made.model.graph.initializer if len(tensor.dims) == 4
    }


def test_float32_stays(assets: Assets, photos: list[Pixels]) -> None:
    assert convert(painter(assets), "fp32", photos).psnr == math.inf


def test_what_comes_out_too_different_is_refused(
    assets: Assets, photos: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "MIN_PSNR", 90.0)
    with pytest.raises(ModelFileError, match=r"in int8 the network paints \d\d\.\d dB away from itself, below 90; cal"):
        convert(painter(assets), "int8", photos)
    with pytest.raises(ValueError, match="at least one photo"):
        convert(painter(assets), "int8", [])


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_bytes_in_and_out(assets: Assets, photos: list[Pixels], white: float) -> None:
    gain = helper.make_node("Mul", ["content", "gain"], ["stylized"])
    model = assets["picture_model"]([gain], {"gain": np.array(1.5, np.float32)})
    made = with_byte_pixels(model, Values(0, white))
    onnx.checker.check_model(made)
    answer = paint(made, photos[0][None])
    assert answer.dtype == np.uint8
    np.testing.assert_allclose(answer[0], np.clip(photos[0] * 1.5, 0, 255), atol=0.5001)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_what_onnxruntime_raises_is_one_of_ours(assets: Assets, precision: Any) -> None:
    pads = helper.make_node("Pad", ["content", "pads"], ["stylized"], mode="reflect")
    data = assets["picture_model"]([pads], {"pads": np.array([0, 0, 9, 9] * 2, np.int64)}).SerializeToString()
    with pytest.raises(
        ModelFileError, match=r"onnxruntime cannot run this network, or .*; choose other photos, or export"
    ):
        convert(data, precision, [np.zeros((8, 8, 3), np.uint8)])
