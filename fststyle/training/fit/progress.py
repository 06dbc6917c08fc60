"""The progress of a run, measured by whatever ends it: steps, epochs or time."""

import math
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import GradientAccumulationScheduler, Timer
from pytorch_lightning.utilities import rank_zero_warn

USUAL_STEPS = 4000
"""The default length of a run. In a run without an end, progress reaches 1 after as many steps."""


def has_end(trainer: pl.Trainer, time_spent: float | None) -> bool:
    """Whether anything ends a run; arguments as for `share_done`."""
    if trainer.max_steps > 0 or time_spent is not None or _timers(trainer):
        return True
    endless_epoch = trainer.global_step > 0 and trainer.num_training_batches == float("inf")
    return (trainer.max_epochs or -1) > 0 and not endless_epoch


def share_done(trainer: pl.Trainer, time_spent: float | None) -> float:
    """How much of a run is done, 0..1, measured by what ends it first.

    Args:
        trainer: The run's.
        time_spent: Fraction of the time budget that is used up; None without one.
    """
    step = trainer.global_step
    shares = [] if time_spent is None else [time_spent]
    if trainer.max_steps > 0:
        shares.append(step / trainer.max_steps)
    batches = trainer.num_training_batches  # infinite as long as they are not known
    if (trainer.max_epochs or -1) > 0 and 0 < batches < float("inf"):
        shares.append(step / _steps_of_epochs(trainer, batches))
    if not shares and not has_end(trainer, time_spent):
        shares.append(step / USUAL_STEPS)
    return min(1.0, max(shares, default=0.0))


class SharedLook:
    """At which steps the processes of a run look at something together, such as one clock.

    One process alone always may. Several would wait for each other and for their devices, so they do it about twice a
    second, all at the same steps.
    """

    _SECONDS, _MOST_STEPS = 0.5, 100

    def __init__(self) -> None:
        self._next = 0
        self._last: tuple[int, float] | None = None

    def is_due(self, trainer: pl.Trainer) -> bool:
        """To be asked by all processes at the same steps."""
        step = trainer.global_step
        if trainer.world_size == 1:
            return True
        if step < self._next:
            return False
        now, wait = time.monotonic(), 1
        if self._last is not None and step > self._last[0]:
            seconds = (now - self._last[1]) / (step - self._last[0])
            wait = max(1, min(self._MOST_STEPS, int(self._SECONDS / max(seconds, 1e-6))))
        self._last = step, now
        self._next = step + trainer.strategy.broadcast(wait)
        return True


def timed_share(trainer: pl.Trainer) -> float | None:
    """How much of `Trainer(max_time=…)` is used up, the same in all processes; None without one."""
    shares = [
        timer.time_elapsed() / (timer.time_elapsed() + left)
        for timer in _timers(trainer)
        if (left := timer.time_remaining()) is not None
    ]
    return float(trainer.strategy.broadcast(max(shares))) if shares else None


def _steps_of_epochs(trainer: pl.Trainer, batches: int | float) -> int:
    epochs = trainer.max_epochs or 0
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, GradientAccumulationScheduler):
            return sum(math.ceil(batches / callback.get_accumulate_grad_batches(epoch)) for epoch in range(epochs))
    return epochs * math.ceil(batches / trainer.accumulate_grad_batches)


def _timers(trainer: pl.Trainer) -> list[Timer]:
    return [
        callback
        for callback in getattr(trainer, "callbacks", ())
        if isinstance(callback, Timer) and callback.time_remaining() is not None
    ]


class TimedModule(pl.LightningModule):
    """Knows how far its run is.

    Attributes:
        time_spent: Fraction of the time budget that is used up; None without one. `callbacks.TimeBudget` keeps it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time_spent: float | None = None
        self._look = SharedLook()

    @property
    def has_end(self) -> bool:
        """Whether something ends the run."""
        return self._trainer is not None and has_end(self.trainer, self.time_spent)

    @property
    def progress(self) -> float:
        """How much of the run is done, 0..1, by whatever ends it first; 1 without a Trainer."""
        return 1.0 if self._trainer is None else share_done(self.trainer, self.time_spent)

    def on_train_start(self) -> None:
        """Look at the clock, and warn if nothing ends the run."""
        self._look = SharedLook()
        self.on_train_batch_start()
        if not self.has_end:
            rank_zero_warn(
                "nothing ends this run, so the learning rate stays constant: give the Trainer max_steps, max_epochs or "
                "max_time"
            )

    def on_train_batch_start(self, *_: Any) -> None:
        """Look at the clock of `Trainer(max_time=…)`."""
        if not (_timers(self.trainer) and self._look.is_due(self.trainer)):
            return
        if (timed := timed_share(self.trainer)) is not None:
            self.time_spent = max(timed, self.time_spent or 0.0)

    def teardown(self, stage: str) -> None:
        """The next run has its own clock."""
        self.time_spent = None
