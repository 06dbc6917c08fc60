from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fststyle.training.cost.objective import Cost
from fststyle.training.optimize.coarse_to_fine import CoarseToFine, Task

CPU = torch.device("cpu")


@pytest.fixture
def task(shallow_cost: Callable[..., Cost]) -> Task:
    rng = np.random.default_rng(0)
    cost = shallow_cost()
    content = rng.integers(0, 256, (30, 40, 3), np.uint8)
    painting = rng.integers(0, 256, (50, 44, 3), np.uint8)
    return Task(cost, 30, 40, content, (painting,), style_size=32, iterations=(4, 3))


def test_each_scale_doubles_the_sides_and_counts_on(task: Task) -> None:
    work = CoarseToFine(task, CPU)
    assert work.picture.shape == (15, 20, 3)
    seen = []
    while not work.done:
        step = work.step()
        seen.append((step.iteration, work.index, work.picture.shape[:2]))
    assert seen == [(i, 0, (15, 20)) for i in range(1, 5)] + [(i, 1, (30, 40)) for i in range(5, 8)]


def test_every_scale_lowers_its_cost(task: Task) -> None:
    work = CoarseToFine(task, CPU)
    totals: dict[int, list[float]] = {}
    while not work.done:
        totals.setdefault(0, [work.last.total])
        step = work.step()
        totals.setdefault(work.index, []).append(step.total)
    assert all(values == sorted(values, reverse=True) and values[-1] < values[0] for values in totals.values())


@pytest.mark.parametrize("broken_at", [2, 4, 6])
def test_it_goes_on_exactly_where_it_was(task: Task, broken_at: int) -> None:
    unbroken, first, second = (CoarseToFine(task, CPU) for _ in range(3))
    while not unbroken.done:
        unbroken.step()
    for _ in range(broken_at):
        first.step()
    second.load_state_dict(first.state_dict())
    while not second.done:
        second.step()
    np.testing.assert_array_equal(second.picture, unbroken.picture)
    assert second.last.terms == unbroken.last.terms
    assert second.last.evaluations == unbroken.last.evaluations


def test_the_start_is_where_it_should_be(task: Task) -> None:
    assert task.content is not None
    one_scale = replace(task, iterations=(1,))
    np.testing.assert_array_equal(CoarseToFine(one_scale, CPU).picture, task.content)
    np.testing.assert_array_equal(
        CoarseToFine(replace(one_scale, start=task.content[::-1]), CPU).picture, task.content[::-1]
    )
    noise = [CoarseToFine(replace(one_scale, start="noise", seed=seed), CPU).picture for seed in (0, 0, 1)]
    np.testing.assert_array_equal(noise[0], noise[1])
    assert not np.array_equal(noise[0], noise[2])
    assert abs(noise[0].mean() - 127.5) < 5


def test_with_several_paintings_the_mix_decides(task: Task) -> None:
    other = 255 - task.styles[0]
    both = replace(task, styles=(task.styles[0], other), iterations=(2,))
    first = CoarseToFine(replace(both, style_mix=(1.0, 0.0)), CPU)
    alone = CoarseToFine(replace(task, iterations=(2,)), CPU)
    mixed = CoarseToFine(both, CPU)
    assert first.last.terms["style_loss"] == pytest.approx(alone.last.terms["style_loss"], rel=1e-5)
    assert mixed.last.terms["style_loss"] != pytest.approx(alone.last.terms["style_loss"], rel=1e-2)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"iterations": ()}, "iterations"),
        ({"iterations": (10, 0)}, "iterations"),
        ({"content": None}, "content layers need a photo"),
    ],
)
def test_a_task_that_contradicts_itself_is_refused(task: Task, change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(task, **change)


def test_nothing_to_start_from_is_refused(task: Task) -> None:
    texture = replace(task.cost, content_layers=())
    with pytest.raises(ValueError, match="start from noise"):
        replace(task, cost=texture, content=None)
