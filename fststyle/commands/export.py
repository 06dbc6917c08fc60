"""`fststyle export`: from a training to one ONNX file."""

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands import options
from fststyle.commands.console import say
from fststyle.errors import CheckpointError, FststyleError, ModelFileError
from fststyle.system.extras import extra
from fststyle.system.file_kinds import Kind
from fststyle.system.files import is_file, is_folder, is_there, refuse_inputs, refuse_other_kind

if TYPE_CHECKING:
    from fststyle.graph.quantization import Precision
    from fststyle.model.card import ModelCard
    from fststyle.runtime.convert import Io

_LAST = "last.ckpt"

# So many runs of a folder are named to choose from.
_NAMED = 5


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A training's folder, or a checkpoint (last.ckpt) in it.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OUT.onnx]", help="The ONNX file to write. Default: the style's name.", show_default=False
        ),
    ] = None,
    into: options.Output = None,
    licence: Annotated[
        str | None, typer.Option("--license", help="License of the network, stored in the file.", show_default=False)
    ] = None,
    precision: Annotated[
        str, typer.Option(metavar="fp32|fp16|int8", help="Number format of the weights, as for `quantize`.")
    ] = "fp32",
    io: Annotated[str, typer.Option(metavar="float|uint8", help="Pixel type of input and output.")] = "float",
    photos: Annotated[
        Path | None, typer.Option(help="Folder of photos to calibrate with, for --precision and --io.")
    ] = None,
) -> None:
    """Write a trained network as one ONNX file, which runs without torch."""
    if photos is not None and (precision, io) == ("fp32", "float"):
        raise ValueError("--photos is for another --precision or --io; give one of them, or leave it out")
    refuse_exported(checkpoint)
    source = checkpoint_in(checkpoint)
    named = options.one_output(output, into)
    with extra("train"):
        target = named if named is not None else _own_name(source)
        card = _export(source, target, licence, precision, io, photos)
    costs = ", ".join(f"{name} {value:.3g}" for name, value in card.costs.items())
    judged = f", {costs}, judged by {card.loss_network}" if costs else ""
    say(f"{target}: {card.style}, {card.network}, {card.steps:,} steps{judged}")
    say(f"next: fststyle stylize {shlex.quote(str(target))} photo.jpg")


def refuse_exported(path: Path) -> None:
    """Refuse a network where a training is asked for.

    Raises:
        FststyleError: It is a network; the message has the command for it.
    """
    from fststyle.model.gallery import is_network

    ships = not is_there(path) and is_network(str(path))
    if ships or (path.suffix.lower() == ".onnx" and is_file(path)):
        raise FststyleError(
            f"{path} is a network that was exported already; to make it smaller: "
            f"fststyle quantize {shlex.quote(str(path))} OUT.onnx"
        )
    if path.suffix.lower() == ".onnx":
        raise FststyleError(
            f"{path} is the name of a network, not of a training; to write it: fststyle export runs/NAME "
            f"{shlex.quote(str(path))}, and to make a network smaller: fststyle quantize"
        )


def checkpoint_in(path: Path) -> Path:
    """The checkpoint that somebody means: `path` itself, or the last one of the run in this folder.

    Raises:
        CheckpointError: The folder holds none; the message names runs near by.
    """
    if is_file(path / _LAST):
        return path / _LAST
    if not is_folder(path):
        if not is_there(path) and is_file(Path("runs") / path / _LAST):
            raise CheckpointError(f"no checkpoint at {path}; did you mean {Path('runs') / path}?")
        return path
    runs = sorted(str(found.parent) for found in path.glob(f"*/{_LAST}"))[:_NAMED]
    advice = f"name one of {', '.join(runs)}" if runs else "a training writes it with its first checkpoint"
    raise CheckpointError(f"{path} holds no {_LAST}; {advice}")


def _own_name(checkpoint: Path) -> Path:
    from fststyle.training.checkpoint import read_checkpoint

    target = Path(Path(f"{read_checkpoint(checkpoint).name}.onnx").name)
    if is_there(target):
        raise ModelFileError(f"{target} is there already; say -o {shlex.quote(str(target))} to replace it")
    return target


def _export(
    checkpoint: Path, output: Path, licence: str | None, precision: str, io: str, photos: Path | None
) -> "ModelCard":
    from fststyle.training.export import export_checkpoint

    if (precision, io) == ("fp32", "float"):
        return export_checkpoint(checkpoint, output, licence=licence)
    from fststyle.runtime.convert import quantize

    refuse_inputs(output, checkpoint)
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    with tempfile.TemporaryDirectory() as scratch:
        exported = Path(scratch, output.name)
        card = export_checkpoint(checkpoint, exported, licence=licence)
        quantize(exported, output, precision=cast("Precision", precision), io=cast("Io", io), photos=photos)
    return card
