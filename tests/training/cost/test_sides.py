"""Judging from eight sides: all different, all of the same picture, none with a cost of its own."""

from collections.abc import Callable
from itertools import combinations

import pytest
import torch

from fststyle import samples
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.cost.sides import SIDES, seen_from
from fststyle.training.fit.many_styles import ManyStylesModule
from fststyle.training.fit.module import StyleTransferModule


def test_sides_differ_and_lose_nothing() -> None:
    images = torch.rand(2, 3, 20, 20)
    sides = [seen_from(images, side) for side in range(SIDES)]
    assert torch.equal(sides[0], images)
    for one, other in combinations(sides, 2):
        assert not torch.equal(one, other)
    for side in sides:
        assert torch.equal(side.flatten().sort().values, images.flatten().sort().values)
    assert seen_from(torch.rand(1, 3, 20, 30), 7).shape == (1, 3, 30, 20)


def test_painting_and_photo_match_themselves_from_every_side() -> None:
    painting, photo = torch.rand(1, 3, 48, 64), torch.rand(1, 3, 48, 64)
    objective = PerceptualObjective(Cost(loss_network="slim"), painting)
    objective.look_from_all_sides(painting)
    assert objective.sides == SIDES
    for side in range(SIDES):
        features = objective.content_features(photo, side)
        assert float(objective.terms(painting, features, side=side).style) < 1e-6
        assert float(objective.terms(photo, features, side=side).content) < 1e-6
        upright = objective.terms(photo, objective.content_features(photo))
        assert float(objective.terms(photo, features, side=side).style) == pytest.approx(float(upright.style), rel=0.5)


@pytest.mark.parametrize(("init", "upright"), [("base", 0), ("none", 50)])
def test_steps_are_judged_from_the_next_side_once_the_strokes_are_found(init: str, upright: int) -> None:
    module = StyleTransferModule(samples.style("swirls"), style_size=48, init=init)
    module.setup("fit")
    batch = torch.randint(256, (1, 3, 64, 64), dtype=torch.uint8)
    photo, objective = batch / 255, module.objective
    with torch.no_grad():
        for step in (0, 3, 49, 50, 94):
            trainer = {"global_step": step, "max_steps": 100, "max_epochs": -1, "num_training_batches": float("inf")}
            trainer |= {"world_size": 1, "global_rank": 0}
            module.trainer = type("Trainer", (), trainer)()
            side = step % SIDES if step >= upright else 0
            wanted = objective.terms(module.net(photo), objective.content_features(photo, side), side=side)
            found = module.terms(batch)
            assert float(found.style) == pytest.approx(float(wanted.style))
            assert float(found.content) == pytest.approx(float(wanted.content))


def test_only_distilled_networks_are_asked_from_all_sides(shallow_cost: Callable[..., Cost]) -> None:
    for cost, sides in ((Cost(), SIDES), (shallow_cost(), 1), (Cost(style_layers=()), 1)):
        module = StyleTransferModule(samples.style("swirls"), style_size=48, cost=cost)
        module.setup("fit")
        assert module.objective.sides == sides
    many = ManyStylesModule([samples.style("swirls")], "fast", Cost(), "base", sides=[[48]])
    many.setup("fit")
    assert many.objective.sides == 1
