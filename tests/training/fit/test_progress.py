"""Several processes look at the clock together, at the same steps and not at each of them."""

from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import pytest
import pytorch_lightning as pl

from fststyle.training.fit import progress
from fststyle.training.fit.progress import SharedLook


def trainer(step: int, world_size: int = 2, told: int | None = None) -> pl.Trainer:
    strategy = SimpleNamespace(broadcast=lambda wait: wait if told is None else told)
    return cast(pl.Trainer, SimpleNamespace(global_step=step, world_size=world_size, strategy=strategy))


def test_one_process_looks_at_each_step() -> None:
    look = SharedLook()
    assert all(look.is_due(trainer(step, world_size=1)) for step in range(5))


@pytest.mark.parametrize(("seconds", "between"), [(0.1, 5), (0.001, 100), (2.0, 1)])
def test_several_look_about_twice_a_second(monkeypatch: pytest.MonkeyPatch, seconds: float, between: int) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    look, due = SharedLook(), []
    for step in range(7, 320):
        if look.is_due(trainer(step)):
            due.append(step)
        now[0] += seconds * 0.999
    assert due[:3] == [7, 8, 8 + (between if between > 1 else 1)]
    assert all(later - sooner <= between for sooner, later in pairwise(due))


def test_all_of_them_wait_as_long_as_the_first_one_says() -> None:
    look = SharedLook()
    assert look.is_due(trainer(0, told=40))
    assert not any(look.is_due(trainer(step)) for step in range(1, 40))
    assert look.is_due(trainer(40))
