"""One run in its folder, whoever asks for it: the command, or a program through `train`."""

import signal
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger

from fststyle import samples
from fststyle.errors import AlreadyTrainedError, TrainingError
from fststyle.system.counts import counted
from fststyle.system.warn import warn
from fststyle.training.checkpoint import AtomicCheckpointIO, read_checkpoint
from fststyle.training.cost.cost import Cost
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
from fststyle.training.fit.events import ProgressEvents
from fststyle.training.fit.finished import BAD_PHOTOS, CHECKPOINT, SAMPLES, Training
from fststyle.training.fit.host import kept_host, python_words
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.run_folder import check_resume, locked
from fststyle.training.fit.run_log import LoggerName, RunLog, closed_afterwards, open_log
from fststyle.training.fit.settings import sort_settings
from fststyle.training.fit.trainer_options import DEFAULTS, plain_errors, settle
from fststyle.training.networks.transformer_net import NetworkName
from fststyle.training.remedies import GO_BACK
from fststyle.training.tensors import unit_range


def train(
    style: Path | str,
    photos: Path | str | None = None,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    force: bool = False,
    calibrate: bool = False,
    name: str | None = None,
    network: NetworkName | None = None,
    style_weight: float | None = None,
    cost: Cost | None = None,
    save_every: int = SAVE_EVERY,
    logger: LoggerName | Logger | Iterable[Logger] | bool = True,
    **settings: Any,
) -> Training:
    """Train a network on one painting, as `fststyle train` does.

    It runs in any thread, and leaves signals, log levels and random numbers as they were. Ctrl-C and SIGTERM let the
    step finish and the checkpoint be written, and are then handed on to the program.

    Args:
        style: The painting, a picture file.
        photos: A folder of photos, searched recursively; None takes the sample photos, and warns.
        minutes: Train this long.
        steps: Or so many steps. Without either, `max_epochs` or `max_time` of the Trainer, or else 4000 steps.
        out: The run's folder; `runs/NAME` by default.
        resume: Go on from the checkpoint in that folder.
        force: Resume with another painting, cost or other photos, too.
        calibrate: Fit the style weight to the painting, in some seconds.
        name: Of the style; the painting's file name by default.
        network: See `StyleTransferModule`.
        style_weight: See `Cost`.
        cost: What is minimized; `style_weight` and the like take the place of its fields.
        save_every: Steps between two checkpoints.
        logger: "tensorboard" (also True), "csv", "wandb", "mlflow", "none" (also False), or loggers of Lightning.
        settings: Of `StyleTransferModule`, `Cost`, `ContentData` and Lightning's `Trainer`, by their own names or by
            those of the command: `style_size=512`, `crop=192`, `accelerator="cpu"`, `callbacks=[…]`.

    Raises:
        FststyleError: For whatever the user can mend.
        KeyboardInterrupt: After Ctrl-C; its note says how to go on.
        TypeError: There is no such setting.
        ValueError: A setting is out of its range.
    """
    if minutes is not None and steps is not None:
        raise ValueError("give minutes or steps, not both")
    named = {"steps": steps, "network": network, "style_weight": style_weight}
    given = sort_settings({**settings, **{key: value for key, value in named.items() if value is not None}})
    if given.trainer.get("fast_dev_run"):
        raise ValueError("fast_dev_run keeps nothing, so there would be nothing to return; give steps=2")
    if photos is None:
        photos = samples.photo_folder()
        warn(f"training on the {len(samples.photos())} sample photos; a few hundred of yours do better: give photos")
    name = name or Path(style).stem
    folder = Path("runs") / name if out is None else Path(out)
    with kept_host(), python_words(), plain_errors(), closed_afterwards(logger):
        options = {**DEFAULTS, **given.trainer, "logger": logger}
        settle(options, minutes)
        module = StyleTransferModule(style, name, cost=replace(cost or Cost(), **given.cost), **given.model)
        data = ContentData(photos, **given.data)
        options |= trainer_settings(folder, options, name=name, minutes=minutes, save_every=save_every)
        trainer = Trainer(**options)
        if calibrate:
            fit_style_weight(module, folder / CHECKPOINT if resume else None)
        training = run(trainer, module, data, folder, resume=resume, force=force)
    if training.stopped is not None:
        try:
            signal.raise_signal(training.stopped)
        except KeyboardInterrupt as stop:
            stop.add_note(
                f"{counted(training.steps, 'step')} made, in {training.checkpoint}; resume=True goes on from there"
            )
            raise
    return training


def trainer_settings(
    folder: Path,
    options: Any,
    *,
    name: str,
    minutes: float | None = None,
    save_every: int = SAVE_EVERY,
    as_json: bool = False,
) -> dict[str, Any]:
    """What a run adds to the options of its Trainer, so that all of its outputs lie in its folder.

    Args:
        folder: Of the run.
        options: As `settle` leaves them, callbacks and loggers as objects; a logger may be a `LoggerName`, too.
        name: Of the style, and of the run in logs of many.
        minutes: Ends the run after so long.
        save_every: Steps between two checkpoints.
        as_json: Show progress as `ProgressEvents`.
    """
    ours: list[Callback] = [TimeBudget(minutes), StopOnSignal()]
    last = LastCheckpoint(folder, save_every)
    if not options.get("fast_dev_run"):
        ours += [SamplePictures(folder / SAMPLES), last]
    if as_json or options.get("enable_progress_bar") is not False:
        ours.append(ProgressEvents() if as_json else CostProgressBar())
    asked = options.get("callbacks") or []
    logger = options.get("logger")
    if logger is None or logger is True:
        logger = RunLog(folder)
    elif isinstance(logger, str):
        logger = open_log(cast(LoggerName, logger), folder, name) or False
    return {
        "callbacks": [*(asked if isinstance(asked, list) else [asked]), *ours],
        "logger": logger,
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
        check_resume(saved, module, data, force=force)
        _refuse_without_steps_left(last, saved.steps, trainer.max_steps)
    elif last.exists() and is_first:
        raise TrainingError(f"{folder} holds a run already; go on with --resume, or give another --output")
    data.bad_list, data.cache_folder = folder / BAD_PHOTOS, folder / CACHE_FOLDER
    with locked(folder) if is_first else nullcontext():
        if is_first:
            begin()
            remove_cache(data.cache_folder)  # an interrupted run's, perhaps of other photos
        for log in trainer.loggers:
            if not isinstance(log, RunLog):  # TensorBoard's page of them is of no use for a single run
                log.log_hyperparams(module.recipe())
        with plain_errors():
            trainer.fit(module, data, ckpt_path=last if resume else None, weights_only=True)
        if is_first:
            remove_cache(data.cache_folder)
    return Training.open(folder, stopped_by(trainer))


def _refuse_without_steps_left(last: Path, made: int, asked: int) -> None:
    if asked < 0 or made < asked:  # below zero is without a limit
        return
    if made > asked:
        raise TrainingError(f"{last} has {counted(made, 'step')}, more than the {asked} asked for; {GO_BACK}")
    raise AlreadyTrainedError(f"{last} has all of its {made} steps; give a higher --steps")


def stopped_by(trainer: Trainer) -> int | None:
    """The number of the signal that ended a run, or None."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return next((each.received for each in callbacks if isinstance(each, StopOnSignal) and each.received), None)


def fit_style_weight(module: StyleTransferModule, resumed: Path | None = None) -> float:
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
