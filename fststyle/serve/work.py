"""The work on one job: its commands one after the other, and what is known of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from fststyle.serve.commands import RUN, result_of, steps_of
from fststyle.serve.job import Job
from fststyle.serve.lock import is_held
from fststyle.serve.networks import Networks
from fststyle.serve.process import Process
from fststyle.serve.progress import LogReader, Progress
from fststyle.system.files import is_file

# Seconds between two looks at a log.
_LOOK = 0.5


class Work:
    """How far a job is, whether it runs or not.

    Attributes:
        progress: What its log says.
        samples: The steps after which there is a sheet of pictures, in their order.
    """

    def __init__(self, folder: Path) -> None:
        """Read what an earlier run has left."""
        self._folder = folder
        self._process: Process | None = None
        self.progress = Progress()
        self.samples: list[int] = []
        self.recall()

    def recall(self) -> LogReader:
        """Begin with what the log says by now; nothing runs."""
        log = LogReader(self._folder)
        self.progress = log.progress
        self.rest()
        self._look_for_samples()
        return log

    def rest(self) -> None:
        """Nothing runs any more."""
        self.progress.rest()

    def ask_to_end(self) -> None:
        """End the command that runs, if any, with its step done and its checkpoint written."""
        if self._process is not None:
            self._process.ask_to_end()

    def let_go(self) -> None:
        """Let the command end by itself when nobody waits for it any more."""
        if self._process is not None:
            self._process.let_go()

    async def run(
        self,
        job: Job,
        networks: Networks,
        photos: Path | None,
        *,
        told: Callable[[], None],
        unwanted: Callable[[], bool],
    ) -> str | None:
        """Run the commands that are left.

        Args:
            job: What is asked for.
            networks: As for `steps_of`.
            photos: Likewise.
            told: Called when there is something new.
            unwanted: Asked now and then; True ends the work, with its checkpoint written.

        Returns:
            Why one of them failed or was not run; None if the job is done.

        Raises:
            FststyleError: A network that it names is not there any more.
            OSError: The log cannot be written.
        """
        while await asyncio.to_thread(is_held, self._folder):
            if unwanted():
                return "ended"
            await asyncio.sleep(_LOOK)
        log = await asyncio.to_thread(self.recall)
        for words in steps_of(job, self._folder, networks, photos, trained=log.progress.trained):
            if unwanted():
                return "ended"
            log.progress.error = None
            async with Process.begun(self._folder, words) as process:
                self._process = process
                try:
                    while True:
                        # Whoever asked while the process was being started found none to end.
                        if unwanted():
                            process.ask_to_end()
                        if await process.ends_within(_LOOK):
                            break
                        self._hear(log, told)
                finally:
                    self._process = None
            self._hear(log, told)
            if process.status != 0:
                return log.progress.error or f"its process ended with status {process.status}; log.txt has more"
        return None if is_file(self._folder / result_of(job)) else f"{result_of(job)} was not written"

    def _hear(self, log: LogReader, told: Callable[[], None]) -> None:
        if log.read():
            self._look_for_samples()
            told()

    def _look_for_samples(self) -> None:
        sheets = (self._folder / RUN / "samples").glob("step_*.jpg")
        numbers = (path.stem.removeprefix("step_") for path in sheets)
        self.samples = sorted(int(number) for number in numbers if number.isdecimal())
