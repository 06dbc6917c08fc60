"""One run in its folder, whoever asks for it: the command, or a program through `train`."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger

from fststyle.errors import TrainingError
from fststyle.training.checkpoint import AtomicCheckpointIO, read_checkpoint
from fststyle.training.data.cache import CACHE_FOLDER, remove_cache
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.calibration import style_factor
from fststyle.training.fit.callbacks import (
    SAVE_EVERY,
    CostProgressBar,
    LastCheckpoint,
    SamplePictures,
    StopOnSignal,
    TimeBudget,
)
from fststyle.training.fit.finished import BAD_PHOTOS, CHECKPOINT, SAMPLES, Training
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.run_folder import check_resume, locked
from fststyle.training.fit.run_log import RunLog
from fststyle.training.fit.trainer_options import plain_errors
from fststyle.training.tensors import unit_range


def trainer_settings(
    folder: Path, options: Any, *, minutes: float | None = None, save_every: int = SAVE_EVERY
) -> dict[str, Any]:
    """What a run adds to the options of its Trainer, so that all of its outputs lie in its folder.

    Args:
        folder: Of the run.
        options: As `settle` leaves them, callbacks and loggers as objects.
        minutes: Ends the run after so long.
        save_every: Steps between two checkpoints.
    """
    ours: list[Callback] = [TimeBudget(minutes), StopOnSignal()]
    if options.get("enable_progress_bar") is not False:
        ours.append(CostProgressBar())
    last = LastCheckpoint(folder, save_every)
    if not options.get("fast_dev_run"):
        ours += [SamplePictures(folder / SAMPLES), last]
    asked = options.get("callbacks") or []
    logger: Logger | bool | None = options.get("logger")
    return {
        "callbacks": [*(asked if isinstance(asked, list) else [asked]), *ours],
        "logger": RunLog(folder) if logger is None or logger is True else logger,
        "plugins": [AtomicCheckpointIO()],
        "default_root_dir": folder,
    }


def run(
    trainer: Trainer,
    module: StyleTransferModule,
    data: ContentData,
    folder: Path,
    *,
    resume: bool = False,
    force: bool = False,
    begin: Callable[[], None] = lambda: None,
) -> Training:
    """Train in a folder.

    Args:
        trainer: Made with `trainer_settings` of this folder.
        module: What is trained.
        data: What it is trained on.
        folder: Of the run.
        resume: Go on from the checkpoint in the folder.
        force: Resume with another painting, cost or other photos, too.
        begin: Called once the folder is this run's, before the first step.

    Raises:
        FststyleError: For whatever the user can mend.
    """
    last = folder / CHECKPOINT
    is_first = trainer.is_global_zero
    if resume:
        saved = read_checkpoint(last)
        if trainer.max_steps > 0 and saved.steps >= trainer.max_steps:
            raise TrainingError(f"{last} has all of its {saved.steps} steps; give a higher --steps")
        check_resume(saved, module, data, force=force)
    elif last.exists() and is_first:
        raise TrainingError(f"{folder} holds a run already; go on with --resume, or give another --output")
    data.bad_list, data.cache_folder = folder / BAD_PHOTOS, folder / CACHE_FOLDER
    with locked(folder) if is_first else nullcontext():
        if is_first:
            begin()
            remove_cache(data.cache_folder)  # an interrupted run's, perhaps of other photos
        with plain_errors():
            trainer.fit(module, data, ckpt_path=last if resume else None, weights_only=True)
        if is_first:
            remove_cache(data.cache_folder)
    return Training.open(folder, stopped_by(trainer))


def stopped_by(trainer: Trainer) -> int | None:
    """The number of the signal that ended a run, or None."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return next((each.received for each in callbacks if isinstance(each, StopOnSignal) and each.received), None)


def calibrate(module: StyleTransferModule, resumed: Path | None = None) -> float:
    """Multiply the style weight by what suits the painting; a resumed run keeps the weight that it began with.

    Args:
        module: Not yet in training; it is changed.
        resumed: The checkpoint that the run goes on from.

    Returns:
        The style weight that the module has now.
    """
    if resumed is not None:
        weight = float(read_checkpoint(resumed).recipe["style_weight"])
    else:
        weight = module.cost.style_weight * style_factor(module.cost, unit_range(module.style_image))
    module.cost = replace(module.cost, style_weight=weight)
    return weight
