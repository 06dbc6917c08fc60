"""`fststyle explain`: reads arguments, shows progress, says where the page is."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fststyle.commands import cost_options
from fststyle.commands.console import plain
from fststyle.system.extras import extra
from fststyle.system.file_kinds import Kind
from fststyle.system.files import refuse_inputs, refuse_other_kind

if TYPE_CHECKING:
    from fststyle.training.explain.report import Explanation

# Where the photo is inverted: one layer of each block, from strokes of pixels to whole objects.
_CONTENT_LAYERS = "relu1_2,relu2_2,relu3_3,relu4_1,relu5_1"

# What `--quick` puts in the place of the defaults.
_QUICK = {"size": 128, "iterations": 50, "repeats": 1}


def explain(
    style: Annotated[Path, typer.Option(help="The painting: a picture file.", show_default=False)],
    content: Annotated[
        Path | None,
        typer.Option("--photos", help="A photo; adds a section on what each layer keeps of it.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page to write. Default: PAINTING_explained.html.", show_default=False),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller pictures, a minute or two.")] = False,
    size: Annotated[
        int | None,
        typer.Option(min=1, help="Side of the pictures in pixels. Default: 256, with --quick 128.", show_default=False),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(min=1, help="Iterations of each synthesis. Default: 120, with --quick 50.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of noise and shuffles.")] = 0,
    weights: cost_options.Weights = None,
    loss_network: cost_options.LossNetworkName = "vgg19",
    pooling: cost_options.Pooling = None,
    style_layers: cost_options.StyleLayers = None,
    content_layers: cost_options.ContentLayers = _CONTENT_LAYERS,
) -> None:
    """Make a page that explains style matrices with your own painting."""
    target = output if output is not None else Path(f"{style.stem}_explained.html")
    refuse_inputs(target, style, content, weights)
    refuse_other_kind(target, Kind.PAGE)
    with extra("train"):
        from fststyle.training.devices import keep_to_cores
        from fststyle.training.explain.report import Explanation

        keep_to_cores()
        given = {"size": size, "iterations": iterations}
        chosen = (_QUICK if quick else {}) | {name: value for name, value in given.items() if value is not None}
        cost = cost_options.cost_of(
            weights,
            loss_network=loss_network,
            pooling=pooling,
            style_layers=style_layers,
            content_layers=content_layers,
        )
        command = shlex.join(["fststyle", *sys.argv[1:]])
        explanation = Explanation(style, content, cost, seed=seed, command=command, **chosen)
    _write(explanation, target)
    typer.echo(plain(f"{target}: open it in a browser; it needs no network"), err=True)


def _write(explanation: "Explanation", target: Path) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from fststyle.training.explain.report import write_explanation

    console = Console(stderr=True)
    columns = (BarColumn(30), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        named = ""

        def show(section: str, share: float) -> None:
            nonlocal named
            if section != named and not console.is_terminal:
                console.print(section)
            named = section
            bar.update(task, completed=share, description=section)

        write_explanation(explanation, target, show)
