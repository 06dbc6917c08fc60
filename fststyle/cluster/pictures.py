"""Pictures painted by the workers of a Ray cluster: what `fststyle stylize --on ray` does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from fststyle.cluster.dispatch import CHANCES, Dispatch, InVain
from fststyle.cluster.painter import Outcome, PicturePainter, Recipe
from fststyle.cluster.ray_cluster import ClusterError, cluster, lost_with, needs_gpu, share_of, workers_for
from fststyle.cluster.tasks import Task, done_before, plan_tasks
from fststyle.errors import FststyleError
from fststyle.jobs.manifest import Manifest, how_to_repeat
from fststyle.jobs.plan import parse_shard
from fststyle.jobs.plan import shard as part_of
from fststyle.jobs.run import Settings
from fststyle.model.file import ModelFile, read_model
from fststyle.paint.controls import Controls, ControlValues
from fststyle.paint.mix import names_of, weights_of
from fststyle.paint.stylizer import Opening
from fststyle.system.files import refuse_inputs
from fststyle.system.warn import warn

# Seconds between two reports of a worker, for each worker there is: the driver then hears a hundred a second.
_REPORT_EVERY = 0.01

# Seconds between two waits of the manifest for its disk.
_SYNC_EVERY = 1.0


@dataclass(frozen=True)
class Painted:
    """What became of one picture.

    Attributes:
        source: Where it was read, a path or URL.
        target: Where its painting lies.
        seconds: For fetching, painting and writing it.
        error: Why it was not painted; None if it was.
        skipped: Whether it was left out because its painting was there already.
        worker: The machine and process that did it, "node7:4711"; None if none did.
    """

    source: str
    target: str | None
    seconds: float
    error: str | None = None
    skipped: bool = False
    worker: str | None = None


def paint_on_ray(
    networks: Mapping[str | Path, float] | ModelFile | str | Path,
    inputs: Sequence[str],
    output: str | None = None,
    controls: Controls | None = None,
    *,
    workers: int | None = None,
    threads: int = 1,
    max_side: int | None = None,
    quality: int = 95,
    format: str | None = None,  # noqa: A002 -- the command's own word
    skip_existing: bool = False,
    shard: str | None = None,
    manifest: Path | None = None,
    keep: Sequence[Path] = (),
    begun: Callable[[int], None] = lambda _: None,
    painted: Callable[[Painted], None] = lambda _: None,
    device: str = "auto",
    opening: Opening | None = None,
    **changed: Unpack[ControlValues],
) -> list[Painted]:
    """Paint pictures on a cluster; `jobs.files.paint_files` does the same in this process.

    Every painting is written whole or not at all, and every picture comes to one end and has one line in the manifest.
    A worker that is lost is replaced. What it had painted but not yet reported is painted again, to the same bytes. A
    picture over which three workers were lost is given up.

    Args:
        networks: A path or name, or a file that was read; or several paths or names with their weights, for a blend.
        inputs: Files, folders and patterns; paths that lead to the same files on every machine, or URLs.
        output: A file or folder, likewise.
        controls: The same for every picture; None for the defaults.
        workers: How many; None is as many as fit into the cluster.
        threads: CPUs of each worker.
        max_side: As for `paint_files`, like all that follow but `opening`.
        quality: Likewise.
        format: Likewise.
        skip_existing: Likewise.
        shard: Likewise.
        manifest: A file on this machine.
        keep: Further files that must not be overwritten.
        begun: Told how many pictures are going to be painted.
        painted: Told each result, as soon as there is one.
        device: Of every worker; on "cuda" each gets a GPU, and "auto" is the CPU.
        opening: Layout, memory and exactness of the networks; the memory is each worker's.
        changed: Fields of `Controls` to change.

    Returns:
        First those that were skipped, then the others as they were painted.

    Raises:
        FststyleError: Nothing can be painted: a network, the only input, the manifest, the cluster.
        ValueError: An argument is wrong, or inputs and output do not fit together.
    """
    settings = Settings(max_side, Controls.of(controls, changed), quality)
    weights: tuple[float, ...] = ()
    if isinstance(networks, ModelFile):
        files = [networks]
    elif isinstance(networks, Mapping):
        files, weights = [read_model(Path(name)) for name in networks], tuple(networks.values())
    else:
        files = [read_model(Path(networks))]
    style = "+".join(Path(file.name).stem if file.card is None else file.card.style for file in files)
    called = "+".join(file.called for file in files)
    if settings.controls.mix is not None and not weights:
        style = called = names_of(weights_of(settings.controls.mix, files[0]), files[0])
    recipe = Recipe(
        tuple(file.data for file in files),
        tuple(file.where for file in files),
        weights,
        device,
        Opening(**{**(opening or {}), "threads": threads}),
        settings,
    )
    kept = [*(file.path for file in files if file.path is not None), *keep]
    tasks = plan_tasks(
        inputs,
        output,
        style=called,
        suffix=f".{format.lower().lstrip('.')}" if format else None,
        also_read=kept,
    )
    if manifest is not None:
        refuse_inputs(manifest, *kept, *(Path(task.source) for task in tasks))
    if shard is not None:
        tasks = part_of(tasks, *parse_shard(shard))
    there = done_before(tasks) if skip_existing else set()
    waiting = [task for number, task in enumerate(tasks) if number not in there]
    results = [Painted(tasks[number].source, tasks[number].target, 0.0, skipped=True) for number in sorted(there)]
    begun(len(waiting))
    repeat = {}
    if manifest is not None:
        made_of = zip(files, [weight / sum(weights) for weight in weights] or [1.0], strict=True)
        repeat = how_to_repeat(made_of, settings.controls, settings, recipe.opening.get("layout", "rgb1"))
    with nullcontext() if manifest is None else Manifest(manifest, style, _SYNC_EVERY, repeat) as notes:
        for result in results:
            _note(notes, result)
            painted(result)
        for result in _painted(waiting, recipe, workers, threads) if waiting else ():
            _note(notes, result)
            painted(result)
            results.append(result)
    return results


def _note(notes: Manifest | None, result: Painted) -> None:
    if notes is not None:
        notes.add(
            result.source,
            result.target,
            seconds=result.seconds,
            error=result.error,
            skipped=result.skipped,
            worker=result.worker,
        )


def _painted(tasks: Sequence[Task], recipe: Recipe, workers: int | None, threads: int) -> Iterator[Painted]:
    with cluster() as ray:
        gpu = needs_gpu(recipe.device)
        count = workers_for(ray, workers, threads=threads, gpu=gpu, tasks=len(tasks))
        crew = _Crew(ray, recipe, share_of(threads, gpu=gpu), count)
        dispatch = Dispatch(len(tasks), count)
        for _ in range(count):
            crew.hire()
        in_vain = InVain(count)
        while dispatch.left:
            worker, outcomes = crew.heard()
            if outcomes is None:  # it is lost
                given_up = dispatch.lost(worker)
                if in_vain.lost(len(given_up)):
                    raise ClusterError(
                        "workers ended one after the other without painting a picture; read Ray's logs, and give "
                        "--memory or fewer --workers if the machines are small"
                    )
                for number in given_up:
                    task, ended = tasks[number], f"{CHANCES} workers ended while they painted it"
                    reason = f"{task.source}: {ended}; shrink it with --max-side, or leave it out"
                    yield Painted(task.source, task.target, 0.0, reason)
                crew.hire()
                continue
            for outcome in outcomes:
                in_vain.painted()
                dispatch.done(worker, outcome.number)
                for said in outcome.warnings:
                    warn(said)
                task = tasks[outcome.number]
                yield Painted(task.source, task.target, outcome.seconds, outcome.error, worker=crew.place_of(worker))
            if crew.is_idle(worker):
                crew.give(worker, [(number, tasks[number]) for number in dispatch.batch(worker)])


class _Crew:
    """Workers of one kind, and what they say."""

    def __init__(self, ray: Any, recipe: Recipe, each: Mapping[str, float], count: int) -> None:
        self._ray = ray
        self._recipe = ray.put(recipe)
        self._kind = ray.remote(max_restarts=0, **each)(_Worker)
        self._every = _REPORT_EVERY * count
        self._workers: dict[int, Any] = {}
        self._places: dict[int, str] = {}
        self._talking: dict[Any, int] = {}
        self._hired = 0

    def hire(self) -> None:
        """Add a worker, which has nothing to do yet."""
        self._hired += 1
        self._workers[self._hired] = self._kind.remote()
        said = self._workers[self._hired].open.options(num_returns="streaming").remote(self._recipe)
        self._talking[said] = self._hired

    def give(self, worker: int, batch: Sequence[tuple[int, Task]]) -> None:
        """Let an idle worker do a batch; with nothing to do, it stays for what others may lose."""
        if batch:
            said = self._workers[worker].paint.options(num_returns="streaming").remote(batch, self._every)
            self._talking[said] = worker

    def place_of(self, worker: int) -> str:
        """Its machine and process."""
        return self._places[worker]

    def is_idle(self, worker: int) -> bool:
        """Whether it has done all that it was given."""
        return worker not in self._talking.values()

    def heard(self) -> tuple[int, list[Outcome] | None]:
        """What the next worker has to say; None if it is lost, and nothing if it has come to the end of a batch.

        Raises:
            FststyleError: It cannot open the networks.
        """
        (said, *_), _ = self._ray.wait(list(self._talking), num_returns=1, fetch_local=False)
        worker = self._talking[said]
        try:
            answer = self._ray.get(next(said))
        except StopIteration:
            del self._talking[said]
            return worker, []
        except lost_with(self._ray):
            del self._talking[said], self._workers[worker]
            return worker, None
        if isinstance(answer, FststyleError):
            raise answer
        if isinstance(answer, str):
            self._places[worker] = answer
            return worker, []
        return worker, answer


class _Worker:
    """The process that Ray starts."""

    def open(self, recipe: Recipe) -> Iterator[str | FststyleError]:
        """Open the networks; gives the worker's place, or why they cannot be opened."""
        try:
            self._painter = PicturePainter(recipe)
        except (FststyleError, ValueError) as error:
            yield FststyleError(str(error))
        else:
            yield self._painter.place

    def paint(self, batch: Sequence[tuple[int, Task]], report_every: float) -> Iterator[list[Outcome]]:
        """As `PicturePainter.paint`."""
        yield from self._painter.paint(batch, report_every)
