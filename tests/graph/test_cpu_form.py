from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.byte_ends import MEANS
from fststyle.graph.cpu_form import for_cpu
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.model.devices import open_session
from fststyle.model.layouts import Values, to_rgb, to_tensor
from fststyle.runtime.convert import quantize
from fststyle.runtime.network import Network

Assets = dict[str, Any]
Pixels = NDArray[np.uint8]

SIZES = [(16, 24), (17, 23)]


def painter(assets: Assets, *, integers: bool = True, opset: int = 18) -> onnx.ModelProto:
    """Two mirrored borders, a convolution with stride 4 and a norm, one to 48 channels, which become pixels."""
    random = np.random.default_rng(0)
    constants: dict[str, Any] = {
        "four": np.array([0, 0, 4, 4, 0, 0, 4, 4]),
        "two": np.array([0, 0, 2, 2, 0, 0, 2, 2]),
        "first": random.normal(0, 0.2, (6, 3, 8, 8)).astype(np.float32),
        "gain": random.uniform(0.5, 2, 6).astype(np.float32),
        "shift": random.normal(0, 0.3, 6).astype(np.float32),
        "last": random.normal(0, 0.4, (48, 6, 1, 1)).astype(np.float32),
        "weights": random.integers(-60, 60, (48, 6, 1, 1)).astype(np.int8),
        "weight scale": random.uniform(0.005, 0.01, 48).astype(np.float32),
        "step": np.float32(0.03),
        "zero": np.uint8(0),
        "wide step": np.float32(0.05),
        "middle": np.uint8(120),
        "begin": np.array([4]),
        "rows": np.array([2]),
        "columns": np.array([3]),
    }
    nodes = [
        helper.make_node("Shape", ["content"], ["height"], start=2, end=3),
        helper.make_node("Shape", ["content"], ["width"], start=3, end=4),
        helper.make_node("Add", ["height", "begin"], ["bottom"]),
        helper.make_node("Add", ["width", "begin"], ["right"]),
        helper.make_node("Pad", ["content", "four"], ["wide"], mode="reflect"),
        helper.make_node("Pad", ["wide", "two"], ["wider"], mode="reflect"),
        helper.make_node("Conv", ["wider", "first"], ["a"], strides=[4, 4]),
        helper.make_node("InstanceNormalization", ["a", "gain", "shift"], ["b"], epsilon=1e-3),
    ]
    if integers:
        nodes += [
            helper.make_node("QuantizeLinear", ["b", "step", "zero"], ["b bytes"]),
            helper.make_node("DequantizeLinear", ["b bytes", "step", "zero"], ["c"]),
            helper.make_node("DequantizeLinear", ["weights", "weight scale"], ["d"], axis=0),
            helper.make_node("Conv", ["c", "d"], ["e"]),
            helper.make_node("QuantizeLinear", ["e", "wide step", "middle"], ["e bytes"]),
            helper.make_node("DepthToSpace", ["e bytes"], ["f"], blocksize=4, mode="CRD"),
            helper.make_node("DequantizeLinear", ["f", "wide step", "middle"], ["g"]),
        ]
    else:
        nodes += [
            helper.make_node("Conv", ["b", "last"], ["e"]),
            helper.make_node("DepthToSpace", ["e"], ["g"], blocksize=4, mode="CRD"),
        ]
    nodes += [
        helper.make_node("Slice", ["g", "begin", "bottom", "rows"], ["h"]),
        helper.make_node("Slice", ["h", "begin", "right", "columns"], ["i"]),
        helper.make_node("Sigmoid", ["i"], ["stylized"]),
    ]
    model: onnx.ModelProto = assets["picture_model"](nodes, constants)
    model.opset_import[0].version = opset
    return model


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def painted(data: bytes, rgb: Pixels) -> Pixels:
    """What a graph of floats paints."""
    content = to_tensor(rgb, Values(), "float32", channels_last=False)
    return to_rgb(open_session(data).run(["stylized"], {"content": content})[0], Values(), channels_last=False)


@pytest.mark.parametrize("size", SIZES)
def test_integers_take_and_give_bytes(assets: Assets, size: tuple[int, int]) -> None:
    data = painter(assets).SerializeToString()
    made = for_cpu(data, "content", "stylized")
    onnx.checker.check_model(onnx.ModelProto.FromString(made), full_check=True)
    rgb = noise(*size)
    before = painted(data, rgb)
    (after,) = open_session(made).run(None, {"content": rgb[None]})
    assert after.dtype == np.uint8
    assert before.std() > 10
    # Where a sigmoid is half a byte, the two may round it to either side.
    assert np.abs(after[0].astype(int) - before).max() <= 1
    assert (after[0] != before).mean() < 0.02


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_floats_take_and_give_bytes_and_means(assets: Assets, size: tuple[int, int], *, cut: bool) -> None:
    model = painter(assets, integers=False)
    if not cut:
        del model.graph.node[-3:-1]
        model.graph.node[-1].input[0] = "g"
    data = model.SerializeToString()
    made = for_cpu(data, "content", "stylized")
    onnx.checker.check_model(onnx.ModelProto.FromString(made), full_check=True)
    rgb = noise(*size)
    before = painted(data, rgb)
    after, means = open_session(made).run(["stylized", MEANS], {"content": rgb[None]})
    assert before.std() > 10
    np.testing.assert_array_equal(after[0], before)
    assert means.shape == (1, 48, 1, 1)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_no_number_is_told_from_a_picture(assets: Assets, save: Callable[..., Path], *, broken: float) -> None:
    model = painter(assets, integers=False)
    (last,) = (tensor for tensor in model.graph.initializer if tensor.name == "last")
    weights = numpy_helper.to_array(last).copy()
    weights[5, 0] = broken
    last.CopyFrom(numpy_helper.from_array(weights, "last"))
    network = Network.load(save(model, card={}), "cpu", "rgb1", None)
    with pytest.raises(ModelFileError, match="NaN or infinity"):
        network.run(noise(41, 35))


def test_a_quantized_network_paints_as_its_file(tmp_path: Path) -> None:
    """Its middle step from channels to pixels is one of bytes, too."""
    quantize("udnie_tiny", tmp_path / "small.onnx")
    network = Network.load(tmp_path / "small.onnx", "cpu", "rgb1", 1)
    made = onnx.ModelProto.FromString(for_cpu(network.model.data, "content", "stylized"))
    assert all(node.op_type != "DepthToSpace" for node in made.graph.node)
    rgb = noise(77, 90)
    np.testing.assert_array_equal(network.run(rgb), painted(network.model.data, rgb))


def test_borders_are_mirrored_as_bytes(assets: Assets) -> None:
    model = onnx.shape_inference.infer_shapes(
        onnx.ModelProto.FromString(for_cpu(painter(assets).SerializeToString(), "content", "stylized"))
    )
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    pads = [types[node.output[0]] for node in model.graph.node if node.op_type == "Pad"]
    assert pads == [TensorProto.UINT8] * 2


def test_older_operators_keep_their_ends(assets: Assets) -> None:
    data = painter(assets, opset=17).SerializeToString()
    model = onnx.ModelProto.FromString(for_cpu(data, "content", "stylized"))
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT


@pytest.mark.parametrize("integers", [False, True])
def test_a_network_of_ours_paints_as_its_file(assets: Assets, save: Callable[..., Path], *, integers: bool) -> None:
    """Whole, and with statistics that are given and told, as a clip's frames have them."""
    model = painter(assets, integers=integers)
    rgb = noise(41, 35)
    network = Network.load(save(model, card={}), "cpu", "rgb1", None)
    before = painted(model.SerializeToString(), rgb).astype(int)
    assert np.abs(network.run(rgb) - before).max() <= integers
    form = StatisticsForm.read(network.model.data)
    measuring = network.open(form.build(measured=form.every))
    names = ["stylized", "measured_mean", "measured_variance"]
    answer, mean, variance = network.ask(measuring, rgb, {}, names)
    assert np.abs(network.to_rgb(answer, (41, 35)) - before).max() <= integers
    given = network.open(form.build(given=True))
    assert np.abs(network.paint(given, rgb, {"mean": mean, "variance": variance}) - before).max() <= integers
