"""A video painted by the workers of a Ray cluster, frame for frame as one process paints it."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from fststyle.cluster.dispatch import CHANCES
from fststyle.cluster.frames import FramePainter, FrameRecipe, Machine
from fststyle.cluster.kept_groups import KeptGroups
from fststyle.cluster.ray_cluster import ClusterError, cluster, lost_with, needs_gpu, share_of, workers_for
from fststyle.cluster.relay import Relay
from fststyle.errors import FststyleError, VideoError
from fststyle.system.urls import is_url
from fststyle.system.warn import warn
from fststyle.video.clip import Clip
from fststyle.video.groups import GroupReader, check_output, join
from fststyle.video.job import STREAM, Done, Job
from fststyle.video.run import Progress

_LOST_AT_FIRST = 4

# Seconds between two looks at whether the run is to be stopped.
_PATIENCE = 1.0


def convert_on_ray(
    recipe: FrameRecipe,
    *,
    workers: int | None = None,
    threads: int = 1,
    begun: Callable[[Clip, int], None] = lambda *_: None,
    painted: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Done:
    """Do a job on a cluster; `video.convert.convert` does the same in this process.

    The file is the same, byte for byte, if all machines have as many cores and the same versions as the one that would
    paint it alone.

    Args:
        recipe: What is made of what, by which network.
        workers: How many; None is as many as fit into the cluster.
        threads: CPUs of each.
        begun: Told what is known of the video, and how many frames are there already.
        painted: Told after every group.
        stop: Asked after every group; True ends the run, and what is finished is kept for --resume.

    Raises:
        FststyleError: The input cannot be read, the output not be written, or the cluster not be used.
        ValueError: The job needs all frames in one process.
    """
    job = recipe.job
    _refuse(job)
    if not recipe.open().paints_alone:
        raise ValueError("with --follow below 1 each frame needs all before it; leave --follow or --on out")
    with GroupReader(job) as reader:
        clip, full = reader.clip, reader.group
        check_output(job, clip)
    kept = KeptGroups(job)
    resumed = kept.frames
    begun(clip, resumed)
    about = None if clip.frames is None else -(-clip.frames // full)
    with cluster() as ray:
        gpu = needs_gpu(recipe.recipe.device)
        count = workers_for(ray, workers, threads=threads, gpu=gpu, tasks=about or 1_000_000)
        crew = _Crew(ray, recipe, share_of(threads, gpu=gpu), count)
        relay = Relay(kept.done, kept.state, full)
        while not relay.is_over:
            for _ in crew.step(relay, kept):
                painted(Progress(kept.frames, Fraction(kept.frames) / clip.rate))
            if stop():
                return Done(kept.frames, Fraction(kept.frames) / clip.rate, resumed, kept.folder, False)
    done = join(job, iter(kept), stop, resumed=resumed)
    if done.whole:
        kept.discard()
        return done
    return Done(kept.frames, done.seconds, resumed, kept.folder, False)


def _refuse(job: Job) -> None:
    """What only one process can read or write."""
    if STREAM in (job.source, job.target):
        raise ValueError("workers have no standard input and output; name files")
    for name in (job.source, job.target):
        if is_url(name):
            raise VideoError(f"{name} is in an object store; copy the video to a folder that all machines see")


class _Crew:
    """Workers, and what they say."""

    def __init__(self, ray: Any, recipe: FrameRecipe, each: Mapping[str, float], count: int) -> None:
        self._ray = ray
        self._recipe = ray.put(recipe)
        self._kind = ray.remote(max_restarts=0, **each)(_Worker)
        self._workers: dict[int, Any] = {}
        self._talking: dict[Any, int] = {}
        self._here = Machine.here().facts
        self._hired = self._lost = 0
        self._count = count
        for _ in range(count):
            self._hire()

    def step(self, relay: Relay, kept: KeptGroups) -> Iterator[None]:
        """Hear one worker, and give work to whoever can do some; yields when a group was kept.

        Raises:
            FststyleError: A worker cannot do its work, or too many were lost.
        """
        heard, _ = self._ray.wait(list(self._talking), num_returns=1, timeout=_PATIENCE, fetch_local=False)
        if not heard:
            return
        said = heard[0]
        worker = self._talking[said]
        idle = False
        try:
            answer = self._ray.get(next(said))
        except StopIteration:
            del self._talking[said]
            return
        except lost_with(self._ray):
            del self._talking[said]
            if self._workers.pop(worker, None) is not None:  # it may have been asked for two things
                self._replace(worker, relay)
            return
        match answer:
            case FststyleError():
                raise answer
            case Machine():
                if answer.facts != self._here:
                    warn(f"{answer.place} has other cores or versions than this machine, so frames may differ a little")
                idle = True
            case int():
                idle = not relay.painted(worker, answer)
            case dict():
                relay.reached(worker, answer)
            case list():
                number, state = relay.finished(worker)
                kept.put(number, answer, state)
                yield
                idle = True
        for other, _, state in relay.ready():
            self._ask(int(other), "finish", state)  # type: ignore[call-overload]
        if idle and (number := relay.paint(worker)) is not None:  # type: ignore[assignment]
            self._ask(worker, "paint", number)

    def _hire(self) -> None:
        self._hired += 1
        self._workers[self._hired] = self._kind.remote()
        self._ask(self._hired, "open", self._recipe)

    def _replace(self, worker: int, relay: Relay) -> None:
        number = relay.lost(worker)
        self._lost += 1
        if number is not None:
            raise ClusterError(
                f"{CHANCES} workers ended while they painted group {number}; shrink the video with --max-side"
            )
        if self._lost > self._count + _LOST_AT_FIRST and relay.count is None and not self._talking:
            raise ClusterError("every worker ended at once; read Ray's logs, or give fewer --workers")
        self._hire()

    def _ask(self, worker: int, method: str, argument: Any) -> None:
        said = getattr(self._workers[worker], method).options(num_returns="streaming").remote(argument)
        self._talking[said] = worker


class _Worker:
    """The process that Ray starts."""

    def open(self, recipe: FrameRecipe) -> Iterator[Machine | FststyleError]:
        """Open network and video; gives the machine, or why they cannot be opened."""
        try:
            self._painter = FramePainter(recipe)
        except (FststyleError, ValueError) as error:
            yield FststyleError(str(error))
        else:
            yield Machine.here()

    def paint(self, number: int) -> Iterator[int | FststyleError]:
        """As `FramePainter.paint`, in one item."""
        try:
            yield self._painter.paint(number)
        except FststyleError as error:
            yield FststyleError(str(error))

    def finish(self, state: Any) -> Iterator[Any]:
        """As `FramePainter.finish`."""
        try:
            yield from self._painter.finish(state)
        except FststyleError as error:
            yield FststyleError(str(error))
