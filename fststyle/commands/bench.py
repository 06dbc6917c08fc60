"""`fststyle bench`: what things cost on this machine."""

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands.console import complain, plain
from fststyle.commands.grammar import Command, examples
from fststyle.commands.options import LayoutName, network_names, sides
from fststyle.errors import FststyleError
from fststyle.system.extras import extra

if TYPE_CHECKING:
    from fststyle.runtime.bench import ModelBench
    from fststyle.training.bench import StepBench
    from fststyle.training.cost.loss_network import Architecture
    from fststyle.training.devices import Precision
    from fststyle.training.networks.transformer_net import NetworkName

bench = typer.Typer(help="Measure speed and memory on this machine.", no_args_is_help=True)


@bench.callback()
def _bench() -> None:
    """Measure speed and memory on this machine."""


@bench.command(cls=Command, epilog=examples("fststyle bench train --network fast --batch-size 4"))
def train(
    network: Annotated[str, typer.Option(metavar="fast|johnson|tiny", help="The network to train.")] = "fast",
    loss_network: Annotated[str, typer.Option(metavar="medium|slim|vgg19", help="The loss network.")] = "medium",
    batch: Annotated[int, typer.Option("--batch-size", min=1, help="Crops per step; `train` uses 1.")] = 4,
    crop: Annotated[
        int, typer.Option("--size", min=32, help="Side of the training crops in pixels; `train` begins with 256.")
    ] = 256,
    rounds: Annotated[int, typer.Option(min=1, help="Number of timing rounds.")] = 5,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    precision: Annotated[
        str | None, typer.Option(metavar="bf16-mixed|32-true", help="Default: the fastest that the device supports.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time a training step, by part, and compare it with pytorch/examples."""
    with extra("train"):
        from fststyle.training.bench import bench_training
        from fststyle.training.devices import keep_to_cores, torch_device
        from fststyle.training.fit.trainer import quiet_lightning

        quiet_lightning()
        keep_to_cores()
        found = bench_training(
            cast("NetworkName", network),
            cast("Architecture", loss_network),
            batch=batch,
            crop=crop,
            rounds=rounds,
            device=torch_device(device),
            precision=cast("Precision | None", precision),
            progress=lambda done, of: typer.echo(f"round {done} of {of}" if done else "warmed up", err=True),
        )
    if as_json:
        typer.echo(json.dumps(vars(found) | {"images_per_second": found.images_per_second}, indent=2))
    else:
        _print(found, network, loss_network)


@bench.command(
    cls=Command, epilog=examples("fststyle bench model starry_night", "fststyle bench model mine.onnx --size 1920x1080")
)
def model(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            autocompletion=network_names,
            help="ONNX files, or names from `fststyle models`.",
            show_default=False,
        ),
    ],
    sizes: Annotated[
        list[str] | None, typer.Option("--size", metavar="WIDTHxHEIGHT", help="Picture size; may be repeated.")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(metavar="auto|cpu|cuda|…", help="Where to run; may be repeated.")
    ] = None,
    layout: LayoutName = "rgb1",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads, at most one per core, the default.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Number of timing rounds.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time networks: milliseconds, megapixels per second, memory."""
    from fststyle.runtime.bench import bench_model

    wanted = [sides(text, "--size") for text in sizes or ["512x512", "1920x1080"]]
    found, failed = [], 0
    for (width, height), where, path in itertools.product(wanted, device or ["auto"], models):
        try:
            found.append(bench_model(path, height, width, device=where, threads=threads, rounds=rounds, layout=layout))
        except FststyleError as error:
            failed += 1
            complain("error", error)
    if as_json:
        typer.echo(json.dumps([entry.as_dict() for entry in found], indent=2))
    elif found:
        _print_models(found)
    if failed:
        raise typer.Exit(1)


def _print_models(found: "list[ModelBench]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "precision", "device", "size", "ms", "MP/s", "peak MB")
    for entry in found:
        peak = "?" if entry.peak_megabytes is None else f"{entry.peak_megabytes:.0f}"
        table.add_row(
            *(plain(entry.model), entry.precision, entry.device, f"{entry.width}×{entry.height}"),
            *(f"{entry.milliseconds:.1f}", f"{entry.megapixels_per_second:.2f}", peak),
        )
    Console().print(table, markup=False)


def _print(found: "StepBench", network: str, loss_network: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from fststyle.training.bench import EXAMPLES, MEDIUM_ALONE, OURS, SLIM_ALONE, VGG_ALONE

    console = Console()
    what = f"{network} with {loss_network}, batch {found.batch}, {found.crop}², {found.precision}"
    console.print(f"{what}: {found.images_per_second:.1f} images a second", highlight=False)
    parts = Table("part of a step", "ms", "%")
    whole = sum(found.parts.values())
    for name, seconds in found.parts.items():
        parts.add_row(name, f"{1e3 * seconds:.1f}", f"{100 * seconds / whole:.0f}")
    console.print(parts)
    steps = Table("a whole step", "ms", "of pytorch/examples'", "of ours")
    for name, seconds in found.steps.items():
        ratios = (f"{seconds / found.steps[EXAMPLES]:.3f}", f"{seconds / found.steps[OURS]:.2f}")
        steps.add_row(name, f"{1e3 * seconds:.1f}", *ratios)
    console.print(steps)
    slim, medium = (found.steps[VGG_ALONE] / found.steps[name] for name in (SLIM_ALONE, MEDIUM_ALONE))
    said = f"the loss network alone: slim takes 1/{slim:.1f} of vgg19's time, medium 1/{medium:.1f}"
    console.print(said, highlight=False)
