"""The learning rate by values; the average is tested where it averages, in test_module.py."""

import pytest

from fststyle.training.fit.schedule import one_cycle


def test_one_cycle_rises_to_its_peak_and_falls_to_a_hundredth() -> None:
    assert one_cycle(0, 0.15) == pytest.approx(0.04)
    assert one_cycle(0.15, 0.15) == pytest.approx(1)
    assert one_cycle(0.575, 0.15) == pytest.approx((1 + 0.01) / 2)
    assert one_cycle(1, 0.15) == pytest.approx(0.01)
    assert one_cycle(0.7, 0) == 1
