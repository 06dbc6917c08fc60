"""The logs of a run: TensorBoard's, which a full disk ends without ending the run, or any other of Lightning's."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pytorch_lightning.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from fststyle.errors import TrainingError
from fststyle.system.files import reason_of
from fststyle.system.warn import warn

_MLFLOW = "MLFLOW_TRACKING_URI"

LoggerName = Literal["tensorboard", "csv", "wandb", "mlflow", "none"]


class RunLog(TensorBoardLogger):
    """In `tensorboard` below the run's folder; a resumed run adds a file to it and leaves the earlier ones alone.

    Where it cannot be written, it warns once and keeps nothing more.
    """

    def __init__(self, run_folder: Path) -> None:
        super().__init__(run_folder, name="", version="tensorboard")
        self._lost = False
        _quiet_writer_threads()

    @property
    def experiment(self) -> Any:
        """TensorBoard's writer; there is none once the disk was full, and `hasattr` says so."""
        if self._lost:
            raise AttributeError("the log could not be written")
        try:
            return super().experiment
        except OSError as error:
            self._lose(error)
            raise AttributeError("the log cannot be written") from error

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Add numbers by name."""
        self._write(lambda: super(RunLog, self).log_metrics(metrics, step))

    def log_hyperparams(self, params: Any, *arguments: Any, **options: Any) -> None:
        """Add the settings."""
        self._write(lambda: super(RunLog, self).log_hyperparams(params, *arguments, **options))

    def log_picture(self, name: str, rgb: NDArray[np.uint8], step: int) -> None:
        """Add a picture, (H, W, 3)."""
        self._write(lambda: self.experiment.add_image(name, rgb, step, dataformats="HWC"))

    def save(self) -> None:
        """Bring what is in memory to the disk."""
        self._write(super().save)

    def finalize(self, status: str) -> None:
        """Close the file."""
        self._write(lambda: super(RunLog, self).finalize(status))

    def _write(self, write: Callable[[], object]) -> None:
        if not hasattr(self, "experiment"):
            return
        try:
            write()
        except (OSError, ValueError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__  # Lightning wraps it in a ValueError
            if not isinstance(cause, OSError):
                raise
            self._lose(cause)

    def _lose(self, error: OSError) -> None:
        self._lost = True
        warn(
            f"the log in {self.log_dir} ends here ({reason_of(error)}); the training goes on: free some disk, or the "
            "next checkpoint will fail"
        )


def open_log(name: LoggerName, run_folder: Path, run: str) -> Logger | None:
    """A log by its name, in the run's folder where it keeps files.

    Args:
        name: "none" keeps no log. "mlflow" logs where `MLFLOW_TRACKING_URI` says, or else in the run's folder.
        run_folder: Of the run.
        run: How the run is called in logs of many.

    Raises:
        TrainingError: The package that it needs is not installed.
        ValueError: There is no log of this name.
    """
    try:
        match name:
            case "none":
                return None
            case "tensorboard":
                return RunLog(run_folder)
            case "csv":  # each sitting gets a folder: Lightning deletes what lies in a log's
                return CSVLogger(run_folder, name="csv")
            case "wandb":
                run_folder.mkdir(parents=True, exist_ok=True)  # else it writes into the temporary folder
                return WandbLogger(name=run, project="fststyle", save_dir=run_folder)
            case "mlflow":
                uri, artifacts = os.environ.get(_MLFLOW), None
                if uri is None:
                    place = run_folder.resolve() / "mlflow"
                    place.mkdir(parents=True, exist_ok=True)
                    uri, artifacts = f"sqlite:///{place / 'mlflow.db'}", place.as_uri()
                return MLFlowLogger("fststyle", run, uri, artifact_location=artifacts)
    except ModuleNotFoundError as error:
        raise TrainingError(f"the log {name} needs its package; pip install {name}") from error
    raise ValueError(f"logger must be one of {', '.join(get_args(LoggerName))}, or a logger of Lightning, not {name!r}")


@contextmanager
def closed_afterwards(name: object) -> Iterator[None]:
    """Around a run that logs to "wandb" or "mlflow", so that the program's next run gets a log of its own.

    W&B's run would last as long as the program, and MLflow leaves the place of its log in the environment.
    """
    begun_before, place = _wandb_run(), os.environ.get(_MLFLOW)
    try:
        yield
    finally:
        if name == "wandb" and begun_before is None and (begun := _wandb_run()) is not None:
            begun.finish()
        if name == "mlflow" and place is None:
            os.environ.pop(_MLFLOW, None)


def _wandb_run() -> Any:
    return getattr(sys.modules.get("wandb"), "run", None)


def log_picture(logger: Logger, name: str, rgb: NDArray[np.uint8], step: int) -> None:
    """Add a picture, (H, W, 3), to a log that keeps some: TensorBoard's, MLflow's, or one with `log_image` as W&B's."""
    if isinstance(logger, RunLog):
        logger.log_picture(name, rgb, step)
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image(name, rgb, step, dataformats="HWC")
    elif isinstance(logger, MLFlowLogger):
        logger.experiment.log_image(logger.run_id, Image.fromarray(rgb), artifact_file=f"{name}_{step:06d}.png")
    elif callable(log_image := getattr(logger, "log_image", None)):
        log_image(key=name, images=[Image.fromarray(rgb)], step=step)


def _quiet_writer_threads() -> None:
    """TensorBoard's thread raises what it hands on to us as well; Python would print that with its traceback."""
    default = threading.excepthook

    def hook(raised: threading.ExceptHookArgs) -> None:
        if type(raised.thread).__name__ != "_AsyncWriterThread":
            default(raised)

    threading.excepthook = hook
