"""`fststyle export`: from a training to one ONNX file."""

import shlex
import tempfile
from dataclasses import dataclass
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
    from fststyle.model.layouts import Layout
    from fststyle.runtime.convert import Io
    from fststyle.runtime.forms import Order

_LAST = "last.ckpt"

# So many runs of a folder are named to choose from.
_NAMED = 5


@dataclass(frozen=True)
class _Steps:
    """What is asked for behind the network as it was trained; every field has its default where nothing is."""

    precision: str
    io: str
    photos: Path | None
    size: tuple[int, int] | None
    opset: int | None
    strength: float | None
    order: str
    layout: str

    @property
    def converts(self) -> bool:
        return (self.precision, self.io) != ("fp32", "float")

    @property
    def forms(self) -> bool:
        return (self.size, self.opset, self.strength, self.order) != (None, None, None, "crd")


def export(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="A training's folder, or a checkpoint (last.ckpt) in it; or a network, for another form of it.",
            show_default=False,
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
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHxHEIGHT", help="Only for pictures of this size, as converters want it.", show_default=False
        ),
    ] = None,
    opset: Annotated[
        int | None,
        typer.Option(help="Version of ONNX's operators, 7 to 18, for older programs. Default: 18.", show_default=False),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(help="Fix the strength of a network that has an input for it, from 0 to 1.", show_default=False),
    ] = None,
    order: Annotated[
        str, typer.Option(metavar="crd|dcr", help="Order of channels that become pixels; dcr is for CoreML.")
    ] = "crd",
    layout: options.LayoutName = "rgb1",
) -> None:
    """Write a trained network as one ONNX file, which runs without torch; or a network in another form."""
    sides = None if size is None else options.sides(size, "--size")
    steps = _Steps(precision, io, photos, sides, opset, strength, order, layout)
    if photos is not None and not steps.converts:
        raise ValueError("--photos is for another --precision or --io; give one of them, or leave it out")
    named = options.one_output(output, into)
    if _is_network(source) and (steps.converts or steps.forms):
        if licence is not None:
            raise ValueError("--license is for a training; a network has its license already")
        target = named if named is not None else _name_of_form(source, steps)
        _write_steps(source, target, steps)
        return
    refuse_exported(source)
    checkpoint = checkpoint_in(source)
    with extra("train"):
        target = named if named is not None else _own_name(checkpoint)
        card = _export(checkpoint, target, licence, steps)
    costs = ", ".join(f"{name} {value:.3g}" for name, value in card.costs.items())
    judged = f", {costs}, judged by {card.loss_network}" if costs else ""
    say(f"{target}: {card.style}, {card.network}, {card.steps:,} steps{judged}")
    say(f"next: fststyle stylize {shlex.quote(str(target))} photo.jpg")


def _is_network(path: Path) -> bool:
    from fststyle.model.gallery import is_network

    ships = not is_there(path) and is_network(path.as_posix())
    return ships or (path.suffix.lower() == ".onnx" and is_file(path))


def refuse_exported(path: Path) -> None:
    """Refuse a network where a training is asked for.

    Raises:
        FststyleError: It is a network; the message has the command for it.
    """
    if _is_network(path):
        raise FststyleError(
            f"{path} is a network that was exported already; for another form of it say --size or --opset, and to make "
            f"it smaller: fststyle quantize {shlex.quote(str(path))} OUT.onnx"
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

    return _new(Path(Path(f"{read_checkpoint(checkpoint).name}.onnx").name))


def _name_of_form(network: Path, steps: _Steps) -> Path:
    """Such as `starry_night_640x360_opset15.onnx`, in the current folder."""
    words = [network.stem]
    if steps.precision != "fp32":
        words.append(steps.precision)
    if steps.io != "float":
        words.append(steps.io)
    if steps.size is not None:
        words.append("{}x{}".format(*steps.size))
    if steps.opset is not None:
        words.append(f"opset{steps.opset}")
    if steps.order != "crd":
        words.append(steps.order)
    if steps.strength is not None:
        words.append(f"strength{steps.strength:g}")
    return _new(Path("_".join(words) + ".onnx"))


def _new(target: Path) -> Path:
    if is_there(target):
        raise ModelFileError(f"{target} is there already; say -o {shlex.quote(str(target))} to replace it")
    return target


def _export(checkpoint: Path, output: Path, licence: str | None, steps: _Steps) -> "ModelCard":
    from fststyle.training.export import export_checkpoint

    if not (steps.converts or steps.forms):
        return export_checkpoint(checkpoint, output, licence=licence)
    refuse_inputs(output, checkpoint)
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    with tempfile.TemporaryDirectory() as scratch:
        exported = Path(scratch, output.name)
        card = export_checkpoint(checkpoint, exported, licence=licence)
        _write_steps(exported, output, steps)
    return card


def _write_steps(network: Path, output: Path, steps: _Steps) -> None:
    """Convert a network and bring it into another form, as far as each is asked for."""
    from fststyle.runtime.convert import quantize
    from fststyle.runtime.forms import export_form

    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    with tempfile.TemporaryDirectory() as scratch:
        made = network
        if steps.converts:
            made = Path(scratch, "converted.onnx") if steps.forms else output
            psnr = quantize(
                network,
                made,
                precision=cast("Precision", steps.precision),
                io=cast("Io", steps.io),
                photos=steps.photos,
                layout=cast("Layout", steps.layout),
            ).psnr
            say(f"{output}: {steps.precision}, pixels as {steps.io}, {psnr:.1f} dB from {network.name}")
        if steps.forms:
            try:
                form = export_form(
                    made,
                    output,
                    size=steps.size,
                    opset=steps.opset,
                    strength=steps.strength,
                    order=cast("Order", steps.order),
                    layout=cast("Layout", steps.layout),
                )
            except ModelFileError as error:  # the file between the two steps is none that the user knows
                raise ModelFileError(str(error).replace(str(made), str(network))) from error
            sides = "any size" if steps.size is None else "{}×{} pixels only".format(*steps.size)
            say(f"{output}: {sides}, opset {form.opset}, differs by {form.difference:.1g} at most")
