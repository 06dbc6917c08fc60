"""The clock of a run; what else happens around the steps is seen in whole runs, in test_training_cli.py."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from fststyle.training.fit.callbacks import TimeBudget


def test_a_resumed_run_knows_before_its_first_step_how_far_it_is() -> None:
    trainer: Any = SimpleNamespace(
        world_size=1, global_step=0, strategy=SimpleNamespace(broadcast=lambda seconds: seconds)
    )
    module: Any = SimpleNamespace(time_spent=0.0)
    budget = TimeBudget(1.0)
    budget.load_state_dict({"elapsed": 30.0})
    budget.on_train_start(trainer, module)
    assert cast(float, module.time_spent) == pytest.approx(0.5, abs=0.01)
