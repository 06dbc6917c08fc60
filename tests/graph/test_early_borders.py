from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle.graph.early_borders import cut_borders_early
from fststyle.graph.late_pixels import make_pixels_late
from fststyle.model.devices import open_session

Assets = dict[str, Any]

MODELS = Path(__file__).parents[2] / "models"
SIZES = [(32, 40), (33, 42), (30, 31), (35, 36)]


def painter(
    assets: Assets, *, border: int = 8, cut: int = 8, more: int = 8, mirrored: str = "reflect", side: int = 3
) -> onnx.ModelProto:
    """A mirrored border, a norm at a quarter of the size, two convolutions, and channels to pixels."""
    random = np.random.default_rng(0)
    constants = {
        "border": np.array([0, 0, border, border, 0, 0, more, more]),
        "around": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "first": random.normal(0, 0.3, (6, 3, 4, 4)).astype(np.float32),
        "gain": random.uniform(0.5, 2, 6).astype(np.float32),
        "shift": random.normal(0, 0.3, 6).astype(np.float32),
        "second": random.normal(0, 0.3, (6, 6, 3, 3)).astype(np.float32),
        "third": random.normal(0, 0.2, (48, 6, side, side)).astype(np.float32),
        "begin": np.array([cut]),
        "rows": np.array([2]),
        "columns": np.array([3]),
    }
    nodes = [
        helper.make_node("Shape", ["content"], ["height"], start=2, end=3),
        helper.make_node("Shape", ["content"], ["width"], start=3, end=4),
        helper.make_node("Add", ["height", "begin"], ["bottom"]),
        helper.make_node("Add", ["width", "begin"], ["right"]),
        helper.make_node("Pad", ["content", "border"], ["wide"], mode="reflect"),
        helper.make_node("Conv", ["wide", "first"], ["a"], strides=[4, 4], kernel_shape=[4, 4]),
        helper.make_node("InstanceNormalization", ["a", "gain", "shift"], ["b"], epsilon=1e-3),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Pad", ["c", "around"], ["d"], mode=mirrored),
        helper.make_node("Conv", ["d", "second"], ["e"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["e"], ["f"]),
        helper.make_node("Pad", ["f", "around"], ["g"], mode="edge"),
        helper.make_node("Conv", ["g", "third"], ["h"], kernel_shape=[side, side]),
        helper.make_node("DepthToSpace", ["h"], ["i"], blocksize=4, mode="CRD"),
        helper.make_node("Slice", ["i", "begin", "bottom", "rows"], ["j"]),
        helper.make_node("Slice", ["j", "begin", "right", "columns"], ["k"]),
        helper.make_node("Sigmoid", ["k"], ["stylized"]),
    ]
    made: onnx.ModelProto = assets["picture_model"](nodes, constants)
    return made


def painted(model: onnx.ModelProto, height: int, width: int) -> NDArray[np.float32]:
    content = np.random.default_rng(1).random((1, 3, height, width), np.float32)
    answer: NDArray[np.float32] = open_session(model.SerializeToString()).run(["stylized"], {"content": content})[0]
    return answer


def borders(model: onnx.ModelProto) -> int:
    return sum(node.op_type == "Pad" for node in model.graph.node)


@pytest.mark.parametrize("size", [(32, 40), (28, 44)])
@pytest.mark.parametrize("mirrored", ["reflect", "edge"])
def test_an_early_cut_paints_the_same(assets: Assets, size: tuple[int, int], mirrored: str) -> None:
    model = painter(assets, mirrored=mirrored)
    before = painted(model, *size)
    assert cut_borders_early(model, "content", "stylized")
    onnx.checker.check_model(model, full_check=True)
    assert borders(model) == 1
    after = painted(model, *size)
    assert after.shape == before.shape == (1, 3, *size)
    assert before.std() > 0.05
    np.testing.assert_allclose(after, before, atol=2e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("name", ["udnie_tiny", "starry_night"])
def test_networks_that_ship_paint_the_same(name: str, size: tuple[int, int], *, late: bool) -> None:
    model = onnx.load(MODELS / f"{name}.onnx")
    before = painted(model, *size)
    if late:
        make_pixels_late(model)
    pads = borders(model)
    assert cut_borders_early(model, "content", "stylized")
    assert borders(model) == pads - (2 if (name, late) == ("udnie_tiny", True) else 1)
    np.testing.assert_allclose(painted(model, *size), before, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [
        {"border": 4, "cut": 4, "more": 4},  # less than two convolutions need
        {"border": 8, "cut": 4},
        {"more": 4},
        {"border": 10, "cut": 10, "more": 10},
        {"mirrored": "constant", "side": 1},
    ],
)
def test_other_networks_are_left_alone(assets: Assets, arguments: dict[str, Any]) -> None:
    model = painter(assets, **arguments)
    before = model.SerializeToString()
    assert not cut_borders_early(model, "content", "stylized")
    assert model.SerializeToString() == before
