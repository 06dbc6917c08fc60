"""fststyle as it is used, in a process that may hang or die: `fststyle …` in one that stays, for speed."""

import multiprocessing
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a command came to.

    Attributes:
        status: Its exit status; None if it was killed, or died.
        said: Its standard error.
    """

    status: int | None
    said: str

    @property
    def reason(self) -> str:
        """The first line of the error, or the last line of what it said."""
        lines = self.said.strip().splitlines() or ["nothing was said"]
        return next((line for line in lines if line.startswith("error: ")), lines[-1])


class OurReader:
    """Runs `fststyle` commands one after the other in a process that is started again when it must be."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: Any = None
        self._pipe: Connection | None = None

    def __call__(self, *arguments: str) -> Answer:
        """Run `fststyle ARGUMENTS`; after the time limit it is killed."""
        if self._process is None:
            self._start()
        assert self._pipe is not None  # noqa: S101 -- for the type checker
        try:
            self._pipe.send(arguments)
            if self._pipe.poll(self._seconds):
                answer: Answer = self._pipe.recv()
                return answer
            said = f"error: not done after {self._seconds:g} s"
        except (EOFError, OSError):
            said = "error: the process died"
        self.close()
        return Answer(None, said)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()


def _serve(pipe: Connection) -> None:
    from fststyle.cli import app

    with suppress(EOFError), tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        while True:
            arguments = pipe.recv()
            said.seek(0)
            said.truncate()
            status = _run(app, arguments)
            sys.stderr.flush()
            said.seek(0)
            pipe.send(Answer(status, said.read().decode(errors="replace")))


def _run(app: Any, arguments: tuple[str, ...]) -> int:
    try:
        return int(app(list(arguments), standalone_mode=False) or 0)
    except SystemExit as left:
        return int(left.code or 0)
    except BaseException as error:  # noqa: BLE001 -- an unforeseen one is what is looked for
        print(f"error: traceback: {type(error).__name__}: {error}", file=sys.stderr)
        return 70


def scratch(folder: Path, name: str) -> Path:
    """A place for a result; whatever was there is gone."""
    path = folder / name
    for old in (path, *folder.glob(f"{path.stem}.*")):
        old.unlink(missing_ok=True)
    return path
