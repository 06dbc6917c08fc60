"""One command of a job, in a process that ends with the server."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

from fststyle.serve.job import LOG

COMMAND = (sys.executable, "-m", "fststyle.serve.tied")

# After that many seconds, what was asked to end is killed; a training measures its photos once more.
_PATIENCE = 60.0


class Process:
    """A command that runs; what it says on standard error goes into the job's log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._killing: asyncio.TimerHandle | None = None

    @classmethod
    @asynccontextmanager
    async def begun(cls, folder: Path, words: Sequence[str]) -> AsyncIterator[Self]:
        """Start `fststyle` with these arguments; it has ended afterwards.

        Raises:
            OSError: The log cannot be written, or no process be started.
        """
        with (folder / LOG).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(*COMMAND, str(folder), *words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the server's terminal is the server's alone
            )
        begun = cls(process)
        try:
            yield begun
        finally:
            begun.let_go()
            if begun._killing is not None:
                begun._killing.cancel()

    @property
    def status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode

    async def ends_within(self, seconds: float) -> bool:
        """Wait that long, or until it has ended; tells whether it has."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)
        return self.status is not None

    def ask_to_end(self) -> None:
        """With its step done and its checkpoint written; it is killed if it takes too long."""
        if self._killing is not None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        self._killing = asyncio.get_running_loop().call_later(_PATIENCE, self._kill)

    def let_go(self) -> None:
        """Close its standard input, on which it ends by itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
