"""What a worker does: it opens the networks once, and paints the pictures of one batch after the other."""

import io
import os
import socket
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fststyle.cluster.places import read_object, write_object
from fststyle.cluster.tasks import Task
from fststyle.errors import FststyleError
from fststyle.jobs.plan import Job
from fststyle.jobs.run import Result, Settings, run
from fststyle.model.file import read_model
from fststyle.paint.blend import Blend
from fststyle.paint.stylizer import Opening, Stylizer
from fststyle.system.urls import is_url

# Pictures of an object store that are fetched while as many are painted.
_AHEAD = 4


@dataclass(frozen=True)
class Recipe:
    """All that a worker needs to paint, so that networks and mask need not be on its machine.

    Attributes:
        networks: Their files' bytes.
        names: How messages call them.
        weights: For a blend; empty for a single network.
        device: As for `Stylizer`, but "auto" is the CPU: only who names a GPU has one reserved.
        opening: Likewise.
        settings: Of every picture.
    """

    networks: tuple[bytes, ...]
    names: tuple[str, ...]
    weights: tuple[float, ...]
    device: str
    opening: Opening
    settings: Settings

    def open(self) -> Stylizer | Blend:
        """What paints.

        Raises:
            FststyleError: As `Stylizer`.
        """
        device = "cpu" if self.device == "auto" else self.device  # the others' GPUs are no worker's to take
        stylizers = [
            Stylizer(read_model(data, name), device, **self.opening)
            for data, name in zip(self.networks, self.names, strict=True)
        ]
        return Blend(stylizers, self.weights) if self.weights else stylizers[0]


@dataclass(frozen=True)
class Outcome:
    """What became of one task.

    Attributes:
        number: Of the task.
        seconds: For fetching, painting and writing it.
        error: Why it was not painted, in one line; None if it was.
        warnings: What was said of it besides.
    """

    number: int
    seconds: float
    error: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Staged:
    """A task with what it needs on this machine."""

    number: int
    task: Task
    job: Job
    seconds: float


class PicturePainter:
    """Lives in a process of its own.

    Attributes:
        place: Machine and process, "node7:4711".
    """

    def __init__(self, recipe: Recipe) -> None:
        self.place = f"{socket.gethostname()}:{os.getpid()}"
        self._recipe = recipe
        self._painter = recipe.open()
        self._said: list[str] = []

    @property
    def device(self) -> str:
        """Where the network runs."""
        return self._painter.device

    def paint(self, batch: Sequence[tuple[int, Task]], report_every: float) -> Iterator[list[Outcome]]:
        """Paint some tasks, which have numbers.

        Yields:
            Outcomes, as soon as the last ones are so many seconds old.
        """
        told = time.monotonic()
        outcomes: list[Outcome] = []
        for outcome in self._outcomes(batch):
            outcomes.append(outcome)
            if time.monotonic() - told >= report_every:
                yield outcomes
                told, outcomes = time.monotonic(), []
        if outcomes:
            yield outcomes

    def _outcomes(self, batch: Sequence[tuple[int, Task]]) -> Iterator[Outcome]:
        with (
            tempfile.TemporaryDirectory(prefix="fststyle-") as folder,
            ThreadPoolExecutor(_AHEAD) as pool,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *_, **__: self._said.append(str(message))
            scratch = Path(folder)
            parts = [batch[start : start + _AHEAD] for start in range(0, len(batch), _AHEAD)]
            sent: deque[Future[Outcome]] = deque()
            ahead = _submit(pool, scratch, parts[0]) if parts else []
            for number in range(len(parts)):
                staged = [future.result() for future in ahead]
                ahead = _submit(pool, scratch, parts[number + 1]) if number + 1 < len(parts) else []
                jobs = [each.job for each in staged]
                results = run(jobs, self._painter, self._recipe.settings, stdin=io.BytesIO(), stdout=io.BytesIO())
                for each, result in zip(staged, results, strict=True):
                    if each.task.target is None or not is_url(each.task.target):
                        yield self._outcome(each, result)
                        continue
                    sent.append(pool.submit(self._sent, each, result))
                    while sent and (sent[0].done() or len(sent) > _AHEAD):
                        yield sent.popleft().result()
            yield from (future.result() for future in sent)

    def _sent(self, staged: _Staged, result: Result) -> Outcome:
        """Move a painting to its object store."""
        target, start = staged.job.target, time.perf_counter()
        failure = None
        if result.error is None and target is not None and staged.task.target is not None:
            try:
                write_object(staged.task.target, target.read_bytes())
            except FststyleError as error:
                failure = str(error)
            target.unlink()
        return self._outcome(staged, result, failure, time.perf_counter() - start)

    def _outcome(self, staged: _Staged, result: Result, failure: str | None = None, seconds: float = 0.0) -> Outcome:
        if staged.job.source is not None and str(staged.job.source) != staged.task.source:
            staged.job.source.unlink(missing_ok=True)
        said, self._said = tuple(self._said), []
        error = failure if result.error is None else str(result.error)
        return Outcome(
            staged.number,
            staged.seconds + result.seconds + seconds,
            None if error is None else self._named(error, staged),
            tuple(self._named(each, staged) for each in said),
        )

    def _named(self, text: str, staged: _Staged) -> str:
        """A message with the names that the user knows, in the place of this machine's."""
        for ours, theirs in ((staged.job.source, staged.task.source), (staged.job.target, staged.task.target)):
            if ours is not None and theirs is not None:
                text = text.replace(str(ours), theirs)
        return text


def _submit(pool: ThreadPoolExecutor, scratch: Path, part: Sequence[tuple[int, Task]]) -> list["Future[_Staged]"]:
    return [pool.submit(_staged, scratch, number, task) for number, task in part]


def _staged(scratch: Path, number: int, task: Task) -> _Staged:
    """Fetch what lies in an object store."""
    start, problem = time.perf_counter(), task.problem
    source, target = Path(task.source), None if task.target is None else Path(task.target)
    if is_url(task.source):
        source = scratch / f"{number}{Path(task.source).suffix}"
        if problem is None:
            try:
                source.write_bytes(read_object(task.source))
            except FststyleError as error:
                problem = str(error)
            except OSError as error:
                problem = f"{task.source} cannot be kept in {scratch} ({error.strerror}); make room there"
    if task.target is not None and is_url(task.target):
        target = scratch / f"{number}_painted{task.suffix}"
    return _Staged(number, task, Job(source, target, task.suffix, problem), time.perf_counter() - start)
