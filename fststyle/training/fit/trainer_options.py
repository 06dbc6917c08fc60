"""The options of Lightning's Trainer in a run: its defaults here, what is refused, and errors in one line."""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fststyle.errors import FststyleError, TrainingError
from fststyle.system.one_line import one_line
from fststyle.training.data.readers import plain_reading_errors
from fststyle.training.devices import check_precision, default_precision, torch_device
from fststyle.training.fit.progress import USUAL_STEPS
from fststyle.training.remedies import TAKE_LESS

# The run's folder decides these.
_OURS = ("plugins", "default_root_dir")

DEFAULTS: Mapping[str, Any] = {
    "max_steps": None,  # see `steps_of`
    "max_epochs": -1,
    "val_check_interval": 250,
    "check_val_every_n_epoch": None,
    "num_sanity_val_steps": 0,
    # Our sampler deals the positions out to the processes itself; Lightning's would start each resumed run anew.
    "use_distributed_sampler": False,
    "benchmark": True,
    "enable_model_summary": False,
    "log_every_n_steps": 10,
}
"""Where a run differs from Lightning's own defaults."""

# How torch says that the memory is full, a GPU's or the machine's.
_NO_MEMORY = re.compile("out of memory|allocate memory")


def settle(trainer: Any, minutes: float | None) -> None:
    """Check the options of a run, and choose what depends on the machine if the user did not, in place.

    Args:
        trainer: Options by name; a dict, or the parser's namespace.
        minutes: The run's time budget, if it has one.

    Raises:
        TrainingError: An option that no run can have.
    """
    for name in _OURS:
        if trainer.get(name) is not None:
            raise TrainingError(f"--trainer.{name} cannot be set: every output of a run goes to --output; leave it out")
    if trainer.get("precision") is None:
        on_gpu = trainer.get("accelerator", "auto") in ("auto", "gpu", "cuda")
        trainer["precision"] = default_precision(torch_device("auto" if on_gpu else "cpu"))
    check_numbers(trainer)
    check_precision(trainer["precision"])
    trainer["max_steps"] = steps_of(trainer, minutes)


def check_numbers(trainer: Any) -> None:
    """Refuse what Lightning would take from its settings, and train to ruin with, or not at all.

    Raises:
        TrainingError: Which one, and its value.
    """
    for name in ("max_steps", "max_epochs", "limit_train_batches", "accumulate_grad_batches"):
        if trainer.get(name) == 0:
            raise TrainingError(f"--trainer.{name} 0 trains nothing; give at least 1, or leave it out")
    clip = trainer.get("gradient_clip_val")
    if clip is not None and not 0 <= clip < float("inf"):
        raise TrainingError(f"--trainer.gradient_clip_val must be 0 or more and finite, not {clip}")
    if trainer.get("barebones"):
        raise TrainingError("--trainer.barebones cannot be set: a run keeps logs and checkpoints; leave it out")


def steps_of(trainer: Any, minutes: float | None) -> int:
    """The `max_steps` of a run that `Trainer` settings describe: -1 if it is something else that ends it.

    Raises:
        TrainingError: Nothing ends it.
    """
    steps = trainer.get("max_steps")
    ends_otherwise = minutes is not None or trainer.get("max_time") is not None or (trainer.get("max_epochs") or -1) > 0
    if steps is None and not ends_otherwise:
        return USUAL_STEPS
    if steps is not None and steps < 0 and not ends_otherwise and not trainer.get("fast_dev_run"):
        raise TrainingError("nothing ends this run, and the learning rate follows its end; give --minutes or --steps")
    return -1 if steps is None or minutes is not None else steps


# Whose errors say what they do not like of the Trainer's options, or of where the costs are logged.
_LIGHTNING = ("pytorch_lightning", "lightning_fabric")
_LOGS = ("wandb", "mlflow", "comet_ml", "neptune")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Around whatever torch and Lightning do: what users can mend is said in one line.

    Raises:
        TrainingError: An option of the trainer does not fit this machine or our callbacks, or the memory is full.
        DataError: See `plain_reading_errors`.
    """
    try:
        with plain_reading_errors():
            yield
    except FststyleError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error))):
            raise TrainingError(f"the memory is full; {TAKE_LESS}") from error
        said = one_line(error)
        where = _raised_in(error)
        if where in _LIGHTNING:
            raise TrainingError(f"{said}; change this option of --trainer") from error
        if where in _LOGS:
            raise TrainingError(f"{where}: {said}; set {where} up, or choose another --logger") from error
        if isinstance(error, ValueError):  # the parser's, of many lines
            raise ValueError(said) from error  # noqa: TRY004 -- what it was
        raise


def _raised_in(error: Exception) -> str:
    """The package whose code raised an error."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).partition(".")[0]
