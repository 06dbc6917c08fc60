"""Networks in older operators compute what they computed, or the message names the lowest opset that would do."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.reference
import pytest
from onnx import helper

from fststyle.errors import ModelFileError
from fststyle.graph.fixed_size import at_size
from fststyle.graph.graph import Graph
from fststyle.graph.opsets import in_opset
from fststyle.model.devices import open_session

MODELS = Path(__file__).parents[2] / "models"


def painted(model: onnx.ModelProto, content: np.ndarray) -> np.ndarray:
    return np.asarray(open_session(model.SerializeToString()).run(["stylized"], {"content": content})[0])


@pytest.mark.parametrize("opset", range(7, 19))
@pytest.mark.parametrize("name", ["udnie", "udnie_tiny", "udnie_johnson"])
def test_networks_of_ours_go_down_to_7(name: str, opset: int) -> None:
    graph = Graph.read((MODELS / f"{name}.onnx").read_bytes())
    fixed = at_size(graph.model, 33, 46, set())
    made = in_opset(fixed, opset, name)
    assert [(entry.domain, entry.version) for entry in made.opset_import] == [("", opset)]
    assert made.ir_version == max(4, helper.find_min_ir_version_for(list(made.opset_import)))
    noise = np.random.default_rng(0).random((1, 3, 33, 46), np.float32)
    np.testing.assert_allclose(painted(made, noise), painted(graph.model, noise), atol=1e-6)


def test_a_second_runtime_agrees() -> None:
    """ONNX's own reference, in numpy, which has nothing of onnxruntime."""
    graph = Graph.read((MODELS / "udnie_tiny.onnx").read_bytes())
    noise = np.random.default_rng(0).random((1, 3, 20, 24), np.float32)
    made = in_opset(at_size(graph.model, 20, 24, set()), 11, "udnie_tiny")
    (answer,) = onnx.reference.ReferenceEvaluator(made).run(None, {"content": noise})
    np.testing.assert_allclose(answer, painted(graph.model, noise), atol=1e-4)


@pytest.mark.parametrize("opset", [6, 19])
def test_an_opset_out_of_range(assets: dict[str, Any], opset: int) -> None:
    with pytest.raises(ValueError, match=rf"opset must lie in 7..18, .* not {opset}"):
        in_opset(assets["gain_model"](), opset, "x")


FREE = [
    (MODELS / "udnie_tiny.onnx", 14, None),
    (MODELS / "udnie.onnx", 9, r"needs .*free sizes \(or say --size\), so opset 9 is too low; the lowest is 1\d"),
]


@pytest.mark.parametrize(("path", "opset", "message"), FREE)
def test_free_sizes(path: Path, opset: int, message: str | None) -> None:
    graph = Graph.read(path.read_bytes())
    if message is not None:
        with pytest.raises(ModelFileError, match=message):
            in_opset(graph.model, opset, "x")
        return
    made = in_opset(graph.model, opset, "x")
    noise = np.random.default_rng(0).random((2, 3, 29, 31), np.float32)
    np.testing.assert_allclose(painted(made, noise), painted(graph.model, noise), atol=1e-6)


AXES = {"axes": np.array([2, 3])}
CASES: dict[str, tuple[list[tuple[str, list[str], dict[str, Any]]], dict[str, np.ndarray]]] = {
    "pad two sides": (
        [("Pad", ["", "pads", "", "axes"], {"mode": "reflect"})],
        {"pads": np.array([1, 2, 0, 3]), **AXES},
    ),
    "pad with a value": ([("Pad", ["", "pads", "fill"], {})], {"pads": np.arange(8) % 3, "fill": np.float32(0.25)}),
    "a mean": ([("ReduceMean", ["", "axes"], {"keepdims": 1})], AXES),
    "a clip": ([("Clip", ["", "low", "high"], {})], {"low": np.float32(0.2), "high": np.float32(0.7)}),
    "a clip on one side": ([("Clip", ["", "", "high"], {})], {"high": np.float32(0.7)}),
    "a slice": (
        [("Slice", ["", "from", "to", "axes"], {})],
        {"from": np.array([1, -3]), "to": np.array([5, 10**9]), **AXES},
    ),
    "a slice without axes": (
        [("Slice", ["", "from", "to"], {})],
        {"from": np.array([0, 0, 1, 1]), "to": np.array([1, 3, 4, 4])},
    ),
    "twice as large": (
        [("Resize", ["", "", "scales"], {"coordinate_transformation_mode": "half_pixel"})],
        {"scales": np.array([1, 1, 2, 3], np.float32)},
    ),
    "a size given": ([("Resize", ["", "", "", "sizes"], {"mode": "nearest"})], {"sizes": np.array([1, 3, 16, 30])}),
    "channels to pixels": (
        [("Conv", ["", "w"], {}), ("DepthToSpace", ["last"], {"blocksize": 2, "mode": "CRD"})],
        {"w": np.random.default_rng(2).random((12, 3, 1, 1), np.float32)},
    ),
    "the default order": (
        [("Conv", ["", "w"], {}), ("DepthToSpace", ["last"], {"blocksize": 2})],
        {"w": np.random.default_rng(2).random((12, 3, 1, 1), np.float32)},
    ),
}


def model_of(assets: dict[str, Any], case: str) -> onnx.ModelProto:
    steps, weights = CASES[case]
    nodes = []
    for number, (kind, inputs, attributes) in enumerate(steps):
        last = "content" if number == 0 else f"t{number - 1}"
        names = [last if at == 0 else name for at, name in enumerate(inputs)]
        nodes.append(helper.make_node(kind, names, [f"t{number}"], f"node_{number}", **attributes))
    nodes.append(helper.make_node("Identity", [f"t{len(steps) - 1}"], ["stylized"]))
    model: onnx.ModelProto = assets["picture_model"](nodes, weights, sides=(1, 3, 8, 10))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 14, 17])
@pytest.mark.parametrize("case", CASES)
def test_forms_of_operators(assets: dict[str, Any], case: str, opset: int) -> None:
    model = model_of(assets, case)
    picture = np.random.default_rng(0).random((1, 3, 8, 10), np.float32)
    made = in_opset(model, opset, case)
    np.testing.assert_allclose(painted(made, picture), painted(model, picture), atol=1e-6)


REFUSED = {
    "blended": ([("Resize", ["", "", "scales"], {"mode": "linear"})], {"scales": np.array([1, 1, 2, 2], np.float32)}),
    "in steps": (
        [("Slice", ["", "from", "to", "axes", "steps"], {})],
        {"from": np.array([0]), "to": np.array([8]), "axes": np.array([2]), "steps": np.array([2])},
    ),
    "an operator of 14": ([("HardSwish", [""], {})], {}),
}


@pytest.mark.parametrize(
    ("case", "opset", "words"),
    [
        ("blended", 10, "needs Resize by other than whole numbers .* opset 10 is too low; the lowest is 11"),
        ("in steps", 9, "needs Slice with steps, so opset 9 is too low; the lowest is 10"),
        ("an operator of 14", 13, "needs HardSwish, so opset 13 is too low; the lowest is 14"),
    ],
)
def test_what_was_not_there_yet(
    assets: dict[str, Any], monkeypatch: pytest.MonkeyPatch, case: str, opset: int, words: str
) -> None:
    monkeypatch.setitem(CASES, case, REFUSED[case])
    with pytest.raises(ModelFileError, match=words):
        in_opset(model_of(assets, case), opset, "x.onnx")
