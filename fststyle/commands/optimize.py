"""`fststyle optimize`: reads arguments, shows progress, sets the exit status."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands import cost_options, options
from fststyle.commands.console import plain
from fststyle.model.defaults import OPTIMIZED_SIZE, OPTIMIZER_ITERATIONS, STYLE_SIZE
from fststyle.system.extras import extra
from fststyle.system.files import is_folder
from fststyle.system.memory import keep_freed_memory
from fststyle.system.signals import SignalWatch

if TYPE_CHECKING:
    from rich.progress import Progress

    from fststyle.training.optimize.pixels import Method
    from fststyle.training.optimize.run import OptimizeRun


def optimize(
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture file to write.", show_default=False)],
    content: Annotated[
        Path | None,
        typer.Option("--photos", help="The photo. Without it, the result is a texture.", show_default=False),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="A painting or a folder of them; may be repeated. wave.jpg:0.3 gives a weight. Without it, the result "
            "shows what the content layers keep of the photo.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str, typer.Option(metavar="PIXELS", help="Longer side of the result; for a texture also 640x480.")
    ] = str(OPTIMIZED_SIZE),
    style_size: Annotated[
        int, typer.Option(min=16, help="Shorter side of the painting; smaller gives finer strokes.")
    ] = STYLE_SIZE,
    iterations: Annotated[
        str, typer.Option(metavar="N,…", help="Iterations at each scale, coarsest first; each scale is twice as large.")
    ] = ",".join(map(str, OPTIMIZER_ITERATIONS)),
    method: Annotated[str, typer.Option(metavar="lbfgs|adam", help="The optimizer; L-BFGS is faster.")] = "lbfgs",
    start: Annotated[
        str | None,
        typer.Option(
            metavar="content|noise|FILE",
            help="What to start from: the photo, noise, a picture, or a network that paints the photo.",
            show_default=False,
        ),
    ] = None,
    keep_color: options.KeepColor = False,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    snapshot_every: Annotated[
        int | None, typer.Option(min=1, help="Also write the picture every N iterations.", show_default=False)
    ] = None,
    trajectory: Annotated[
        Path | None,
        typer.Option(help="Write the cost of every iteration to this file, as JSON lines.", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to run.")] = "auto",
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
    """Paint one picture by optimizing its pixels (Gatys): slow, best quality.

    With a photo and a painting it stylizes; with a painting alone it makes a texture; with a photo alone it shows what
    the content layers keep.
    """
    paintings, mix = _paintings(style or [])
    with extra("train"):
        from fststyle.training.devices import keep_to_cores, torch_device
        from fststyle.training.optimize.request import Request
        from fststyle.training.optimize.run import OptimizeRun

        keep_freed_memory()
        keep_to_cores()
        request = Request(
            output,
            cost_options.cost_of(
                weights,
                loss_network=loss_network,
                pooling=pooling,
                form=form,
                content_layers=content_layers,
                style_layers=style_layers,
                content_weight=content_weight,
                style_weight=style_weight,
                tv_weight=tv_weight,
            ),
            content=content,
            styles=paintings,
            style_mix=mix,
            size=_size(size),
            style_size=style_size,
            start=start,
            iterations=tuple(_whole_number(part, "--iterations") for part in iterations.split(",")),
            method=cast("Method", method),
            seed=seed,
            keep_color=keep_color,
            trajectory=trajectory,
            snapshot_every=snapshot_every,
        )
        run = OptimizeRun(request, torch_device(device), resume=resume)
    raise typer.Exit(_work(run))


def _work(run: "OptimizeRun") -> int:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    total = sum(run.request.iterations)
    columns = (BarColumn(30), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with SignalWatch() as watch:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            progress.add_task("first iteration …", total=total)
            _iterate(run, watch, progress)
        if watch.received is not None:
            run.suspend()
            typer.echo(plain(f"{run.request.output} as it is by now; go on with --resume"), err=True)
            return 128 + watch.received
        run.finish()
    step = run.work.last
    facts = f"{step.iteration} iterations, {step.seconds:.0f} s, cost {step.best:.4g}"
    typer.echo(f"{plain(run.request.output)} ({facts})", err=True)
    return 0


def _iterate(run: "OptimizeRun", watch: SignalWatch, progress: "Progress") -> None:
    for step in run.steps():
        terms = " · ".join(
            f"{name.removesuffix('_loss').replace('_', ' ')} {step.terms[name]:.4g}"
            for name in ("content_loss", "style_loss", "total_loss")
        )
        scale = (
            f"scale {run.work.index + 1}/{len(run.request.iterations)} · " if len(run.request.iterations) > 1 else ""
        )
        progress.update(progress.task_ids[0], completed=step.iteration, description=f"{scale}{terms}")
        if watch.received is not None:
            return


def _paintings(arguments: list[str]) -> tuple[tuple[Path, ...], tuple[float, ...] | None]:
    """Split `wave.jpg:0.3`; a name without a number counts 1."""
    paths, shares = [], []
    for argument in arguments:
        name, colon, share = argument.rpartition(":")
        try:
            paths.append(Path(name if colon else argument))
            shares.append(float(share) if colon else 1.0)
        except ValueError:  # a colon that belongs to the name
            paths[-1] = Path(argument)
            shares.append(1.0)
    if any(share != 1 for share in shares) and any(is_folder(path) for path in paths):
        raise ValueError("a folder of paintings cannot be given a share; name its paintings one by one")
    return tuple(paths), tuple(shares) if any(share != 1 for share in shares) else None


def _size(text: str) -> int | tuple[int, int]:
    if text.strip().isdecimal():
        return _whole_number(text, "--size")
    try:
        return options.sides(text, "--size")
    except ValueError as error:
        raise ValueError(f"--size takes one number, the longer side, or for a texture 640x480, not {text!r}") from error


def _whole_number(text: str, option: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ValueError(f"{option} takes whole numbers from 1, not {text!r}")
    return int(text)
