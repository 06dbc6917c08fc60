import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmarks" / "measure_graph.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_multiplications_by_what_is_multiplied(script: dict[str, Any], assets: dict[str, Any]) -> None:
    """A convolution of floats to half the size, and one of 8-bit weights at that size."""
    constants = {
        "first": np.ones((6, 3, 4, 4), np.float32),
        "weights": np.ones((12, 6, 3, 3), np.int8),
        "scale": np.float32(0.1),
    }
    nodes = [
        helper.make_node("Conv", ["content", "first"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("DequantizeLinear", ["weights", "scale"], ["b"]),
        helper.make_node("Conv", ["a", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("DepthToSpace", ["c"], ["stylized"], blocksize=2),
    ]
    data = assets["picture_model"](nodes, constants).SerializeToString()
    found = script["multiplications"](data, 20, 30)
    assert found == {"float32": 10 * 15 * 6 * 3 * 16, "int8": 10 * 15 * 12 * 6 * 9}


def test_medians_leave_out_the_turn_that_fills_the_caches(script: dict[str, Any]) -> None:
    clock = iter([0.0, 1.0, 10.0, 13.0, 20.0, 22.0])
    calls: list[int] = []
    assert script["in_turns"]({"one": lambda: calls.append(1)}, 3, lambda: next(clock)) == {"one": 2.0}
    assert len(calls) == 6


def test_a_large_product_has_a_peak(script: dict[str, Any]) -> None:
    assert all(script["peak"](kind, 1) > 0.1 for kind in ("float32", "int8"))
