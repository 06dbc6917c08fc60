"""The process of one row, `python -m fststyle.training.many.row REQUEST PARENT`: train or go on, export, note it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from fststyle.errors import AlreadyTrainedError, FststyleError, TrainingError
from fststyle.system.files import is_file
from fststyle.system.memory import keep_freed_memory
from fststyle.system.signals import end_with
from fststyle.training.many.ends import refuse_another_end
from fststyle.training.many.plan import REFUSED, Request, State, state_of
from fststyle.training.remedies import in_a_sheet

# Seconds that an earlier process of the row has for its last checkpoint, whose launcher was killed.
_PATIENCE = 120.0


def main(arguments: list[str]) -> int:
    """Do a request; returns the exit status, that of `fststyle train`, or `REFUSED`."""
    end_with(int(arguments[1]))  # with a checkpoint
    keep_freed_memory()
    request = Request.of(json.loads(arguments[0]))
    begun = False
    try:
        if request is None:
            raise TrainingError("this is no request of train-many; start it with fststyle train-many")
        with _alone(request.folder):
            state_of(request)  # as it is now that no other process is at it
            if _last_save(request):
                refuse_another_end(request)
            begun = True
            with _noted(request):
                return _do(request)
    except (FststyleError, ValueError, OSError) as error:
        sys.stderr.write(f"error: {in_a_sheet(str(error), request.folder) if request else error}\n")
        return 1 if begun else REFUSED


def _do(request: Request) -> int:
    from fststyle.training.cli import main as train
    from fststyle.training.export import export_checkpoint
    from fststyle.training.fit.finished import Training

    start, before = time.monotonic(), State.read(request.folder)
    if before.status == "done" and is_file(request.network):
        return 0
    status, goes_on = 0, bool(_last_save(request))
    if before.status != "done" or not goes_on:  # else its network was moved away
        with suppress(AlreadyTrainedError):  # it was ended between its last step and its export
            status = train([*request.arguments, *(["--resume"] if goes_on else [])])
    seconds = before.seconds + time.monotonic() - start
    if status:
        replace(before, status="stopped", seconds=seconds, error=None).write(request.folder)
        return status
    training = Training.open(request.folder)
    export_checkpoint(training.checkpoint, request.network, licence=request.license or None)
    State("done", seconds, None, training.steps, dict(training.costs), training.judge).write(request.folder)
    return 0


@contextmanager
def _noted(request: Request) -> Iterator[None]:
    """Note the request; where it fails before a step of it is saved, the row is still that of the request before."""
    before, saved = Request.read(request.folder), _last_save(request)
    request.write()
    try:
        yield
    except (FststyleError, ValueError, OSError):
        if before is not None and _last_save(request) == saved:
            before.write()
        raise


def _last_save(request: Request) -> int:
    """When the last checkpoint was written; 0 if there is none."""
    from fststyle.training.fit.finished import CHECKPOINT

    try:
        return (request.folder / CHECKPOINT).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / ".row.lock", timeout=_PATIENCE)
    try:
        with lock:
            yield
    except Timeout as error:
        raise TrainingError(f"another process trains in {folder}; wait for its end") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
