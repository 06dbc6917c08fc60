"""`fststyle stylize`: pictures through a network."""

import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands.console import complain, plain, show_origin
from fststyle.commands.options import Grain, KeepColor, LayoutName, Mask, Scale, Strength, controls_of
from fststyle.system.files import is_file, is_there

if TYPE_CHECKING:
    from fststyle.jobs.manifest import Manifest
    from fststyle.jobs.run import Job, Result
    from fststyle.paint.stylizer import Layout


def stylize(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="The network: an ONNX file, or a name from `fststyle models`. Leave it out with --blend.",
            show_default=False,
        ),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...", help="Pictures, folders or quoted patterns; - reads standard input.", show_default=False
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Output file or folder; - writes to standard output. Default for cat.jpg: cat_STYLE.jpg.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|directml|coreml", help="Where to run the network.")
    ] = "auto",
    layout: LayoutName = "rgb1",
    blend: Annotated[
        str | None, typer.Option(metavar="a.onnx:0.7,b.onnx:0.3", help="Mix several networks, with weights.")
    ] = None,
    max_side: Annotated[
        int | None, typer.Option(min=1, help="Shrink each picture first, to at most this many pixels a side.")
    ] = None,
    strength: Strength = 1.0,
    scale: Scale = 1.0,
    keep_color: KeepColor = False,
    mask: Mask = None,
    grain: Grain = 0.0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. Default: one per core.")] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Memory limit, such as 1.5GB; larger pictures are painted in tiles. Default: half of what is free.",
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Measure all of a picture that is painted in tiles, not a sample. Slower.")
    ] = False,
    quality: Annotated[int, typer.Option(min=1, max=100, help="JPEG, WebP and AVIF quality.")] = 95,
    picture_format: Annotated[
        str | None,
        typer.Option("--format", metavar="png|jpg|webp|…", help="Output format. Default: the input's."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            "--shard", metavar="i/n", help="Paint part i of n of the pictures, to share the work between machines."
        ),
    ] = None,
    skip_existing: Annotated[bool, typer.Option("--skip-existing", help="Skip pictures whose output exists.")] = False,
    manifest: Annotated[Path | None, typer.Option(help="Append a line of JSON for each picture to this file.")] = None,
) -> None:
    """Paint pictures with a network."""
    from rich.console import Console
    from rich.progress import track

    from fststyle.jobs.manifest import Manifest
    from fststyle.jobs.run import Painter, Settings, parse_shard, plan, run, shard
    from fststyle.model.gallery import find_network
    from fststyle.paint.blend import Blend, parse_blend
    from fststyle.paint.stylizer import Stylizer
    from fststyle.system.files import refuse_inputs
    from fststyle.system.memory import parse_bytes
    from fststyle.system.streams import require_stream

    inputs = inputs or []
    # With --blend the first word is a picture already.
    names, inputs = ([(Path(model), 1.0)], inputs) if blend is None else (parse_blend(blend), [model, *inputs])
    if blend is not None:
        _refuse_network(model)
    if not inputs:
        raise typer.BadParameter("name at least one picture or folder", param_hint="INPUT")
    stylizers = [
        Stylizer.load(
            path,
            device,
            layout=cast("Layout", layout),
            threads=threads,
            memory=None if memory is None else parse_bytes(memory),
            exact=exact,
        )
        for path, _ in names
    ]
    painter: Painter = stylizers[0] if blend is None else Blend(stylizers, [weight for _, weight in names])
    style = "+".join(stylizer.style for stylizer in stylizers)
    also_read = [find_network(path) for path, _ in names] + ([] if mask is None else [mask])
    jobs = plan(
        inputs,
        output,
        style=style,
        suffix=f".{picture_format.lower().lstrip('.')}" if picture_format else None,
        also_read=also_read,
    )
    for job in jobs:
        for name, path in (("stdin", job.source), ("stdout", job.target)):
            if path is None and job.problem is None:
                require_stream(name)
    if manifest is not None:
        refuse_inputs(manifest, *also_read, *(job.source for job in jobs))
    if part is not None:
        jobs = shard(jobs, *parse_shard(part))
    settings = Settings(
        max_side=max_side,
        controls=controls_of(strength, scale, keep_color, mask, grain),
        quality=quality,
    )
    skipped: list[Job] = []
    waiting: list[Job] = []
    for job in jobs:
        painted = skip_existing and job.problem is None and job.target is not None and is_file(job.target)
        (skipped if painted else waiting).append(job)
    begun = time.perf_counter()
    console = Console(stderr=True)
    with nullcontext() if manifest is None else Manifest(manifest, style) as notes:
        results = run(waiting, painter, settings, stdin=sys.stdin.buffer, stdout=sys.stdout.buffer)
        shown_results = track(
            _noted(results, notes, skipped),
            "stylizing",
            len(waiting),
            console=console,
            transient=True,
            disable=len(waiting) <= 1 or not console.is_terminal,
        )
        done = list(shown_results)
    _summarize(done, len(skipped), stylizers[0].device, time.perf_counter() - begun)


def _refuse_network(first: str) -> None:
    """With --blend, the first argument is a picture.

    Raises:
        ValueError: It is a network, or the name of one.
    """
    from fststyle.model.gallery import networks

    path = Path(first)
    if path.suffix.lower() == ".onnx" or (first in networks() and not is_there(path)):
        raise ValueError(f"--blend names the networks already; leave {first} out, or add it to --blend")


def _noted(results: "Iterator[Result]", notes: "Manifest | None", skipped: "list[Job]") -> "Iterator[Result]":
    if notes is not None:
        for job in skipped:
            notes.skipped(job)
    for result in results:
        if notes is not None:
            notes.done(result)
        if result.error is not None:
            show_origin(result.error)
            complain("error", result.error)
        yield result


def _summarize(results: "list[Result]", skipped: int, device: str, seconds: float) -> None:
    """Say on standard error what was done, and end with status 1 if anything was not."""
    good = [result for result in results if result.error is None]
    if skipped:
        typer.echo(f"{skipped} pictures were there already", err=True)
    if len(results) == len(good) == 1:
        if (target := good[0].job.target) is not None:
            typer.echo(f"{plain(target)} ({seconds:.1f} s on {device})", err=True)
        return
    if good:
        places = {str(result.job.target.parent) for result in good if result.job.target is not None}
        where = places.pop() if len(places) == 1 else f"{len(places)} folders"
        typer.echo(f"{len(good)} pictures in {plain(where)} ({seconds:.1f} s on {device})", err=True)
    bad = [str(result.job.source or "standard input") for result in results if result.error is not None]
    if not bad:
        return
    if len(results) > 1:
        complain("error", f"{len(bad)} of {len(results)} pictures failed: {', '.join(bad)}")
    raise typer.Exit(1)
