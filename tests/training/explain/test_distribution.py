"""The style cost is a maximum mean discrepancy: against a double sum written out position by position."""

from itertools import product

import pytest
import torch
from torch import Tensor

from fststyle.training.explain import distribution


def features(height: int, width: int, seed: int) -> Tensor:
    return torch.rand(1, 4, height, width, generator=torch.Generator().manual_seed(seed))


def double_sum(x: Tensor, y: Tensor) -> float:
    """Mean of (aᵀb)², one pair of positions after the other."""
    points = [x[0].flatten(1).T.tolist() for x in (x, y)]
    values = [sum(p * q for p, q in zip(a, b, strict=True)) ** 2 for a, b in product(*points)]
    return sum(values) / len(values)


def test_both_ends_agree_with_the_sum_over_pairs_of_positions() -> None:
    x, y = features(5, 6, 0), 1.5 * features(4, 7, 1)
    expected = double_sum(x, x) + double_sum(y, y) - 2 * double_sum(x, y)
    ends = distribution.compare(x, y)
    assert ends.style == pytest.approx(expected, rel=1e-9)
    assert ends.kernel == pytest.approx(expected, rel=1e-9)
    assert ends.difference < 1e-9
    assert ends.positions == 30


def test_nothing_separates_a_picture_from_itself_shuffled() -> None:
    x = features(6, 6, 0)
    shuffled = x.flatten(2)[:, :, torch.randperm(36)].view_as(x)
    assert distribution.compare(x, shuffled).kernel == pytest.approx(0, abs=1e-12)


def test_of_large_maps_some_positions_stand_for_all() -> None:
    x, y = features(70, 90, 0), features(80, 66, 1)
    ends = distribution.compare(x, y)
    assert ends.positions == 64 * 64
    assert ends.difference < 1e-5
    assert distribution.compare(x, y) == ends
    assert distribution.compare(x + 1, y).style > 10 * ends.style
