"""The jobs of a server: a few run, the others wait; all of them go on where they were when the server starts again."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from fststyle.errors import FststyleError
from fststyle.serve.commands import NETWORK
from fststyle.serve.job import Folders, Job, Kind
from fststyle.serve.networks import Networks
from fststyle.serve.news import News
from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Settings
from fststyle.serve.work import Work
from fststyle.system.files import reason_of

# The folders before a file's name: clients are not told where the server keeps its files.
_PATH = re.compile(r"(?<![\w:./])(?:[A-Za-z]:)?(?:[/\\][^/\\\s:'\"]+)*[/\\](?=[^/\\\s])")

_log = logging.getLogger(__name__)


class Jobs:
    """Call everything from the server's event loop."""

    def __init__(self, settings: Settings, networks: Networks) -> None:
        self._settings = settings
        self._networks = networks
        self.folders = Folders(settings.folder / "jobs")
        self.news = News(settings.limits.listeners)
        self._jobs: dict[str, Job] = {}
        self._work: dict[str, Work] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wanted: dict[str, str] = {}  # "paused" or "removed", of a job that still runs
        self._arriving = 0
        self._ending = False

    async def start(self) -> None:
        """Go on with what lies on the disk.

        Raises:
            FststyleError: The folder cannot be read or made.
        """
        try:
            found = await asyncio.to_thread(self.folders.read)
        except OSError as error:
            raise FststyleError(
                f"{self._settings.folder} cannot be used ({reason_of(error)}); choose another --output"
            ) from error
        for job in found:
            self._jobs[job.id] = job if job.state != "running" else job.changed(state="queued")
            self._work[job.id] = await asyncio.to_thread(Work, self.folders.of(job))
            if job.state == "done" and job.kind == "train":
                await self._offer(job)
        self._pump()

    async def stop(self, patience: float = 30.0) -> None:
        """End what runs, so that it goes on at the next start."""
        self._ending = True
        self.news.close()
        tasks = list(self._running.values())
        for work in self._work.values():
            work.ask_to_end()
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        for work in self._work.values():
            work.let_go()

    def all(self) -> list[Job]:
        """The newest first."""
        return sorted(self._jobs.values(), key=lambda job: -job.created)

    def get(self, name: str) -> Job:
        """The job of that id.

        Raises:
            RefusedError: There is none.
        """
        job = self._jobs.get(name)
        if job is None:
            raise RefusedError(404, "there is no such job; GET /api/jobs lists them")
        return job

    def facts(self, job: Job) -> dict[str, Any]:
        """What clients are told."""
        waiting = [other.id for other in sorted(self._jobs.values(), key=_age) if other.state == "queued"]
        return {
            "id": job.id,
            "kind": job.kind,
            "title": job.title,
            "state": _ENDING.get(self._wanted.get(job.id, ""), job.state),
            "created": job.created,
            "before": waiting.index(job.id) if job.id in waiting else None,
            "request": job.request,
            "progress": self._work[job.id].progress.facts(),
            "samples": self._work[job.id].samples,
            "network": job.id if job.kind == "train" and job.state == "done" else None,
            "error": None if job.error is None else _PATH.sub("", job.error),
        }

    async def add(
        self, kind: Kind, title: str, request: dict[str, Any], fill: Callable[[Path], Awaitable[None]]
    ) -> Job:
        """A new job that waits.

        Args:
            kind: What it does.
            title: Its name for people.
            request: What is asked for.
            fill: Puts what the job works on into its folder.

        Raises:
            RefusedError: There are too many jobs, or `fill` raises it.
            OSError: The disk is full, for instance.
        """
        if len(self._jobs) + self._arriving >= self._settings.limits.jobs:
            raise RefusedError(429, "there are too many jobs; delete some", {"Retry-After": "60"})
        self._arriving += 1
        try:
            folder = await asyncio.to_thread(self.folders.begin)
            try:
                await fill(folder)
                job = Job.new(kind, title, request)
                await asyncio.to_thread(self.folders.keep, folder, job)
            except BaseException:
                self.folders.remove(folder)
                raise
        finally:
            self._arriving -= 1
        self._jobs[job.id], self._work[job.id] = job, Work(self.folders.of(job))
        self.news.tell(job.id)
        self._pump()
        return self._jobs[job.id]

    async def pause(self, name: str) -> Job:
        """Let a job rest until it is resumed; one that runs ends its step first, in the background.

        Raises:
            RefusedError: It is over, or not there.
        """
        job = self.get(name)
        if job.state == "queued":
            self._set(job.changed(state="paused"))
        elif job.state == "running":
            if self._wanted.get(name) != "removed":
                self._wanted[name] = "paused"
            self._work[name].ask_to_end()
            self.news.tell(name)
        elif job.is_over:
            raise RefusedError(409, f"this job is {job.state}; only one that waits or runs can be paused")
        return self._jobs[name]

    async def resume(self, name: str) -> Job:
        """Go on with a job that rests or has failed.

        Raises:
            RefusedError: It is done, is being removed, or is not there.
        """
        job = self.get(name)
        if self._wanted.get(name) == "removed" or job.state == "done":
            raise RefusedError(409, "this job is done, or is being removed; it cannot be resumed")
        if self._wanted.pop(name, None) is not None:  # it was about to rest, and starts again once it has ended
            self._wanted[name] = "queued"
        if job.state in ("paused", "failed"):
            self._set(job.changed(state="queued", error=None))
            self._pump()
        return self._jobs[name]

    async def remove(self, name: str) -> None:
        """Cancel a job, and delete all that it made.

        Raises:
            RefusedError: It is not there.
        """
        job = self.get(name)
        self._wanted[name] = "removed"
        self.news.tell(name)
        if (task := self._running.get(name)) is not None:
            self._work[name].ask_to_end()
            await asyncio.wait([task])
        if self._jobs.pop(name, None) is None:  # somebody else removed it meanwhile
            return
        self._networks.remove(name)
        self._wanted.pop(name, None)
        self._work.pop(name, None)
        await asyncio.to_thread(self.folders.remove, self.folders.of(job))
        self.news.tell(name)
        self._pump()

    def _pump(self) -> None:
        """Start what may run."""
        for job in sorted(self._jobs.values(), key=_age):
            if self._ending or len(self._running) >= self._settings.limits.running:
                return
            if job.state == "queued" and job.id not in self._wanted and job.id not in self._running:
                self._set(job.changed(state="running"))
                task = self._running[job.id] = asyncio.create_task(self._run(job.id))
                task.add_done_callback(partial(self._ended, job.id))

    def _ended(self, name: str, _: asyncio.Task[None]) -> None:
        self._running.pop(name, None)
        self._pump()

    async def _run(self, name: str) -> None:
        """Do what is left of a job, and note what became of it."""
        work = self._work[name]
        try:
            problem = await work.run(
                self._jobs[name],
                self._networks,
                self._settings.photos,
                told=partial(self.news.tell, name),
                unwanted=lambda: self._ending or name in self._wanted,
            )
            if problem is None and self._jobs[name].kind == "train":
                await asyncio.to_thread(self._add_network, self._jobs[name])
        except Exception as error:  # noqa: BLE001 -- the job fails, and the server goes on
            if not isinstance(error, FststyleError | OSError):
                _log.exception("the job %s", name)
            problem = str(error) or type(error).__name__
        job = self._jobs[name]
        work.rest()
        wanted = self._wanted.get(name)
        if wanted == "removed" or (self._ending and problem is not None):
            return  # on the disk it still runs, and will go on at the next start
        self._wanted.pop(name, None)
        if problem is None:
            self._set(job.changed(state="done", error=None))
            await asyncio.to_thread(self._tidy, job)
        elif wanted is not None:
            self._set(job.changed(state=wanted))
        else:
            self._set(job.changed(state="failed", error=problem))

    def _tidy(self, job: Job) -> None:
        """Delete what only the work needed."""
        if job.kind == "video":
            with suppress(OSError):
                (self.folders.of(job) / "source").unlink(missing_ok=True)

    async def _offer(self, job: Job) -> None:
        try:
            await asyncio.to_thread(self._add_network, job)
        except FststyleError as error:
            self._jobs[job.id] = job.changed(state="failed", error=str(error))

    def _add_network(self, job: Job) -> None:
        self._networks.add(job.id, self.folders.of(job) / NETWORK, job.title, job.id)

    def _set(self, job: Job) -> None:
        self._jobs[job.id] = job
        try:
            job.write(self.folders.of(job))
        except OSError as error:  # it goes on here; at the next start it begins at an earlier state
            _log.warning("the state of the job %s cannot be kept: %s", job.id, reason_of(error))
        self.news.tell(job.id)


_ENDING = {"paused": "pausing", "removed": "removing", "queued": "queued"}


def _age(job: Job) -> float:
    return job.created
