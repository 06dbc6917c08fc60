"""`fststyle stylize`: pictures through a network."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from fststyle.commands.console import plain
from fststyle.commands.options import (
    BlendOption,
    Device,
    Grain,
    KeepColor,
    LayoutName,
    Mask,
    MixOption,
    On,
    OptionalNetwork,
    PassesOption,
    Scale,
    Strength,
    StyleOption,
    StyleSize,
    Threads,
    Workers,
    controls_of,
    on_ray,
    refuse_network_beside,
)
from fststyle.commands.painters import Painter
from fststyle.commands.painting import Bar, Line, silent_stdout, summarize
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.cluster.pictures import Painted
    from fststyle.jobs.run import Result
    from fststyle.paint.blend import Blend
    from fststyle.paint.controls import Controls
    from fststyle.paint.stylizer import Layout, Opening, Stylizer


def stylize(
    model: OptionalNetwork = None,
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
            help="Output file or folder; - writes to standard output. Default for cat.jpg: cat_MODEL.jpg.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    layout: LayoutName = "rgb1",
    blend: BlendOption = None,
    mix: MixOption = None,
    style: StyleOption = None,
    style_size: StyleSize = None,
    max_side: Annotated[
        int | None, typer.Option(min=1, help="Shrink each picture first, to at most this many pixels a side.")
    ] = None,
    strength: Strength = 1.0,
    scale: Scale = 1.0,
    passes: PassesOption = "auto",
    keep_color: KeepColor = False,
    mask: Mask = None,
    grain: Grain = None,
    threads: Threads = None,
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
    on: On = None,
    workers: Workers = None,
) -> None:
    """Paint pictures with a network."""
    from fststyle.paint.stylizer import Opening
    from fststyle.system.file_kinds import Kind, kind_of_name
    from fststyle.system.memory import parse_bytes

    # With --blend or --style the first word is a picture already.
    named = Painter(None, blend, style, style_size).instead
    words = [word for word in (model, *(inputs or [])) if word is not None]
    if named is not None and words:
        refuse_network_beside(words[0], named)
    elif len(words) == 1 and kind_of_name(Path(words[0])) is Kind.PICTURE:
        raise typer.BadParameter(
            f"{plain(words[0])} is a picture; name a network before it: fststyle stylize starry_night "
            f"{for_shell(words[0])}",
            param_hint="MODEL",
        )
    if named is None and not words:
        raise typer.BadParameter("name a network and pictures: fststyle stylize starry_night photo.jpg")
    network, inputs = ("", words) if named is not None else (words[0], words[1:])
    painter = Painter(network, blend, style, style_size)
    painter.check(mix, layout)
    if not inputs:
        raise typer.BadParameter("name at least one picture or folder", param_hint="INPUT")
    opening = Opening(
        layout=cast("Layout", layout),
        threads=threads,
        memory=None if memory is None else parse_bytes(memory),
        exact=exact,
    )
    if opening["memory"] is not None and opening["memory"] < 1:
        raise ValueError(f"memory must be at least a byte, not {opening['memory']}")
    asked: dict[str, Any] = {
        "max_side": max_side,
        "quality": quality,
        "format": picture_format,
        "skip_existing": skip_existing,
        "shard": part,
        "manifest": manifest,
        "keep": [path for path in (mask, style) if path is not None],
    }
    controls = controls_of(strength, scale, keep_color, mask, grain, passes, mix)
    if on_ray(on, workers):
        _on_ray(painter, inputs, output, controls, workers, device, opening, asked)
    else:
        _here(painter.open(device, opening), inputs, output, controls, asked)


def _here(
    painter: "Stylizer | Blend",
    inputs: list[str],
    output: str | None,
    controls: "Controls",
    asked: dict[str, Any],
) -> None:
    from fststyle.jobs.files import paint_files

    start = time.perf_counter()
    with Bar() as bar:

        def painted(result: "Result") -> None:
            bar.advance(result.error, skipped=result.skipped)

        results = paint_files(painter, inputs, output, controls, **asked, begun=bar.begin, painted=painted)
    lines = [
        Line(
            str(each.job.source or "standard input"),
            None if each.job.target is None else str(each.job.target),
            each.error is not None,
            each.skipped,
        )
        for each in results
    ]
    summarize(lines, f"on {painter.device}", time.perf_counter() - start)


def _on_ray(
    painter: Painter,
    inputs: list[str],
    output: str | None,
    controls: "Controls",
    workers: int | None,
    device: str,
    opening: "Opening",
    asked: dict[str, Any],
) -> None:
    from fststyle.cluster.pictures import paint_on_ray

    start = time.perf_counter()
    with silent_stdout(), Bar() as bar:

        def painted(result: "Painted") -> None:
            bar.advance(result.error, skipped=result.skipped)

        results = paint_on_ray(
            painter.networks(),
            inputs,
            output,
            controls,
            workers=workers,
            threads=opening["threads"] or 1,
            device=device,
            opening=opening,
            begun=bar.begin,
            painted=painted,
            **asked,
        )
    lines = [Line(each.source, each.target, each.error is not None, each.skipped) for each in results]
    used = len({each.worker for each in results if each.worker is not None})
    summarize(lines, f"by {used} worker{'s' if used != 1 else ''}", time.perf_counter() - start)
