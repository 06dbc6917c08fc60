"""The numbers of a style are found, exchanged and mixed, and networks of one body are told from others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle import quantize
from fststyle.errors import ModelFileError
from fststyle.graph.byte_pixels import with_byte_pixels
from fststyle.graph.style_numbers import body_of, mixed, same_body, style_numbers, with_numbers
from fststyle.model.layouts import Values

MODELS = Path(__file__).parents[2] / "models"


def other_style(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """Of the same body."""
    rng = np.random.default_rng(seed)
    numbers = style_numbers(model)
    return with_numbers(
        model,
        {name: values * rng.uniform(0.5, 1.5, values.shape).astype(np.float32) for name, values in numbers.items()},
    )


def painted(model: onnx.ModelProto, **told: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    content = np.random.default_rng(0).random((1, 3, 33, 47), np.float32)
    (answer,) = session.run(None, {"content": content, **told})
    return np.asarray(answer)


def renamed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, as another exporter would write it."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    ends = {value.name for value in (*made.graph.input, *made.graph.output)}
    for node in made.graph.node:
        node.name = f"other {node.name}"
        node.input[:] = [name if name in ends else f"other {name}" for name in node.input]
        node.output[:] = [name if name in ends else f"other {name}" for name in node.output]
    for tensor in made.graph.initializer:
        tensor.name = f"other {tensor.name}"
    del made.graph.value_info[:]
    return made


@pytest.fixture
def with_strength(assets: dict[str, Any]) -> onnx.ModelProto:
    """A network whose gain is 1 + (1 - strength) · (2, 3, 4), and whose shift is 0.1."""
    nodes = [
        helper.make_node("Sub", ["one", "strength"], ["missing"]),
        helper.make_node("Mul", ["missing", "slopes"], ["more"]),
        helper.make_node("Add", ["gains", "more"], ["gain"]),
        helper.make_node("InstanceNormalization", ["content", "gain", "shifts"], ["normed"]),
        helper.make_node("Conv", ["normed", "kernel", "bias"], ["stylized"]),
    ]
    constants = {
        "one": np.float32(1),
        "slopes": np.array([2, 3, 4], np.float32),
        "gains": np.ones(3, np.float32),
        "shifts": np.full(3, 0.1, np.float32),
        "kernel": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1),
        "bias": np.array([0, 0.5, 1], np.float32),
        "strength": np.ones(1, np.float32),
    }
    model: onnx.ModelProto = assets["picture_model"](nodes, constants)
    model.graph.input.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    return model


@pytest.mark.parametrize(("name", "count"), [("udnie", 924), ("udnie_tiny", 396)])
def test_gains_shifts_and_the_last_bias(name: str, count: int) -> None:
    numbers = style_numbers(onnx.load(MODELS / f"{name}.onnx"))
    assert sum(values.size for values in numbers.values()) == count
    assert next(iter(numbers)) == "encoder.1.weight"
    assert list(numbers)[-1] == "decoder.3.bias"


def test_networks_of_one_body_differ_in_nothing_else() -> None:
    tiny, fast = onnx.load(MODELS / "udnie_tiny.onnx"), onnx.load(MODELS / "udnie.onnx")
    assert same_body(tiny, other_style(tiny, 1))
    assert same_body(tiny, renamed(other_style(tiny, 1)))
    assert not same_body(tiny, fast)
    assert not same_body(tiny, onnx.load(MODELS / "great_wave_tiny.onnx"))
    for change in (_change_weight, _change_attribute, _change_opset):
        changed = other_style(tiny, 1)
        change(changed)
        assert not same_body(tiny, changed), change.__name__


def _change_weight(model: onnx.ModelProto) -> None:
    kernel = next(tensor for tensor in model.graph.initializer if tensor.name == "encoder.0.weight")
    values = numpy_helper.to_array(kernel).copy()
    values[0, 0, 0, 0] += 1e-6
    kernel.CopyFrom(numpy_helper.from_array(values, kernel.name))


def _change_attribute(model: onnx.ModelProto) -> None:
    norm = next(node for node in model.graph.node if node.op_type == "InstanceNormalization")
    norm.attribute[0].f *= 2


def _change_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version += 1


def test_a_mixture_lies_between() -> None:
    first = onnx.load(MODELS / "udnie_tiny.onnx")
    second = renamed(other_style(first, 1))
    half = style_numbers(mixed([first, second], [0.5, 0.5]))
    for values, one, other in zip(
        half.values(), style_numbers(first).values(), style_numbers(second).values(), strict=True
    ):
        np.testing.assert_allclose(values, (one + other) / 2, rtol=1e-6)
    np.testing.assert_array_equal(painted(mixed([first, second], [1, 0])), painted(first))
    np.testing.assert_array_equal(painted(mixed([first, second], [0, 1])), painted(second))


def test_a_strength_is_mixed_at_every_strength(with_strength: onnx.ModelProto) -> None:
    assert list(style_numbers(with_strength)) == ["gains", "slopes", "shifts", "bias"]
    other = other_style(with_strength, 1)
    assert same_body(with_strength, other)
    half = mixed([with_strength, other], [0.5, 0.5])
    for strength in (0.0, 0.3, 1.0):  # the network is linear in its numbers
        told = {"strength": np.full(1, strength, np.float32)}
        expected = (painted(with_strength, **told) + painted(other, **told)) / 2
        np.testing.assert_allclose(painted(half, **told), expected, atol=1e-5)
    default = onnx.ModelProto()
    default.CopyFrom(other)
    for tensor in default.graph.initializer:
        if tensor.name == "strength":
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(1, np.float32), tensor.name))
    assert not same_body(with_strength, default)


def test_converted_networks(tmp_path: Path) -> None:
    """16-bit floats keep a body; 8-bit numbers have ranges that belong to the style."""
    tiny = onnx.load(MODELS / "udnie_tiny.onnx")
    del tiny.metadata_props[:]  # its card was written for other weights
    onnx.save(other_style(tiny, 1), tmp_path / "other.onnx")
    first, second, eight = (tmp_path / f"{name}.onnx" for name in ("first", "second", "eight"))
    quantize(MODELS / "udnie_tiny.onnx", first, precision="fp16")
    quantize(tmp_path / "other.onnx", second, precision="fp16")
    quantize(MODELS / "udnie_tiny.onnx", eight, precision="int8")
    one, other, quantized = map(onnx.load, (first, second, eight))
    assert same_body(one, other)
    assert not same_body(one, tiny)
    kinds = [tensor.data_type for tensor in mixed([one, other], [0.5, 0.5]).graph.initializer]
    assert kinds == [tensor.data_type for tensor in one.graph.initializer]
    assert body_of(quantized) is None
    assert not same_body(quantized, quantized)
    with pytest.raises(ModelFileError, match="no style that could be exchanged"):
        style_numbers(quantized)
    in_bytes = [with_byte_pixels(model, Values()) for model in (tiny, other_style(tiny, 1))]
    assert same_body(*in_bytes)
    assert not same_body(in_bytes[0], tiny)


def test_numbers_of_another_network_are_refused(assets: dict[str, Callable[..., onnx.ModelProto]]) -> None:
    tiny, fast = onnx.load(MODELS / "udnie_tiny.onnx"), onnx.load(MODELS / "udnie.onnx")
    with pytest.raises(ValueError, match="of another network"):
        with_numbers(tiny, style_numbers(fast))
    with pytest.raises(ModelFileError, match="no style that could be exchanged"):
        style_numbers(assets["gain_model"](1.0))


def test_a_gain_that_depends_on_the_picture_is_no_number(assets: dict[str, Any]) -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["content"], ["average"]),
        helper.make_node("Squeeze", ["average", "axes"], ["means"]),
        helper.make_node("Mul", ["means", "factors"], ["gain"]),
        helper.make_node("InstanceNormalization", ["content", "gain", "shifts"], ["stylized"]),
    ]
    constants = {
        "axes": np.array([0, 2, 3]),
        "factors": np.ones(3, np.float32),
        "shifts": np.zeros(3, np.float32),
    }
    assert list(style_numbers(assets["picture_model"](nodes, constants))) == ["shifts"]
