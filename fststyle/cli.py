"""The `fststyle` command: reads arguments, prints, sets the exit status; the work is done elsewhere.

Imports stand inside the commands, so that `--help` is there at once and only `train` and `export` need torch.
"""

import logging
import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from fststyle import __version__
from fststyle.commands.bench import bench
from fststyle.commands.console import DEBUG, complain, explained, show_notes
from fststyle.commands.evaluate import evaluate
from fststyle.commands.explain import explain
from fststyle.commands.export import export
from fststyle.commands.grammar import SETTINGS, Command, Group, PassThrough, examples
from fststyle.commands.info import info
from fststyle.commands.live import live
from fststyle.commands.models import models
from fststyle.commands.new import new
from fststyle.commands.optimize import optimize
from fststyle.commands.publish import publish
from fststyle.commands.quantize import quantize
from fststyle.commands.serve import serve
from fststyle.commands.stylize import stylize
from fststyle.commands.train_many import train_many
from fststyle.commands.video import video
from fststyle.commands.web import web
from fststyle.system.extras import extra
from fststyle.system.memory import keep_freed_memory
from fststyle.system.streams import abandon_stdout, prepare_streams

app = typer.Typer(
    cls=Group,
    help="Paint photos in the style of a picture, with a network of your own.",
    epilog=examples("fststyle stylize starry_night photo.jpg", "fststyle train painting.jpg photos/ --minutes 10"),
    no_args_is_help=True,
    context_settings=SETTINGS,
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


def _add(command: Callable[..., None], panel: str, *lines: str) -> None:
    """Put a command into the help, with examples."""
    app.command(cls=Command, rich_help_panel=panel, epilog=examples(*lines))(command)


_add(
    stylize,
    "Paint",
    "fststyle stylize starry_night photo.jpg -o painted.jpg",
    "fststyle stylize mine.onnx holidays/ -o painted/ --strength 0.7",
)
_add(
    video,
    "Paint",
    "fststyle video udnie_tiny in.mp4 out.mp4",
    "fststyle video udnie_tiny in.mp4 out.mp4 --start 1:30 --end 2:00 --max-side 640",
)
_add(
    new,
    "Paint",
    "fststyle new painting.jpg mine.onnx",
    "fststyle stylize mine.onnx photo.jpg",
)
_add(web, "Paint", "fststyle web starry_night udnie -o site/")
_add(serve, "Paint", "fststyle serve", "fststyle serve mine.onnx --photos photos/ -o served/")
_add(
    live,
    "Paint",
    "fststyle live udnie_tiny",
    "fststyle live udnie_tiny --camera 1 --size 640x360 -o - | ffplay -f yuv4mpegpipe -",
)
_add(models, "Paint", "fststyle models")
_add(info, "Paint", "fststyle info starry_night", "fststyle info mine.onnx --json")


@app.command(cls=PassThrough, add_help_option=False, rich_help_panel="Train")
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


_add(
    train_many,
    "Train",
    "fststyle train-many styles.csv --photos photos/ -o styles/ -- --steps 3000",
    "fststyle train-many styles.csv --photos photos/ -o styles/ --on slurm",
)
_add(
    export,
    "Train",
    "fststyle export runs/mine",
    "fststyle export runs/mine mine.onnx --precision int8 --photos photos/",
    "fststyle export starry_night unity.onnx --size 640x360 --opset 15",
)
_add(quantize, "Train", "fststyle quantize mine.onnx small.onnx --photos photos/")
_add(publish, "Train", "fststyle publish mine.onnx USER/mine", "fststyle stylize hf:USER/mine photo.jpg")
_add(
    optimize,
    "Paint by optimizing, judge, explain",
    "fststyle optimize --photos photo.jpg --style painting.jpg -o painted.png",
    "fststyle optimize --style painting.jpg --size 640x480 -o texture.png",
)
_add(
    evaluate,
    "Paint by optimizing, judge, explain",
    "fststyle evaluate mine.onnx --style painting.jpg -o report.html",
    "fststyle evaluate a.onnx b.onnx --style painting.jpg --photos photos/ --no-optimizer",
)
_add(
    explain,
    "Paint by optimizing, judge, explain",
    "fststyle explain --style painting.jpg --photos photo.jpg -o page.html",
)
app.add_typer(bench, name="bench", rich_help_panel="Paint by optimizing, judge, explain")
