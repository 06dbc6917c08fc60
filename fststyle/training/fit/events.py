"""What a run tells programs: a JSON object a line on standard error, as `fststyle video --json` does."""

import json
import sys
import time
from typing import Any, cast

import pytorch_lightning as pl

from fststyle.training.fit.callbacks import CostProgressBar
from fststyle.training.fit.module import StyleTransferModule

BETWEEN = 1.0
"""Seconds between two events of progress."""


def tell(event: str, **facts: Any) -> None:
    """One line."""
    print(json.dumps({"event": event, **facts}), file=sys.stderr, flush=True)  # noqa: T201 -- for the command


class ProgressEvents(CostProgressBar):
    """Events in place of a bar: begin; progress about once a second; sample, after every sheet of pictures."""

    def __init__(self) -> None:
        super().__init__(BETWEEN)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell where the run begins or goes on."""
        self._begin(trainer, cast(StyleTransferModule, pl_module))
        if self._enabled:
            tell("begin", step=trainer.global_step, steps=trainer.max_steps if trainer.max_steps > 0 else None)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Tell how far it is."""
        now = time.monotonic()
        if not self._enabled or now - self._last_line < self.seconds_between_lines:
            return
        self._last_line = now
        module = cast(StyleTransferModule, pl_module)
        rate, left = self._speed(module)
        tell(
            "progress",
            share=round(module.progress, 4),
            step=trainer.global_step,
            speed=round(rate, 3),
            seconds_left=round(left, 1),
            costs={
                name.removesuffix("_loss"): round(value.item(), 5)
                for name, value in module.last_terms.items()
                if name.endswith("_loss")
            },
        )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell of the sheet of pictures that `SamplePictures` has written by then."""
        if self._enabled:
            tell("sample", step=trainer.global_step)
