"""`fststyle export`: from a training to one ONNX file."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fststyle.commands import options
from fststyle.commands.console import say
from fststyle.commands.export_steps import Steps, name_of_form, new_file, write_steps
from fststyle.errors import CheckpointError, FststyleError, ModelFileError
from fststyle.system.counts import counted
from fststyle.system.entries import entry
from fststyle.system.extras import extra
from fststyle.system.file_kinds import Kind
from fststyle.system.files import is_file, is_folder, is_there, refuse_inputs, refuse_other_kind
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.model.card import ModelCard

_LAST = "last.ckpt"

# So many runs of a folder are named to choose from.
_NAMED = 5


def export(
    words: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN [OUT.onnx]",
            help="A training's folder, or a checkpoint (last.ckpt) in it; or a network, for another form of it. Then "
            "the ONNX file to write. Default: the style's name. With --styles: networks of one body.",
            show_default=False,
        ),
    ],
    into: options.Output = None,
    styles: Annotated[
        bool, typer.Option("--styles", help="Put several networks of one body into one file, with -o.")
    ] = False,
    mix: options.MixOption = None,
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
    grain: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            help="Grain that `stylize` uses with this network by default, stored in the file; see `stylize --grain`.",
            show_default=False,
        ),
    ] = None,
    order: Annotated[
        str, typer.Option(metavar="crd|dcr", help="Order of channels that become pixels; dcr is for CoreML.")
    ] = "crd",
    layout: options.LayoutName = "rgb1",
) -> None:
    """Write a trained network as one ONNX file, which runs without torch; or a network in another form."""
    sides = None if size is None else options.sides(size, "--size")
    steps = Steps(precision, io, photos, sides, opset, strength, order, layout, mix, grain)
    if photos is not None and not steps.converts:
        raise ValueError("--photos is for another --precision or --io; give one of them, or leave it out")
    if styles:
        _export_styles(words, into, licence, steps)
        return
    source, named = _source_and_output(words, into)
    if steps.any and (_is_network(source) or source.suffix.lower() == ".onnx"):
        _refuse_licence(licence)
        write_steps(source, named if named is not None else name_of_form(source, steps), steps)
        return
    refuse_exported(source)
    if mix is not None:
        raise ValueError("--mix is for a network of several styles; export the training first")
    checkpoint = checkpoint_in(source)
    with extra("train"):
        target = named if named is not None else _own_name(checkpoint)
        card = _export(checkpoint, target, licence, steps)
    costs = ", ".join(f"{name} {value:.3g}" for name, value in card.costs.items())
    judged = f", {costs}, judged by {card.loss_network}" if costs else ""
    say(f"{target}: {card.style}, {card.network}, {counted(card.steps, 'step')}{judged}")
    say(f"next: fststyle stylize {for_shell(target)} photo.jpg")


def _source_and_output(words: list[Path], into: Path | None) -> tuple[Path, Path | None]:
    source, *outputs = words
    if len(outputs) > 1:
        raise typer.BadParameter(
            f"{words[2]} is one too many: name a training or network, and one output; for several networks in one "
            "file add --styles"
        )
    return source, options.one_output(outputs[0] if outputs else None, into)


def _export_styles(networks: list[Path], into: Path | None, licence: str | None, steps: Steps) -> None:
    from fststyle.runtime.styles import export_styles

    _refuse_licence(licence)
    example = f"fststyle export --styles {' '.join(map(for_shell, networks))} -o many.onnx"
    output = options.required_output(None, into, example)
    for network in networks:
        if not _is_network(network) and is_folder(network):
            raise FststyleError(f"{network} is a training; export it first: fststyle export {for_shell(network)}")
    if not steps.any:
        card = export_styles(networks, output)
    else:
        refuse_inputs(output, *networks)
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch, output.name)
            card = export_styles(networks, made)
            write_steps(made, output, steps)
    say(f"{output}: {len(card.styles or ())} styles, {', '.join(card.styles or ())}, of one {card.network} network")
    say(f"next: fststyle stylize {for_shell(output)} photo.jpg --mix {for_shell(entry((card.styles or [''])[-1]))}")


def _refuse_licence(licence: str | None) -> None:
    if licence is not None:
        raise ValueError("--license is for a training; a network has its license already")


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
            f"it smaller: fststyle quantize {for_shell(path)} OUT.onnx"
        )
    if path.suffix.lower() == ".onnx":
        raise FststyleError(
            f"{path} is the name of a network, not of a training; to write it: fststyle export runs/NAME "
            f"{for_shell(path)}, and to make a network smaller: fststyle quantize"
        )


def checkpoint_in(path: Path) -> Path:
    """The checkpoint that somebody means: `path` itself, or the last one of the run in this folder.

    Raises:
        CheckpointError: There is none. The message names runs near by, and networks of such a name.
    """
    if is_file(path / _LAST):
        return path / _LAST
    if not is_there(path):
        raise CheckpointError(_nothing_at(path))
    if not is_folder(path):
        return path
    runs = sorted(str(found.parent) for found in path.glob(f"*/{_LAST}"))[:_NAMED]
    advice = f"name one of {', '.join(runs)}" if runs else "a training writes it with its first checkpoint"
    raise CheckpointError(f"{path} holds no {_LAST}; {advice}")


def _nothing_at(path: Path) -> str:
    """What to say of a training that is not there: which are near by, and which networks have such a name."""
    from fststyle.model.gallery import near_names

    wanted = path.parent if path.name == _LAST else path
    bare = str(path) == path.name
    folder = Path("runs") if bare else wanted.parent
    runs = {found.parent.name: str(found.parent) for found in folder.glob(f"*/{_LAST}")}
    near = [wanted.name] if wanted.name in runs else near_names(wanted.name, runs, networks=bare)
    advice = f"did you mean {' or '.join(runs.get(name, name) for name in near)}?"
    if bare and not path.suffix:
        listed = "`fststyle models` lists the networks"
        return f"there is neither a training nor a network called {path}; {f'{advice} ' if near else ''}{listed}"
    return f"no checkpoint at {path}; {advice if near else 'name the folder of a training, or its last.ckpt'}"


def _own_name(checkpoint: Path) -> Path:
    from fststyle.training.checkpoint import read_checkpoint

    return new_file(Path(Path(f"{read_checkpoint(checkpoint).name}.onnx").name))


def _export(checkpoint: Path, output: Path, licence: str | None, steps: Steps) -> "ModelCard":
    from fststyle.training.export import export_checkpoint

    if not steps.any:
        return export_checkpoint(checkpoint, output, licence=licence)
    refuse_inputs(output, checkpoint)
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    with tempfile.TemporaryDirectory() as scratch:
        exported = Path(scratch, output.name)
        card = export_checkpoint(checkpoint, exported, licence=licence)
        write_steps(exported, output, steps)
    return card
