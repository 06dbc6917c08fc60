"""`fststyle train-many`: a network for each painting of a sheet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fststyle.commands.console import complain, plain
from fststyle.commands.painting import silent_stdout
from fststyle.system.counts import counted
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.training.many.plan import State
    from fststyle.training.many.report import Entry
    from fststyle.training.many.run import Many

_PLACES = ("here", "ray", "slurm")


def train_many(
    sheet: Annotated[
        Path,
        typer.Argument(
            metavar="SHEET",
            help="A CSV or JSON lines: a row a painting, a column an option of `fststyle train`.",
            show_default=False,
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION...]", help="Options of `fststyle train` for all rows.", show_default=False),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Photos to train on. Default: the sample photos.", show_default=False)
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the networks, their runs and the report.")
    ] = Path("styles"),
    on: Annotated[
        str,
        typer.Option(
            metavar="here|ray|slurm",
            help="Train on this machine, on a Ray cluster, or write a Slurm script.",
        ),
    ] = "here",
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Trainings at the same time. Default: as many as fit.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads of each. Default: a fair share; 2 on a cluster.", show_default=False),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Memory for all, or for each on a cluster, such as 16GB. Default: half of what is free.",
        ),
    ] = None,
    row: Annotated[
        int | None, typer.Option(min=1, help="Train this row only, counted from 1.", show_default=False)
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Write results and report of what is there.")] = False,
) -> None:
    """Train a network for each painting of a sheet; the same command goes on where it was stopped."""
    from fststyle.system.memory import parse_bytes
    from fststyle.training.many import run
    from fststyle.training.many.sheet import common_settings

    if on not in _PLACES:
        raise typer.BadParameter(f"--on takes {', '.join(_PLACES)}, not {on!r}")
    common = common_settings(settings or [])
    if photos is not None:
        common["photos"] = str(photos.absolute())
    many = run.Many(sheet, output.absolute(), common, jobs, threads, None if memory is None else parse_bytes(memory))
    if report:
        _list(run.report_many(many), many)
    elif row is not None:
        entry, stopped = run.train_row(many, row)
        _say(entry.row.name, entry.state)
        if stopped is not None:
            raise typer.Exit(128 + stopped)
        if entry.state.status != "done":
            raise typer.Exit(1)
    elif on == "slurm":
        script, entries = run.for_slurm(many)
        for entry in entries:
            if entry.request is None:
                _say(entry.row.name, entry.state)
        rows = f"{len(entries)} row{'s' if len(entries) != 1 else ''}"
        typer.echo(plain(f"{script}: {rows}; read it, then: sbatch {for_shell(script)}"), err=True)
    else:
        with silent_stdout():
            entries, stopped = run.train_many(many, on=on, begun=_say_begun, told=_say)
        if stopped is not None:
            typer.echo("stopped; the same command goes on from here", err=True)
            raise typer.Exit(128 + stopped)
        _list(entries, many)


def _say_begun(name: str) -> None:
    typer.echo(plain(f"{name}: training"), err=True)


def _say(name: str, state: "State") -> None:
    if state.status == "failed":
        complain("error", f"{name}: {state.error}")
    elif state.status == "done":
        costs = state.costs.get("total_loss")
        judged = "" if costs is None else f", total loss {costs:.3g}, judged by {state.judge}"
        typer.echo(
            plain(f"{name}: {counted(state.steps, 'step')} in {state.seconds / 60:.1f} minutes{judged}"), err=True
        )
    else:
        typer.echo(plain(f"{name}: {state.status}"), err=True)


def _list(entries: "list[Entry]", many: "Many") -> None:
    """Say at the end what there is, and end with status 1 if anything is missing."""
    bad = [entry.row.name or f"row {entry.row.number}" for entry in entries if entry.state.status != "done"]
    done = len(entries) - len(bad)
    typer.echo(
        plain(f"{done} of {counted(len(entries), 'network')} in {many.output}; see {many.output / 'report.html'}"),
        err=True,
    )
    if bad:
        complain("error", f"{len(bad)} of {len(entries)} styles are not there: {', '.join(bad)}")
        raise typer.Exit(1)
