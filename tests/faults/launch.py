"""`fststyle` commands in processes that start at once: torch and Lightning are imported in a server that forks.

Killed as any process is; only the imports, some seconds each, are saved.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["launch", "fststyle.cli", "fststyle.training.cli", "fststyle.training.export"])


@dataclass
class Running:
    """A command in a process group of its own."""

    process: ForkServerProcess
    errors_file: Path

    @property
    def errors(self) -> str:
        return self.errors_file.read_text("utf-8", "backslashreplace")

    @property
    def status(self) -> int | None:
        """As subprocess has it: negative for a signal that killed it, None while it runs."""
        return self.process.exitcode

    def send(self, number: int, *, group: bool = False) -> None:
        """Send a signal, to its children as well with `group`, as a terminal does."""
        pid = self.process.pid
        assert pid is not None
        # A process that has only just been made does not lead a group yet.
        for kill in (os.killpg, os.kill) if group else (os.kill,):
            try:
                kill(pid, number)
            except ProcessLookupError:
                continue
            return

    def wait(self, timeout: float = 300) -> int:
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.send(signal.SIGKILL, group=True)
            self.process.join()
            raise AssertionError(f"did not end in {timeout} s: {self.errors}")
        return self.process.exitcode


_started: list[Running] = []


def start(arguments: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None,
          prepare: Callable[[], None] | None = None) -> Running:  # fmt: skip
    """Run `fststyle` with its current folder and standard error in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / f"errors-{time.monotonic_ns()}.txt"
    errors.touch()
    process = _context.Process(
        target=_run, args=([str(a) for a in arguments], folder, errors, dict(environment or {}), prepare)
    )
    process.start()
    running = Running(process, errors)
    _started.append(running)
    return running


def end_all() -> None:
    """Kill whatever is left."""
    for running in _started:
        running.send(signal.SIGKILL, group=True)
        running.process.join()
    _started.clear()


def ranks(count: int) -> list[dict[str, str]]:
    """The environments of processes that train together, as torchrun sets them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    return [
        common | {"RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "faults"}
        for rank in range(count)
    ]


def _run(
    arguments: list[str], folder: Path, errors: Path, environment: dict[str, str], prepare: Callable[[], None] | None
) -> None:
    os.setpgid(0, 0)
    multiprocessing.set_start_method("fork", force=True)  # what it starts is to start as in any other process
    os.chdir(folder)
    os.environ.update(environment)
    # Python takes Ctrl-C as a background process would have it from a terminal, whatever the server was told.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    file = os.open(errors, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 2)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    sys.argv = ["fststyle", *arguments]
    import torch

    torch.set_num_threads(1)
    if prepare is not None:
        prepare()
    from fststyle.cli import main

    main()
