"""`fststyle evaluate`: judge networks of one painting and show what came out."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands import cost_options
from fststyle.commands.console import complain, explained, plain
from fststyle.commands.options import LayoutName, network_names
from fststyle.errors import FststyleError
from fststyle.model.defaults import (
    EVALUATED_FRAMES,
    EVALUATED_ITERATIONS,
    EVALUATED_SIDES,
    EVALUATED_SIZE,
    STYLE_SIZE,
)
from fststyle.system.extras import extra
from fststyle.system.file_kinds import Kind
from fststyle.system.files import is_file, is_folder, refuse_inputs, refuse_other_kind, write_result

if TYPE_CHECKING:
    from rich.console import Console

    from fststyle.paint.stylizer import Layout
    from fststyle.training.judge.evaluate import Model
    from fststyle.training.judge.evaluation import Evaluation, Start

# A page with more of them is slow to open and to send.
_PICTURES_ON_A_PAGE = 12


def evaluate(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL",
            autocompletion=network_names,
            help="Networks of one painting: ONNX files, or names from `fststyle models`.",
            show_default=False,
        ),
    ],
    style: Annotated[Path, typer.Option(help="The painting: a picture file.", show_default=False)],
    content: Annotated[
        Path | None,
        typer.Option("--photos", help="A photo or a folder of photos. Default: the sample photos.", show_default=False),
    ] = None,
    size: Annotated[
        int, typer.Option(help="Side in pixels of the square that is cut from each photo.")
    ] = EVALUATED_SIZE,
    sizes: Annotated[
        str, typer.Option(metavar="256,512,1024|none", help="Also judge whole photos at these short sides.")
    ] = ",".join(map(str, EVALUATED_SIDES)),
    style_size: Annotated[
        int | None,
        typer.Option(
            help=f"Shorter side of the painting. Default: as in training, or {STYLE_SIZE}.", show_default=False
        ),
    ] = None,
    layout: LayoutName = "rgb1",
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first N photos.", show_default=False)] = None,
    iterations: Annotated[int, typer.Option(min=1, help="Maximum iterations of the optimizer.")] = EVALUATED_ITERATIONS,
    start: Annotated[
        str,
        typer.Option(
            metavar="content|noise", help="What the optimizer starts from: the photo, or noise as in Johnson's paper."
        ),
    ] = "content",
    no_optimizer: Annotated[
        bool, typer.Option("--no-optimizer", help="Skip the comparison with the optimizer, the slowest part.")
    ] = False,
    no_speed: Annotated[bool, typer.Option("--no-speed", help="Skip the speed measurement.")] = False,
    video: Annotated[
        Path | None, typer.Option(help="A video, or a folder of frames, to measure flicker on.", show_default=False)
    ] = None,
    video_frames: Annotated[int, typer.Option(min=2, help="Use only the first N frames.")] = EVALUATED_FRAMES,
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="FILE|-",
            help="Write the results as JSON; - writes to standard output.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a page with pictures and results.",
            show_default=False,
        ),
    ] = None,
    weights: cost_options.Weights = None,
    loss_network: cost_options.LossNetworkName = "vgg19",
    pooling: cost_options.Pooling = None,
    form: cost_options.Form = None,
    content_layers: cost_options.ContentLayers = None,
    style_layers: cost_options.StyleLayers = None,
    content_weight: cost_options.ContentWeight = None,
    style_weight: cost_options.StyleWeight = None,
    tv_weight: cost_options.TvWeight = None,
) -> None:
    """Measure networks: cost, equivalent optimizer iterations, grid, border, flicker, speed."""
    with extra("train"):
        from fststyle.training.devices import keep_to_cores
        from fststyle.training.judge import evaluate as measuring
        from fststyle.training.judge.evaluation import Settings

        keep_to_cores()
    from rich.console import Console
    from rich.text import Text

    from fststyle.model.gallery import find_network
    from fststyle.pictures.files import find_images
    from fststyle.system.streams import require_stream

    if json_file == "-":
        require_stream("stdout")
    photos = _photos(content)
    clip = [] if video is None else find_images(video) if is_folder(video) else [video]
    for target, kind in ((html, Kind.PAGE), (None if json_file in (None, "-") else Path(json_file), Kind.JSON)):
        if target is not None:
            refuse_inputs(target, *map(find_network, models), style, *photos, *clip, weights)
            refuse_other_kind(target, kind)
    cost = cost_options.cost_of(
        weights,
        loss_network=loss_network,
        pooling=pooling,
        form=form,
        content_layers=content_layers,
        style_layers=style_layers,
        content_weight=content_weight,
        style_weight=style_weight,
        tv_weight=tv_weight,
    )
    judged = [
        measuring.Model.load(path, layout=cast("Layout", layout), name=name)
        for path, name in zip(models, _names(models), strict=True)
    ]
    settings = Settings(
        size=size,
        sizes=_sides(sizes),
        style_size=style_size if style_size is not None else common_style_size(judged),
        iterations=0 if no_optimizer else iterations,
        start=cast("Start", start),
        clip=video,
        clip_frames=video_frames,
        speed_side=0 if no_speed else Settings.speed_side,
        pictures=_PICTURES_ON_A_PAGE if html else 0,
    )
    console = Console(stderr=True)
    with console.status("reading") as status:
        evaluation = measuring.evaluate(
            judged,
            photos[:limit],
            style,
            cost=cost,
            settings=settings,
            progress=lambda what, done, of: status.update(
                Text(plain(f"{what} ({done} of {of} done)" if of > 1 else what))
            ),
        )
    writers: list[Callable[[], None]] = []
    if json_file is not None and json_file != "-":
        writers.append(partial(write_result, Path(json_file), _json(evaluation).encode(), Kind.JSON))
    if html is not None:
        writers.append(partial(_write_page, html, evaluation))
    writers.append(partial(_show, evaluation, console if json_file == "-" else Console()))
    if json_file == "-":
        writers.append(partial(typer.echo, _json(evaluation), nl=False))
    _all_of(writers)


def common_style_size(models: "Sequence[Model]") -> int:
    """The size that the painting had when the networks were trained; the default if none of them says.

    Raises:
        ValueError: They were trained at different sizes.
    """
    sizes = {model.name: model.style_size for model in models if model.style_size is not None}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} at {size}" for name, size in sizes.items())
        raise ValueError(
            f"the networks were trained with the painting in different sizes ({listed}); give --style-size"
        )
    return next(iter(sizes.values()), STYLE_SIZE)


def _sides(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    try:
        return tuple(sorted({int(side) for side in text.split(",")}))
    except ValueError:
        raise ValueError(f"--sizes are pixels such as 256,512,1024, or none, not {text!r}") from None


def _photos(content: Path | None) -> list[Path]:
    from fststyle import samples
    from fststyle.errors import DataError
    from fststyle.pictures.files import find_images

    if content is None:
        return samples.photos()
    if is_file(content):
        return [content]
    found = find_images(content)
    if not found:
        raise DataError(f"no photos under {content}; give a folder with .jpg, .png, … files as --photos")
    return found


def _names(models: list[Path]) -> list[str]:
    """Files' names without suffix, or whole paths where two share one."""
    stems = [path.stem for path in models]
    return [str(path) if stems.count(path.stem) > 1 else path.stem for path in models]


def _show(evaluation: "Evaluation", console: "Console") -> None:
    from rich.table import Table

    from fststyle.training.judge.table import JOHNSON, conditions, rows

    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in (*(model.name for model in evaluation.models), "photos", "painting"):
        table.add_column(plain(name), justify="right", overflow="fold")
    for row in rows(evaluation):
        table.add_row(row.label, *row.networks, row.photos, row.painting)
    console.print(f"{plain(conditions(evaluation))}\n", highlight=False, markup=False)
    console.print(table, markup=False)
    if evaluation.chases:
        console.print(f"\nL-BFGS iterations: median (least to most). {JOHNSON}.", highlight=False, markup=False)


def _all_of(writers: Sequence[Callable[[], None]]) -> None:
    """Write what can be written: what was measured for hours is not lost with a place that cannot be written.

    Files come first, since whoever listens at standard output may have gone.
    """
    errors: list[Exception] = []
    for write in writers:
        try:
            write()
        except (FststyleError, OSError) as error:
            errors.append(error)
    for earlier in errors[:-1]:
        complain("error", explained(earlier))
    if errors:
        raise errors[-1]


def _json(evaluation: "Evaluation") -> str:
    from fststyle.training.judge.json_form import as_json

    return json.dumps(as_json(evaluation), indent=2, ensure_ascii=False) + "\n"


def _write_page(target: Path, evaluation: "Evaluation") -> None:
    from fststyle.training.judge.report import write_report

    write_report(target, evaluation)
    typer.echo(plain(target), err=True)
