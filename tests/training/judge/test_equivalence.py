"""The chase by values: a cost whose optimum is known, on a picture of a few pixels."""

import pytest
import torch
from torch import Tensor

from fststyle.training.judge.equivalence import chase
from fststyle.training.tensors import to_uint8

GOAL = torch.linspace(0.1, 0.9, 3 * 8 * 8).view(1, 3, 8, 8)
SCALE = torch.linspace(0.05, 1, 8)  # ill-conditioned enough to take a few iterations


def cost(picture: Tensor) -> dict[str, Tensor]:
    return {"total_loss": ((picture - GOAL).square() * SCALE).sum() + 1}


START = torch.zeros(1, 3, 8, 8)


def test_the_photo_itself_is_reached_at_once() -> None:
    total = float(cost(START)["total_loss"])
    found = chase(cost, START, [total, total * 2], 100)
    assert [point.iteration for point in found.reached if point] == [0, 0]
    assert len(found.points) == 1
    assert found.points[0].evaluations == 1
    assert (found.best == 0).all()


def test_it_stops_at_the_lowest_target_and_keeps_the_first_point_below_each() -> None:
    start, told = float(cost(START)["total_loss"]), []
    targets = [1 + (start - 1) / 2, 1 + (start - 1) / 1000, start]
    found = chase(cost, START, targets, 100, advanced=told.append)
    for target, point, picture in zip(targets, found.reached, found.pictures, strict=True):
        assert point is not None
        assert picture is not None
        assert point.best <= target * (1 + 1e-6)
        assert point == found.points[point.iteration]
        assert all(earlier.best > target for earlier in found.points[: point.iteration])
    assert found.points[-1] == found.reached[1]
    assert told == list(range(1, len(found.points)))
    shown = torch.from_numpy(found.best).permute(2, 0, 1)[None] / 255
    assert float(cost(shown)["total_loss"]) == pytest.approx(found.points[-1].best, rel=0.01)


def test_it_gives_up_at_the_limit_and_when_there_is_nothing_left_to_gain() -> None:
    start = float(cost(START)["total_loss"])
    limited = chase(cost, START, [0.5, start], 2)
    assert (limited.reached[0], limited.pictures[0], len(limited.points)) == (None, None, 3)
    assert limited.reached[1] == limited.points[0]
    stalled = chase(cost, START, [0.5], 10_000)
    assert stalled.reached == [None]
    assert len(stalled.points) < 1000
    assert stalled.points[-1].best == pytest.approx(1, abs=1e-4)
    assert abs(stalled.best.astype(int) - to_uint8(GOAL).astype(int)).max() <= 1
