"""Clocks: who is timed when, and that the yardstick is a network of ours."""

from pathlib import Path

import numpy as np
import pytest

from fststyle.training.judge.evaluation import Speed
from fststyle.training.judge.speed import _random_johnson, measure_speed, time_runs


def test_speed_is_taken_in_turn() -> None:
    calls: list[str] = []
    seconds = time_runs([lambda: calls.append("a"), lambda: calls.append("b")], 3)
    assert calls == ["a", "b"] * 4
    assert all(0 <= each < 1 for each in seconds)
    assert Speed(500.0, 1000, 2000).per_megapixel == 250


@pytest.mark.slow
def test_johnson_takes_as_long_as_johnson(tmp_path: Path) -> None:
    johnson = _random_johnson(tmp_path / "johnson.onnx")
    picture = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    assert johnson(picture).shape == picture.shape
    own, reference = measure_speed([(johnson, None)], 128)
    assert (own.height, own.width) == (128, 128)
    assert own.milliseconds == pytest.approx(reference.milliseconds, rel=0.5)
