"""Costs whose minimum is known, and a texture."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.optimize.pixels import PixelOptimizer

Costs = Callable[[Tensor], Mapping[str, Tensor]]


def random_picture(seed: int, side: int = 8) -> Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def distance_to(target: Tensor) -> Costs:
    """Neighboring pixels pull at each other, so that the minimum is not found in one step."""

    def cost(picture: Tensor) -> dict[str, Tensor]:
        error = picture - target
        return {"total_loss": error.square().sum() + 5 * (error[..., 1:] - error[..., :-1]).square().sum()}

    return cost


@pytest.mark.parametrize(("method", "iterations"), [("lbfgs", 60), ("adam", 500)])
def test_it_finds_a_minimum_inside_the_range(method: str, iterations: int) -> None:
    target = 0.2 + 0.6 * random_picture(0)
    optimizer = PixelOptimizer(distance_to(target), random_picture(1), method=method)
    for _ in range(iterations):
        optimizer.step()
    torch.testing.assert_close(optimizer.picture, target, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("method", "iterations"), [("lbfgs", 30), ("adam", 300)])
def test_it_finds_the_nearest_picture_where_the_minimum_is_none(method: str, iterations: int) -> None:
    target = 3 * random_picture(0) - 1

    def cost(picture: Tensor) -> dict[str, Tensor]:
        return {"total_loss": (picture - target).square().sum()}

    optimizer = PixelOptimizer(cost, random_picture(1), method=method)
    for _ in range(iterations):
        optimizer.step()
    torch.testing.assert_close(optimizer.picture, target.clamp(0, 1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_pixel_at_its_bound_comes_back(bound: float) -> None:
    optimizer = PixelOptimizer(distance_to(torch.full((1, 3, 8, 8), 0.5)), torch.full((1, 3, 8, 8), bound))
    for _ in range(20):
        optimizer.step()
    torch.testing.assert_close(optimizer.picture, torch.full((1, 3, 8, 8), 0.5), atol=1e-3, rtol=0)


def test_the_cost_is_asked_once_for_a_picture() -> None:
    asked: list[Tensor] = []
    cost = distance_to(2 * random_picture(0) - 0.5)

    def counting(picture: Tensor) -> Mapping[str, Tensor]:
        assert picture.min() >= 0
        assert picture.max() <= 1
        asked.append(picture.detach().clone())
        return cost(picture)

    optimizer = PixelOptimizer(counting, random_picture(1))
    for _ in range(15):
        optimizer.step()
    assert optimizer.last.evaluations == len(asked)
    assert not any(torch.equal(a, b) for a, b in pairwise(asked))


def test_lbfgs_never_rises_and_the_best_is_kept() -> None:
    cost = distance_to(2 * random_picture(0) - 0.5)
    optimizer = PixelOptimizer(cost, random_picture(1))
    totals = [optimizer.last.total] + [optimizer.step().total for _ in range(40)]
    assert all(after <= before for before, after in pairwise(totals))
    assert optimizer.last.best == totals[-1]
    assert float(cost(optimizer.picture)["total_loss"]) == optimizer.last.best


def test_adam_keeps_the_best_when_it_overshoots() -> None:
    cost = distance_to(0.2 + 0.6 * random_picture(0))
    optimizer = PixelOptimizer(cost, random_picture(1), method="adam", learning_rate=0.3)
    totals = [optimizer.last.total] + [optimizer.step().total for _ in range(30)]
    assert any(after > before for before, after in pairwise(totals))
    assert optimizer.last.best == min(totals)
    assert float(cost(optimizer.picture)["total_loss"]) == min(totals)


def test_it_says_when_nothing_is_left_to_find() -> None:
    target = 0.2 + 0.6 * random_picture(0)
    optimizer = PixelOptimizer(distance_to(target), target)
    while not optimizer.stalled:
        optimizer.step()
        assert optimizer.last.iteration < 5
    torch.testing.assert_close(optimizer.picture, target)


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_it_goes_on_exactly_where_it_was(method: str) -> None:
    cost = distance_to(2 * random_picture(0) - 0.5)
    unbroken = PixelOptimizer(cost, random_picture(1), method=method)
    first = PixelOptimizer(cost, random_picture(1), method=method)
    for _ in range(12):
        unbroken.step()
    for _ in range(5):
        first.step()
    second = PixelOptimizer(cost, random_picture(2), method=method)
    second.load_state_dict(first.state_dict())
    for _ in range(7):
        second.step()
    assert torch.equal(second.picture, unbroken.picture)
    assert (second.last.iteration, second.last.evaluations) == (12, unbroken.last.evaluations)


def test_a_cost_that_is_no_number_stops_it_and_the_best_is_kept() -> None:
    def cost(picture: Tensor) -> dict[str, Tensor]:
        style = torch.where(picture.mean() < 0.5, torch.nan, picture.mean())
        return {"style_loss": style, "total_loss": style}

    optimizer = PixelOptimizer(cost, torch.full((1, 3, 4, 4), 0.55), method="adam")
    with pytest.raises(FloatingPointError, match="style_loss and total_loss became NaN"):
        [optimizer.step() for _ in range(10)]
    assert optimizer.picture.mean() >= 0.5


def test_a_texture_gets_the_gram_matrices_of_its_painting(vgg19_file: Path) -> None:
    cost = Cost(weights=vgg19_file, content_layers=(), style_layers=("relu1_2", "relu2_2"), tv_weight=0)
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    painting = torch.stack([(x / 3).sin(), ((x + y) / 5).sin(), (y / 4).cos()])[None].add(1).div(2)
    objective = PerceptualObjective(cost, painting, photos=[random_picture(3, 48)])
    optimizer = PixelOptimizer(lambda picture: objective.terms(picture, {}).named(), random_picture(4, 32))
    begin = optimizer.last.terms["style_loss"]
    for _ in range(120):
        optimizer.step()
    assert begin > 0.5
    assert optimizer.last.terms["style_loss"] < 0.01  # ‖G - Gₛ‖² / ‖Gₛ‖², so that G is within 10 % of Gₛ


@pytest.mark.parametrize(("wrong", "named"), [({"method": "sgd"}, "sgd"), ({"learning_rate": 0.0}, "learning_rate")])
def test_wrong_arguments_are_named(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        PixelOptimizer(distance_to(random_picture(0)), random_picture(1), **wrong)
