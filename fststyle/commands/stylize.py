"""`fststyle stylize`: pictures through a network."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands.console import complain, plain, show_origin
from fststyle.commands.options import Grain, KeepColor, LayoutName, Mask, Scale, Strength, controls_of, network_names
from fststyle.system.files import is_there

if TYPE_CHECKING:
    from rich.progress import TaskID

    from fststyle.jobs.run import Result
    from fststyle.paint.stylizer import Layout


def stylize(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            autocompletion=network_names,
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
    from fststyle.jobs.files import paint_files
    from fststyle.paint.blend import Blend
    from fststyle.paint.stylizer import Opening, Stylizer
    from fststyle.system.file_kinds import Kind, kind_of_name
    from fststyle.system.memory import parse_bytes

    # With --blend the first word is a picture already.
    inputs = (inputs or []) if blend is None else [model, *(inputs or [])]
    if blend is not None:
        _refuse_network(model)
    if not inputs and kind_of_name(Path(model)) is Kind.PICTURE:
        raise typer.BadParameter(
            f"{plain(model)} is a picture; name a network before it: fststyle stylize starry_night {plain(model)}",
            param_hint="MODEL",
        )
    if not inputs:
        raise typer.BadParameter("name at least one picture or folder", param_hint="INPUT")
    opening = Opening(
        layout=cast("Layout", layout),
        threads=threads,
        memory=None if memory is None else parse_bytes(memory),
        exact=exact,
    )
    painter = Stylizer(model, device, **opening) if blend is None else Blend.load(blend, device, **opening)
    start = time.perf_counter()
    with _Bar() as bar:
        results = paint_files(
            painter,
            inputs,
            output,
            controls_of(strength, scale, keep_color, mask, grain),
            max_side=max_side,
            quality=quality,
            format=picture_format,
            skip_existing=skip_existing,
            shard=part,
            manifest=manifest,
            keep=[] if mask is None else [mask],
            begun=bar.begin,
            painted=bar.advance,
        )
    _summarize(results, painter.device, time.perf_counter() - start)


def _refuse_network(first: str) -> None:
    """With --blend, the first argument is a picture.

    Raises:
        ValueError: It is a network, or the name of one.
    """
    from fststyle.model.gallery import is_network

    path = Path(first)
    if path.suffix.lower() == ".onnx" or (is_network(first) and not is_there(path)):
        raise ValueError(f"--blend names the networks already; leave {first} out, or add it to --blend")


class _Bar:
    """Pictures done, on a terminal only; what fails is said at once."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._progress = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, pictures: int) -> None:
        if pictures > 1:
            self._task = self._progress.add_task("stylizing", total=pictures)
            self._progress.start()

    def advance(self, result: "Result") -> None:
        if result.skipped:
            return
        if result.error is not None:
            show_origin(result.error)
            complain("error", result.error)
        if self._task is not None:
            self._progress.advance(self._task)


def _summarize(results: "list[Result]", device: str, seconds: float) -> None:
    """Say on standard error what was done, and end with status 1 if anything was not."""
    if skipped := sum(result.skipped for result in results):
        typer.echo(f"{skipped} pictures were there already", err=True)
    results = [result for result in results if not result.skipped]
    good = [result for result in results if result.error is None]
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
