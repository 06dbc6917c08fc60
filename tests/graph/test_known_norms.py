from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle.errors import ModelFileError
from fststyle.graph.cpu_form import for_cpu
from fststyle.graph.known_norms import KnownNorms
from fststyle.graph.quantization import convert
from fststyle.graph.statistics import MEASURED_MEAN, MEASURED_VARIANCE, Statistics
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.pictures.files import read_picture, resize
from fststyle.samples import photos

Assets = dict[str, Any]
Floats = NDArray[np.float32]
MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def two() -> list[NDArray[np.uint8]]:
    return [resize(read_picture(path).rgb, 96, 136) for path in photos()[:2]]


def as_input(rgb: NDArray[np.uint8]) -> Floats:
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None] / np.float32(255))


def run(model: bytes, **feeds: NDArray[Any]) -> dict[str, NDArray[Any]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def statistics_of(data: bytes, content: Floats) -> Statistics:
    form = StatisticsForm.read(data)
    found = run(form.build(measured=form.every, picture=False), content=content)
    return Statistics(found[MEASURED_MEAN], found[MEASURED_VARIANCE])


def known(data: bytes, statistics: Statistics) -> bytes:
    norms = KnownNorms(StatisticsForm.read(data))
    return norms.filled(norms.data, statistics)


def given(data: bytes, statistics: Statistics, content: Floats) -> NDArray[Any]:
    """What a network paints whose norms stay, with these statistics."""
    return run(StatisticsForm.read(data).build(given=True), content=content, **statistics.feeds())["stylized"]


def psnr(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(-10 * np.log10(np.square(one.astype(np.float64) - other).mean()))


def kinds(model: bytes, tmp_path: Path) -> list[str]:
    """What onnxruntime runs."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]


@pytest.mark.parametrize("name", ["udnie", "udnie_tiny"])
def test_a_network_without_norms_paints_what_their_statistics_make(name: str, two: list[NDArray[np.uint8]]) -> None:
    data = (MODELS / f"{name}.onnx").read_bytes()
    before, content = map(as_input, two)
    statistics = statistics_of(data, before)
    model = known(data, statistics)
    assert not [node for node in onnx.load_from_string(model).graph.node if "Normalization" in node.op_type]
    expected = given(data, statistics, content)
    assert np.abs(run(model, content=content)["stylized"] - expected).max() < 1e-4
    assert np.abs(run(data, content=content)["stylized"] - expected).max() > 0.05  # its own are others


@pytest.mark.parametrize("name", ["udnie", "udnie_tiny"])
def test_in_8_bits_it_is_as_close_to_the_floats_and_computes_with_bytes(
    name: str, two: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    floats = (MODELS / f"{name}.onnx").read_bytes()
    data = convert(floats, "int8", two).model.SerializeToString()
    content = as_input(two[0])
    expected = run(floats, content=content)["stylized"]
    model = known(data, statistics_of(data, content))
    before = psnr(run(data, content=content)["stylized"], expected)
    assert psnr(run(model, content=content)["stylized"], expected) > before - 2
    ran = kinds(for_cpu(model, "content", "stylized"), tmp_path)
    assert (
        ran.count("QLinearAdd") == {"udnie": 4, "udnie_tiny": 3}[name]
    )  # every residual block, and the skip of `tiny`
    assert not {"InstanceNormalization", "Relu", "Conv", "FusedConv"} & set(ran)


def test_a_form_for_the_processor_is_told_the_same_weights(two: list[NDArray[np.uint8]]) -> None:
    data = (MODELS / "udnie.onnx").read_bytes()
    before, content = map(as_input, two)
    statistics = statistics_of(data, before)
    norms = KnownNorms(StatisticsForm.read(data))
    suited = for_cpu(norms.data, "content", "stylized")
    assert norms.lie_in(suited)
    pixels = run(norms.filled(suited, statistics), content=two[1][None])["stylized"]
    expected = given(data, statistics, content)[0].transpose(1, 2, 0) * 255
    assert np.abs(pixels[0] - expected).max() < 0.6
    # `tiny` enlarges twice behind a norm, and those weights are rearranged.
    other = KnownNorms(StatisticsForm.read((MODELS / "udnie_tiny.onnx").read_bytes()))
    assert not other.lie_in(for_cpu(other.data, "content", "stylized"))


def network(assets: Assets, *behind: onnx.NodeProto, gain: Floats | None = None) -> bytes:
    """Convolutions and norms; before the first norm, what makes "b" of "a"."""
    random = np.random.default_rng(0)
    weights = {
        "first": random.normal(0, 0.2, (8, 3, 3, 3)).astype(np.float32),
        "shifts": random.normal(0, 1, 8).astype(np.float32),
        "second": random.normal(0, 0.1, (8, 8, 3, 3)).astype(np.float32),
        "last": random.normal(0, 0.1, (3, 8, 3, 3)).astype(np.float32),
        "scale": np.linspace(-1, 1, 8).astype(np.float32) if gain is None else gain,
        "bias": random.normal(0, 1, 8).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["content", "first", "shifts"], ["a" if behind else "b"], pads=[1, 1, 1, 1]),
        *behind,
        helper.make_node("InstanceNormalization", ["b", "scale", "bias"], ["c"], epsilon=1e-3),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Conv", ["d", "second"], ["e"], pads=[1, 1, 1, 1]),
        helper.make_node("InstanceNormalization", ["e", "scale", "bias"], ["f"], epsilon=1e-3),
        helper.make_node("Conv", ["f", "last"], ["g"], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["g"], ["stylized"]),
    ]
    return bytes(assets["picture_model"](nodes, weights).SerializeToString())


def test_gains_below_nothing_and_biases_of_the_convolution(assets: Assets, two: list[NDArray[np.uint8]]) -> None:
    data = network(assets)
    before, content = map(as_input, two)
    statistics = statistics_of(data, before)
    expected = given(data, statistics, content)
    assert np.abs(run(known(data, statistics), content=content)["stylized"] - expected).max() < 1e-5
    small = convert(data, "int8", two).model.SerializeToString()
    assert psnr(run(known(small, statistics_of(small, before)), content=content)["stylized"], expected) > 36


def test_a_channel_that_its_norm_leaves_out(assets: Assets, two: list[NDArray[np.uint8]]) -> None:
    gain = np.array([0, 1e-30, 1, -1, 0, 2, 1, 1], np.float32)
    data = network(assets, gain=gain)
    before, content = map(as_input, two)
    small = convert(data, "int8", two).model.SerializeToString()
    found = run(known(small, statistics_of(small, before)), content=content)["stylized"]
    assert psnr(found, given(data, statistics_of(data, before), content)) > 36


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Sigmoid", ["a"], ["b"]),
        helper.make_node("Add", ["a", "a"], ["b"]),
        helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[1, 1]),
    ],
)
def test_a_norm_behind_something_else_stays(assets: Assets, node: onnx.NodeProto) -> None:
    with pytest.raises(ModelFileError, match="stands behind something else than a convolution"):
        KnownNorms(StatisticsForm.read(network(assets, node)))


def test_a_convolution_that_is_read_elsewhere_keeps_its_norm(assets: Assets) -> None:
    model = onnx.load_from_string(network(assets))
    model.graph.node.insert(5, helper.make_node("Add", ["f", "b"], ["skipped"]))
    next(node for node in model.graph.node if node.output[0] == "g").input[0] = "skipped"
    with pytest.raises(ModelFileError, match="stands behind something else"):
        KnownNorms(StatisticsForm.read(model.SerializeToString()))
