"""The process of one row, `python -m fststyle.training.many.row REQUEST PARENT`: train or go on, export, note it."""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from fststyle.errors import AlreadyTrainedError, FststyleError, TrainingError
from fststyle.system.files import is_file
from fststyle.system.memory import keep_freed_memory
from fststyle.training.many.plan import REFUSED, Request, State, state_of

# Seconds that an earlier process of the row has for its last checkpoint, whose launcher was killed.
_PATIENCE = 120.0

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


def main(arguments: list[str]) -> int:
    """Do a request; returns the exit status, that of `fststyle train`, or `REFUSED`."""
    _end_with(int(arguments[1]))
    keep_freed_memory()
    begun = False
    try:
        request = Request.of(json.loads(arguments[0]))
        if request is None:
            raise TrainingError("this is no request of train-many; start it with fststyle train-many")
        with _alone(request.folder):
            state_of(request)  # as it is now that no other process is at it
            begun = True
            request.write()
            return _do(request)
    except (FststyleError, ValueError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1 if begun else REFUSED


def _do(request: Request) -> int:
    from fststyle.training.cli import main as train
    from fststyle.training.export import export_checkpoint
    from fststyle.training.fit.finished import CHECKPOINT, Training

    start, before = time.monotonic(), State.read(request.folder)
    if before.status == "done" and is_file(request.network):
        return 0
    words = list(request.arguments)
    if is_file(request.folder / CHECKPOINT):
        words.append("--resume")
    try:
        status = train(words)
    except AlreadyTrainedError:  # it was ended between its last step and its export
        status = 0
    seconds = before.seconds + time.monotonic() - start
    if status:
        replace(before, status="stopped", seconds=seconds, error=None).write(request.folder)
        return status
    training = Training.open(request.folder)
    export_checkpoint(training.checkpoint, request.network, licence=request.license or None)
    State("done", seconds, None, training.steps, dict(training.costs), training.judge).write(request.folder)
    return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / ".row.lock", timeout=_PATIENCE)
    try:
        with lock:
            yield
    except Timeout as error:
        raise TrainingError(f"another process trains in {folder}; wait for its end") from error


def _end_with(parent: int) -> None:
    """Let the system end this process as `kill` does, with a checkpoint, if its launcher dies. On Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it died before
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
