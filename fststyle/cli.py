"""The `fststyle` command: reads arguments, prints, sets the exit status; the work is done elsewhere.

Imports stand inside the commands, so that `--help` is there at once and only `train` and `export` need torch.
"""

import logging
import sys
import warnings
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from fststyle import __version__
from fststyle.commands.bench import bench
from fststyle.commands.console import DEBUG, complain, explained, show_notes, show_origin
from fststyle.commands.evaluate import evaluate
from fststyle.commands.explain import explain
from fststyle.commands.export import export
from fststyle.commands.info import info
from fststyle.commands.models import models
from fststyle.commands.optimize import optimize
from fststyle.commands.quantize import quantize
from fststyle.commands.stylize import stylize
from fststyle.commands.video import video
from fststyle.errors import FststyleError
from fststyle.system.extras import extra
from fststyle.system.memory import keep_freed_memory
from fststyle.system.streams import abandon_stdout, prepare_streams

if TYPE_CHECKING:
    pass


class _Group(TyperGroup):
    """Turns what the user can mend into one line and an exit status: 1, or 130 after Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:  # whoever listened has gone; Typer ends quietly then
            raise
        except MemoryError as error:
            show_origin(error)
            complain("error", "there is not enough memory; use smaller or fewer pictures, or free some memory")
            raise typer.Exit(1) from error
        except (FststyleError, ValueError, OSError) as error:
            show_origin(error)
            complain("error", explained(error))
            raise typer.Exit(1) from error


class _PassThrough(TyperCommand):
    """Leaves its arguments to somebody else, `--help` and `--` included."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return []


app = typer.Typer(
    cls=_Group,
    help="Paint photos in the style of a picture, with a network of your own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line and leave the process."""
    prepare_streams()
    try:
        app()
    except OSError as error:  # of what is printed before a command begins, such as the version
        complain("error", explained(error))
        abandon_stdout()
        sys.exit(1)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"fststyle {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
    version: Annotated[  # noqa: ARG001 -- read by its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    DEBUG.set(debug)
    # Pillow's do not name the file; what matters of them we say ourselves.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    show_notes()
    warnings.showwarning = lambda message, *_, **__: complain("warning", message)


app.command()(stylize)


app.command()(info)


app.command()(export)
app.command()(quantize)
app.command()(video)
app.command()(optimize)
app.command()(evaluate)
app.command()(explain)
app.command()(models)
app.add_typer(bench, name="bench")


@app.command(cls=_PassThrough, add_help_option=False)
def train(ctx: typer.Context) -> None:
    """Train a network to paint like one picture."""
    if {"-h", "--help"} & set(ctx.args):
        from fststyle.training.arguments import help_text

        typer.echo(help_text())
        return
    with extra("train"):
        from fststyle.training import cli

        keep_freed_memory()
        status = cli.main(ctx.args)
    raise typer.Exit(status or 0)
