from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fststyle.graph.late_pixels import make_pixels_late, with_late_pixels
from fststyle.graph.receptive_field import receptive_fields
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.model.devices import open_session

Assets = dict[str, Any]

SIZES = [(16, 24), (17, 23)]


def twice_enlarged(
    assets: Assets,
    *,
    block: int = 2,
    order: str = "CRD",
    last_order: str = "CRD",
    mirrored: str = "reflect",
    stride: int = 1,
    norm: bool = True,
    shared: bool = False,
) -> onnx.ModelProto:
    """A convolution with stride 4, channels to pixels, a norm, a convolution, and channels to pixels again."""
    random = np.random.default_rng(0)
    constants = {
        "first": random.normal(0, 0.2, (5 * block**2, 3, 4, 4)).astype(np.float32),
        "second": random.normal(0, 0.2, (12, 5, 3, 3)).astype(np.float32),
        "bias": random.normal(0, 0.2, 12).astype(np.float32),
        "scale": random.uniform(0.5, 2, 5).astype(np.float32),
        "shift": random.normal(0, 0.3, 5).astype(np.float32),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    }
    nodes = [
        helper.make_node("Conv", ["content", "first"], ["blocks"], strides=[4, 4], pads=[2, 2, 2, 2]),
        helper.make_node("DepthToSpace", ["blocks"], ["pixels"], blocksize=block, mode=order),
    ]
    if norm:
        nodes.append(helper.make_node("InstanceNormalization", ["pixels", "scale", "shift"], ["even"], epsilon=1e-3))
    nodes += [
        helper.make_node("Relu", ["even" if norm else "pixels"], ["positive"]),
        helper.make_node("Pad", ["positive", "pads"], ["wide"], mode=mirrored),
        helper.make_node("Conv", ["wide", "second", "bias"], ["colors"], strides=[stride, stride]),
        helper.make_node("DepthToSpace", ["colors"], ["large"], blocksize=2, mode=last_order),
    ]
    if shared:
        nodes.append(helper.make_node("ReduceMax", ["positive"], ["most"], keepdims=0))
        nodes.append(helper.make_node("Div", ["large", "most"], ["large by most"]))
    nodes.append(helper.make_node("Sigmoid", ["large by most" if shared else "large"], ["stylized"]))
    made: onnx.ModelProto = assets["picture_model"](nodes, constants)
    return made


def in_bytes(assets: Assets, *, zero: int = 0) -> onnx.ModelProto:
    """The same with its second convolution in 8 bits; `zero` is what its weights have in the place of 0."""
    model = twice_enlarged(assets)
    random = np.random.default_rng(2)
    constants: dict[str, Any] = {
        "weights": random.integers(-64, 65, (12, 5, 3, 3)).astype(np.int8),
        "weight steps": random.uniform(0.002, 0.005, 12).astype(np.float32),
        "zeros": np.full(12, zero, np.int8),
        "shifts": random.integers(-3000, 3000, 12).astype(np.int32),
        "shift steps": random.uniform(2e-5, 5e-5, 12).astype(np.float32),
        "step": np.float32(0.02),
        "low": np.uint8(0),
        "wide step": np.float32(0.03),
        "middle": np.uint8(128),
    }
    scaled = ["positive bytes", "wide bytes", "colors bytes", "large bytes"]
    pad, convolution, last, sigmoid = list(model.graph.node)[-4:]
    pad.input[0], pad.output[0] = scaled[0], scaled[1]
    convolution.input[1:] = ["second weights", "second shifts"]
    last.input[0], last.output[0] = scaled[2], scaled[3]
    nodes = [
        *list(model.graph.node)[:-4],
        helper.make_node("QuantizeLinear", ["positive", "step", "low"], scaled[:1]),
        pad,
        helper.make_node("DequantizeLinear", [scaled[1], "step", "low"], ["wide"]),
        helper.make_node("DequantizeLinear", ["weights", "weight steps", "zeros"], ["second weights"], axis=0),
        helper.make_node("DequantizeLinear", ["shifts", "shift steps"], ["second shifts"], axis=0),
        convolution,
        helper.make_node("QuantizeLinear", ["colors", "wide step", "middle"], scaled[2:3]),
        last,
        helper.make_node("DequantizeLinear", [scaled[3], "wide step", "middle"], ["large"]),
        sigmoid,
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    return model


def answers(data: bytes, height: int, width: int, **feeds: Any) -> list[NDArray[Any]]:
    content = np.random.default_rng(1).random((1, 3, height, width), np.float32)
    answers: list[NDArray[Any]] = open_session(data).run(None, {"content": content, **feeds})
    return answers


def steps(data: bytes) -> list[int]:
    model = onnx.ModelProto.FromString(data)
    return [node.attribute[0].i for node in model.graph.node if node.op_type == "DepthToSpace"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("arguments", [{}, {"norm": False}, {"last_order": "DCR"}])
def test_one_large_step_paints_the_same(assets: Assets, arguments: dict[str, Any], size: tuple[int, int]) -> None:
    data = twice_enlarged(assets, **arguments).SerializeToString()
    late = with_late_pixels(data)
    onnx.checker.check_model(onnx.ModelProto.FromString(late), full_check=True)
    assert steps(late) == [4]
    (before,), (after,) = answers(data, *size), answers(late, *size)
    assert before.std() > 0.01
    np.testing.assert_allclose(after, before, atol=2e-6)


@pytest.mark.parametrize("size", SIZES)
def test_bytes_become_pixels_late_too(assets: Assets, size: tuple[int, int]) -> None:
    data = in_bytes(assets).SerializeToString()
    late = with_late_pixels(data)
    onnx.checker.check_model(onnx.ModelProto.FromString(late), full_check=True)
    assert steps(late) == [4]
    stored = {tensor.name: tensor.data_type for tensor in onnx.ModelProto.FromString(late).graph.initializer}
    assert list(stored.values()).count(onnx.TensorProto.INT8) == 2  # weights and their zeros, and none in floats
    (before,), (after,) = answers(data, *size), answers(late, *size)
    assert before.std() > 0.01
    np.testing.assert_allclose(after, before, atol=2e-6)


def test_weights_whose_zero_is_another_byte_are_left_alone(assets: Assets) -> None:
    assert not make_pixels_late(in_bytes(assets, zero=3))


@pytest.mark.parametrize("size", SIZES)
def test_statistics_are_those_of_the_pixels(assets: Assets, size: tuple[int, int]) -> None:
    """Given and measured, as a clip's frames have them."""
    form = StatisticsForm.read(twice_enlarged(assets).SerializeToString())
    data = form.build(given=True, measured=form.every)
    given: dict[str, Any] = {
        "mean": np.linspace(-0.2, 0.2, 5, dtype=np.float32),
        "variance": np.linspace(0.1, 0.3, 5, dtype=np.float32),
    }
    late = with_late_pixels(data)
    assert steps(late) == [4]
    for before, after in zip(answers(data, *size, **given), answers(late, *size, **given), strict=True):
        np.testing.assert_allclose(after, before, atol=2e-6)


def test_statistics_over_a_part_of_the_pixels_need_pixels(assets: Assets) -> None:
    form = StatisticsForm.read(twice_enlarged(assets).SerializeToString())
    data = form.build(given=True, measured=form.every, cores=True)
    assert with_late_pixels(data) is data


@pytest.mark.parametrize("norm", [False, True])
def test_a_file_can_be_cut_into_tiles(assets: Assets, *, norm: bool) -> None:
    data = twice_enlarged(assets, norm=norm).SerializeToString()
    late = with_late_pixels(data, norms=False)
    assert steps(late) == ([2, 2] if norm else [4])
    form = StatisticsForm.read(late)
    assert receptive_fields(form.graph, form.norms)["stylized"]


@pytest.mark.parametrize(
    "arguments",
    [{"block": 3}, {"order": "DCR"}, {"mirrored": "edge"}, {"mirrored": "constant"}, {"stride": 2}, {"shared": True}],
)
def test_other_networks_are_left_alone(assets: Assets, arguments: dict[str, Any]) -> None:
    model = twice_enlarged(assets, **arguments)
    before = model.SerializeToString()
    assert not make_pixels_late(model)
    assert model.SerializeToString() == before
