"""Pictures from file to file, as `fststyle stylize` paints them."""

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Unpack

from fststyle.jobs.manifest import Manifest, how_to_repeat
from fststyle.jobs.plan import Job, parse_shard, plan
from fststyle.jobs.plan import shard as part_of
from fststyle.jobs.run import Result, Settings, run
from fststyle.model.file import ModelSource
from fststyle.model.layouts import Layout
from fststyle.paint.blend import Blend
from fststyle.paint.controls import Controls, ControlValues
from fststyle.paint.stylizer import Opening, Stylizer
from fststyle.system.files import is_file, refuse_inputs
from fststyle.system.streams import require_stream

_DEFAULTS = Opening(layout="rgb1", threads=None, memory=None, exact=False)

Names = str | os.PathLike[str]


def paint_files(
    model: Stylizer | Blend | ModelSource | Mapping[str | Path, float],
    inputs: Names | Iterable[Names],
    output: Names | None = None,
    controls: Controls | None = None,
    *,
    max_side: int | None = None,
    quality: int = 95,
    format: str | None = None,  # noqa: A002 -- the command's own word
    skip_existing: bool = False,
    shard: str | tuple[int, int] | None = None,
    manifest: Names | None = None,
    keep: Names | Iterable[Names] = (),
    begun: Callable[[int], None] = lambda _: None,
    painted: Callable[[Result], None] = lambda _: None,
    device: str = "auto",
    layout: Layout = "rgb1",
    threads: int | None = None,
    memory: int | None = None,
    exact: bool = False,
    **changed: Unpack[ControlValues],
) -> list[Result]:
    """Paint picture files: what `fststyle stylize` does.

    A picture that cannot be painted does not stop the others: its result has the error. No input is overwritten, and
    no file is left half written. Nothing is printed.

    Args:
        model: What paints: a `Stylizer` or `Blend`; or what one is made of, a path, name or bytes, or several with
            their weights, {"great_wave": 0.7, "udnie": 0.3}.
        inputs: Files, folders and patterns such as "photos/*.jpg"; "-" is standard input.
        output: A file for one picture, or a folder; "-" is standard output. None names the results after the network:
            cat_great_wave.jpg, cats_great_wave/.
        controls: The same for every picture; None for the defaults.
        max_side: Shrink to this many pixels first; None keeps the size.
        quality: Of JPEG, WebP and AVIF, 1..100.
        format: "png", "jpg", "webp" …; None keeps each picture's own.
        skip_existing: Leave out pictures whose output exists.
        shard: Paint part i of n only, "i/n" or (i, n), counted from 1: each of several machines does one.
        manifest: Append a line of JSON for each picture to this file.
        keep: Further files that must not be overwritten.
        begun: Told how many pictures are going to be painted.
        painted: Told each result, as soon as there is one.
        device: As for `Stylizer`, like the next four. They are not for a `model` that is open already.
        layout: Of a network that is not ours.
        threads: For the CPU.
        memory: Bytes that the process may take.
        exact: Measure all of a picture that is painted in tiles.
        changed: Fields of `Controls` to change: `paint_files("great_wave", "photos", strength=0.5)`.

    Returns:
        A result for each picture, first those that were skipped, then the others in order.

    Raises:
        FststyleError: Nothing can be painted: the model, the only input or the manifest cannot be opened.
        ValueError: An argument is wrong, or inputs and output do not fit together.
    """
    controls = Controls.of(controls, changed)
    painter = _painter(model, device, Opening(layout=layout, threads=threads, memory=memory, exact=exact))
    made_of, layout = painter.made_of, painter.parts[0][0].network.layout
    painter = painter.mixed(controls.mix)
    settings = Settings(max_side, replace(controls, mix=None), quality)
    names, others = _listed(inputs), _listed(keep)
    kept = [*painter.paths, *map(Path, others)]
    jobs = plan(
        [os.fspath(name) for name in names],
        None if output is None else os.fspath(output),
        style=painter.called,
        suffix=f".{str(format).lower().lstrip('.')}" if format else None,
        also_read=kept,
    )
    stdin, stdout = _streams(jobs)
    if manifest is not None:
        refuse_inputs(Path(manifest), *kept, *(job.source for job in jobs))
    if shard is not None:
        jobs = part_of(jobs, *parse_shard(shard))
    done_before: list[Job] = []
    waiting: list[Job] = []
    for job in jobs:
        (done_before if skip_existing and _is_done(job) else waiting).append(job)
    begun(len(waiting))
    results = []
    repeat = {} if manifest is None else how_to_repeat(made_of, controls, settings, layout)
    with nullcontext() if manifest is None else Manifest(Path(manifest), painter.style, repeat=repeat) as notes:
        for result in _all(done_before, run(waiting, painter, settings, stdin=stdin, stdout=stdout)):
            if notes is not None:
                notes.done(result)
            painted(result)
            results.append(result)
    return results


def _listed(names: Names | Iterable[Names]) -> list[Names]:
    return [names] if isinstance(names, str | os.PathLike) else list(names)


def _painter(
    model: Stylizer | Blend | ModelSource | Mapping[str | Path, float], device: str, opening: Opening
) -> Stylizer | Blend:
    if isinstance(model, Stylizer | Blend):
        if device != "auto" or opening != _DEFAULTS:
            raise ValueError(
                f"device, {', '.join(_DEFAULTS)} are not for a network that is open already; give them to "
                f"{type(model).__name__}"
            )
        return model
    if isinstance(model, Mapping):
        return Blend.load(model, device, **opening)
    return Stylizer(model, device, **opening)


def _streams(jobs: Iterable[Job]) -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, where a job uses them: a process need not have any."""
    uses = [job for job in jobs if job.problem is None]
    stdin, stdout = any(job.source is None for job in uses), any(job.target is None for job in uses)
    if stdin:
        require_stream("stdin")
    if stdout:
        require_stream("stdout")
    return sys.stdin.buffer if stdin else io.BytesIO(), sys.stdout.buffer if stdout else io.BytesIO()


def _is_done(job: Job) -> bool:
    return job.problem is None and job.target is not None and is_file(job.target)


def _all(done_before: list[Job], results: Iterator[Result]) -> Iterator[Result]:
    yield from (Result(job, 0.0, skipped=True) for job in done_before)
    yield from results
