"""Rows as processes of this machine, some at a time; each has its share of the cores, or a GPU."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fststyle.errors import FststyleError, TrainingError
from fststyle.system.cores import usable_cores
from fststyle.system.files import is_file, reason_of
from fststyle.system.memory import default_memory
from fststyle.system.signals import SignalWatch
from fststyle.training.many.plan import LOG, REFUSED, Request, State, memory_of

_POLL_SECONDS = 0.1

# A training on the CPU uses two cores well: one for the step, and some of another for photos and averages.
CORES_EACH = 2

_LAST_BYTES = 20_000  # of a log, in which the error is looked for

_ENDED_BY_US = {128 + signal.SIGTERM, 128 + signal.SIGINT, -signal.SIGTERM, -signal.SIGINT}


@dataclass(frozen=True)
class Shares:
    """What each process gets.

    Attributes:
        jobs: How many processes run at the same time.
        threads: Of each.
        gpus: Their numbers or names, one a process; empty for the CPU.
    """

    jobs: int
    threads: int
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Running:
    """A row whose process has begun.

    Attributes:
        request: What it does.
        process: That of the row.
        said_before: Bytes of its log that are of earlier processes.
    """

    request: Request
    process: "subprocess.Popen[bytes]"
    said_before: int


def shares(
    requests: Sequence[Request], jobs: int | None, threads: int | None, memory: int | None, *, gpu: bool
) -> Shares:
    """How cores, memory and GPUs are shared out.

    Args:
        requests: What is going to run.
        jobs: At the same time; None is as many as the machine has room for.
        threads: Of each; None is a fair share.
        memory: Bytes for all; None is half of what is free.
        gpu: Whether rows may use GPUs.
    """
    cores = usable_cores()
    gpus = _gpus() if gpu else ()
    if jobs is None:
        room = (default_memory() if memory is None else memory) // memory_of(requests)
        jobs = len(gpus) or min(max(1, cores // CORES_EACH), max(1, room))
    jobs = max(1, min(jobs, len(requests) or 1))
    return Shares(jobs, threads or max(1, cores // jobs), gpus)


def run_here(
    requests: Sequence[Request], given: Shares, told: Callable[[Request, State], None], begun: Callable[[Request], None]
) -> int | None:
    """Run them all; after Ctrl-C or SIGTERM the running ones write their checkpoints, and no other is begun.

    Returns:
        The number of the signal that ended it early, or None.
    """
    waiting, running, told_to_stop = deque(requests), dict[int, Running](), False
    with SignalWatch() as watch:
        try:
            while running or (waiting and watch.received is None):
                for slot in range(given.jobs):
                    if slot not in running and waiting and watch.received is None:
                        request = waiting.popleft()
                        begun(request)
                        try:
                            running[slot] = launch(request, given.gpus, slot)
                        except FststyleError as error:
                            told(request, State("failed", error=str(error)))
                time.sleep(_POLL_SECONDS)
                if watch.received is not None and not told_to_stop:
                    told_to_stop = True
                    _stop(running.values())
                for slot, row in list(running.items()):
                    if row.process.poll() is not None:
                        del running[slot]
                        told(row.request, ended(row.request, row.process.returncode, row.said_before))
        except BaseException:
            _stop(running.values(), signal.SIGKILL)
            raise
    return watch.received


def run_row(request: Request) -> tuple[State, int | None]:
    """Run one, as a machine of a cluster does.

    Returns:
        What became of it, and the number of the signal that ended it early, or None.
    """
    states = [State("stopped")]
    stopped = run_here([request], Shares(1, request.threads), lambda _, state: states.append(state), lambda _: None)
    return states[-1], stopped


def launch(request: Request, gpus: Sequence[str] = (), slot: int = 0) -> Running:
    """Begin a row, or go on with it; all that it says goes to the log in its folder.

    Raises:
        TrainingError: Its folder cannot be written.
    """
    environment = os.environ | {name: str(request.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    environment["PYTHONUNBUFFERED"] = "1"
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    command = [sys.executable, "-m", "fststyle.training.many.row", request.text(), str(os.getpid())]
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
        with (request.folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
            return Running(request, process, log.tell())
    except OSError as error:
        raise TrainingError(f"cannot start a process for {request.folder} ({reason_of(error)}); make room") from error


def ended(request: Request, status: int, said_before: int = 0) -> State:
    """What became of a row whose process has ended, noted in its folder unless that was another process's.

    Args:
        request: Of the row.
        status: Of the process.
        said_before: Bytes of its log that are of earlier processes.
    """
    state = State.read(request.folder)
    if status == 0 and state.status == "done" and is_file(request.network):
        return state
    if status == REFUSED:
        return State("failed", error=_reason(request.folder / LOG, status, said_before))
    if status in _ENDED_BY_US:
        state = replace(state, status="stopped", error=None)
    else:
        state = replace(state, status="failed", error=_reason(request.folder / LOG, status, said_before))
    try:
        state.write(request.folder)
    except FststyleError as error:
        return replace(state, status="failed", error=state.error or str(error))
    return state


def _reason(log: Path, status: int, said_before: int) -> str:
    """The last line of a log that says what went wrong, behind what earlier processes said."""
    try:
        with log.open("rb") as file:
            file.seek(max(said_before, log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    said = next((line.partition("error: ")[2] for line in reversed(lines) if line.startswith("error: ")), None)
    if status < 0:
        perhaps = ", perhaps for want of memory" if status == -signal.SIGKILL else ""
        return f"its process was ended by signal {-status}{perhaps}; the same command goes on from its last checkpoint"
    if said is not None:
        return said
    last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
    return f"its process ended with status {status} and said last: {last[:200]}; see {log}"


def _stop(running: Iterable[Running], number: int = signal.SIGTERM) -> None:
    for row in running:
        if row.process.poll() is None:
            row.process.send_signal(number)


def _gpus() -> tuple[str, ...]:
    """The GPUs that CUDA may use, without asking torch."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(part.strip() for part in named.split(",") if part.strip() not in ("", "-1"))
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(str(number) for number, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU "))
