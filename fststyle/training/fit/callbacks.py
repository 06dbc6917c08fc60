"""Lightning callbacks of a run: time budget, signals, checkpoints, sample pictures, progress bar."""

import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback, ProgressBar
from pytorch_lightning.callbacks import Checkpoint as CheckpointCallback
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fststyle.errors import ImageError
from fststyle.pictures.files import write_picture
from fststyle.pictures.sheet import contact_sheet
from fststyle.system.signals import SignalWatch
from fststyle.system.warn import warn
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.progress import SharedLook, has_end
from fststyle.training.fit.run_log import log_picture
from fststyle.training.tensors import to_uint8


class TimeBudget(Callback):
    """Ends the run by time or by steps; a last validation and a last checkpoint follow.

    Time spent counts over resumptions. It moves `StyleTransferModule.progress`, and with it the learning rate, so that
    the schedule ends with the budget on a machine of any speed.

    Args:
        minutes: The budget, all but imports and setting up included; None for no limit but `max_steps`.
    """

    def __init__(self, minutes: float | None) -> None:
        if minutes is not None and not 0 < minutes < float("inf"):
            raise ValueError(f"minutes must be above 0 and finite, not {minutes}")
        self.seconds = minutes * 60 if minutes is not None else None
        self._before = 0.0
        self._started: float | None = None
        self._shared = SharedLook()

    @property
    def elapsed(self) -> float:
        """Seconds trained, including before a resume."""
        return self._before + (time.monotonic() - self._started if self._started is not None else 0.0)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Tell the module about the budget, before it makes its optimizer."""
        if self.seconds is not None:
            cast(StyleTransferModule, pl_module).time_spent = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock, for a resumed run at the time it had reached."""
        self._started, self._shared = time.monotonic(), SharedLook()
        self._look(trainer, cast(StyleTransferModule, pl_module))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop after a step if the budget is used up."""
        module = cast(StyleTransferModule, pl_module)
        self._look(trainer, module)
        if module.progress >= 1 and has_end(trainer, module.time_spent) and _step_done(trainer, batch_idx):
            trainer.should_stop = True

    def _look(self, trainer: pl.Trainer, module: StyleTransferModule) -> None:
        """Look at the clock; all processes use the first one's."""
        if self.seconds is not None and self._shared.is_due(trainer):
            module.time_spent = trainer.strategy.broadcast(self.elapsed) / self.seconds

    def state_dict(self) -> dict[str, float]:
        """Seconds spent, for the checkpoint."""
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Continue from the seconds of a checkpoint."""
        self._before = state_dict["elapsed"]


class StopOnSignal(Callback):
    """Ends the run after the current step on Ctrl-C or SIGTERM; a second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self._watch = SignalWatch()
        self._shared = SharedLook()

    @property
    def received(self) -> int | None:
        """The number of the signal that ended the run, or None."""
        return self._watch.received

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take over both signals from Lightning, which would leave with exit status 0."""
        self._shared = SharedLook()
        self._watch.__enter__()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop all processes after a step if one of them got a signal."""
        if not (_step_done(trainer, batch_idx) and self._shared.is_due(trainer)):
            return
        if trainer.strategy.reduce_boolean_decision(self.received is not None, all=False):
            trainer.should_stop = True

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Restore the signal handlers."""
        self._watch.__exit__()


SAVE_EVERY = 100
"""Default number of steps between two checkpoints."""


class LastCheckpoint(CheckpointCallback):
    """Saves `last.ckpt` in the run's folder every so many steps and at the end.

    Args:
        folder: Of the run.
        every_n_steps: What a power cut may cost.
    """

    def __init__(self, folder: Path, every_n_steps: int = SAVE_EVERY) -> None:
        if every_n_steps < 1:
            raise ValueError(f"every_n_steps must be at least 1, not {every_n_steps}")
        self.path, self.every_n_steps = folder / "last.ckpt", every_n_steps

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is due."""
        if trainer.global_step % self.every_n_steps == 0 and _step_done(trainer, batch_idx):
            trainer.save_checkpoint(self.path)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the last step, with the costs of the last validation."""
        trainer.save_checkpoint(self.path)


class SamplePictures(Callback):
    """Writes held-out photos beside the network's pictures of them, after every validation.

    Args:
        folder: Receives `step_000500.jpg`, …; TensorBoard gets the same sheets.
        pictures: How many photos at most.
    """

    def __init__(self, folder: Path, pictures: int = 8) -> None:
        self.folder, self.pictures = folder, pictures
        self._rows: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first photos and pictures."""
        if trainer.is_global_zero and len(self._rows) < self.pictures:
            self._rows.append((to_uint8(outputs["content"][0]), to_uint8(outputs["stylized"][0])))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write them as one picture, two pairs a row."""
        pairs, self._rows = self._rows, []
        if not pairs or not trainer.is_global_zero:
            return
        rows = [[picture for pair in pairs[i : i + 2] for picture in pair] for i in range(0, len(pairs), 2)]
        sheet = contact_sheet(rows)
        try:
            write_picture(self.folder / f"step_{trainer.global_step:06d}.jpg", sheet)
        except ImageError as error:
            warn(f"{error}; the training goes on without this sample picture")
        for logger in trainer.loggers:
            log_picture(logger, "val/stylized", sheet, trainer.global_step)


class CostProgressBar(ProgressBar):
    """A progress bar of one line: steps, speed, time left, and the terms of the cost.

    Without a terminal, a line now and then, so that a log file stays readable.
    """

    def __init__(self, seconds_between_lines: float = 30.0) -> None:
        super().__init__()
        self.seconds_between_lines = seconds_between_lines
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._begun = (0.0, 0.0, 0)  # time, progress and step at which this sitting began
        self._last_line = 0.0
        self._enabled = True

    def disable(self) -> None:
        """Called by Lightning on all processes but the first."""
        self._enabled = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say where the photos are, and show an empty bar."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        if self._enabled and (resident := getattr(data, "resident_bytes", 0)):
            where = f"{len(data.train_files)} photos lie on {trainer.strategy.root_device}"
            self._console.print(f"{where}: {resident / 1e9:.2g} GB", highlight=False)
        self._begin(trainer, cast(StyleTransferModule, pl_module))
        if self._enabled and self._console.is_terminal:
            self._bar = Progress(
                BarColumn(30), "{task.percentage:>3.0f}%", TimeElapsedColumn(), TextColumn("{task.description}"),
                console=self._console,
            )  # fmt: skip
            self._bar.add_task("first step …", total=1.0)
            self._bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Update the bar or the log, at most a few times a second, because reading a term waits for the device."""
        now = time.monotonic()
        if not self._enabled or now - self._last_line < (0.5 if self._bar else self.seconds_between_lines):
            return
        self._last_line = now
        module = cast(StyleTransferModule, pl_module)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=module.progress, description=self._line(module))
        else:
            self._console.print(f"{module.progress:4.0%}  {self._line(module)}", highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the last state on the screen."""
        self._stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Release the terminal before the error message."""
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _begin(self, trainer: pl.Trainer, module: StyleTransferModule) -> None:
        self._begun = (time.monotonic(), module.progress, trainer.global_step)

    def _speed(self, module: StyleTransferModule) -> tuple[float, float]:
        """Steps a second in this sitting, and seconds left."""
        begun_at, begun_progress, begun_step = self._begun
        passed = time.monotonic() - begun_at
        done = module.progress - begun_progress
        left = passed / done * (1 - module.progress) if done > 0 else 0.0
        return (module.trainer.global_step - begun_step) / max(passed, 1e-9), left

    def _line(self, module: StyleTransferModule) -> str:
        rate, left = self._speed(module)
        shown = {"content": 3, "style": 4, "likeness": 4, "total": 3}
        costs = [
            f"{name} {module.last_terms[f'{name}_loss'].item():.{digits}f}"
            for name, digits in shown.items()
            if f"{name}_loss" in module.last_terms
        ]
        return " · ".join([f"step {module.trainer.global_step}", f"{rate:.2f}/s", f"{left / 60:.1f} min left", *costs])


def _step_done(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Whether a step ends with this batch; with `accumulate_grad_batches` a step has several."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0 or trainer.is_last_batch
