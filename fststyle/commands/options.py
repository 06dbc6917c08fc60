"""What several commands ask for in the same words; the cost in `cost_options.py`."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from fststyle.model.defaults import STYLE_SIZE, STYLE_SIZES
from fststyle.system.files import is_there
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.paint.controls import Controls

LayoutName = Annotated[
    str,
    typer.Option(
        "--layout",
        metavar="rgb1|rgb255|rgb-1to1|bgr1|bgr255|bgr-1to1",
        help="What a network that is not ours computes on: the order of its channels, and 0..1, 0..255 or -1..1.",
    ),
]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda|directml|coreml", help="Where to run the network.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads, at most one per core, the default.")
]
Strength = Annotated[float, typer.Option("--strength", min=0, max=1, help="0 gives the input, 1 the full style.")]
Scale = Annotated[
    float,
    typer.Option("--scale", min=0.1, max=10, help="Brush size factor: 2 paints strokes twice as broad."),
]
PassesOption = Annotated[
    str,
    typer.Option(
        "--passes",
        metavar="auto|1|2|3",
        help="How often the network paints, coarse to fine. Default: by size for pictures, once for frames.",
    ),
]
KeepColor = Annotated[bool, typer.Option("--keep-color", help="Keep the input's colors.")]
Mask = Annotated[
    Path | None,
    typer.Option(
        "--mask",
        help="A picture of any size: paint where it is white, not where it is black.",
        show_default=False,
    ),
]
Grain = Annotated[
    float | None,
    typer.Option(
        "--grain",
        min=0,
        max=100,
        help="Add noise to what the network sees, in gray levels; gives flat areas strokes. Default: what the network "
        "asks for, mostly 0; for videos 0.",
        show_default=False,
    ),
]


On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ray",
        help="Share the work between the workers of a Ray cluster: the one at RAY_ADDRESS, or one on this machine.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Workers for --on ray. Default: as many as fit.", show_default=False),
]


def on_ray(on: str | None, workers: int | None) -> bool:
    """Whether `--on` asks for a cluster.

    Raises:
        BadParameter: It asks for something else, or there are workers without one.
    """
    if on not in (None, "ray"):
        raise typer.BadParameter(f"--on takes ray, not {on!r}; leave it out to use this process")
    if on is None and workers is not None:
        raise typer.BadParameter("--workers needs --on ray")
    return on is not None


def network_names(incomplete: str) -> list[str]:
    """What a shell may complete where a network is named: those that ship, and files near by."""
    from fststyle.model.gallery import networks

    start = Path(incomplete)
    folder = start if incomplete.endswith("/") else start.parent
    files = (str(path) for path in folder.glob("*.onnx"))
    return [name for name in (*networks(), *files) if name.startswith(incomplete)]


Network = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        autocompletion=network_names,
        help="The network: an ONNX file, or a name from `fststyle models`.",
        show_default=False,
    ),
]

OptionalNetwork = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        autocompletion=network_names,
        help="The network: an ONNX file, or a name from `fststyle models`. Leave it out with --blend or --style.",
        show_default=False,
    ),
]


BlendOption = Annotated[
    str | None,
    typer.Option(
        "--blend",
        metavar="a.onnx:0.7,b.onnx:0.3",
        help="Mix several networks, with weights, in the place of MODEL. Of one body: one style between theirs.",
        show_default=False,
    ),
]


MixOption = Annotated[
    str | None,
    typer.Option(
        "--mix",
        metavar="a:0.7,b:0.3",
        help="Styles of a network that has several: one name, or some with weights. Default: the first.",
        show_default=False,
    ),
]


StyleOption = Annotated[
    Path | None,
    typer.Option(
        "--style",
        metavar="PAINTING",
        help="Paint in the style of this picture, with a network predicted from it, in the place of MODEL.",
        show_default=False,
    ),
]
StylesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--style",
        metavar="PAINTING",
        help="A network predicted from this picture, beside those named or in their place; may be given several times.",
        show_default=False,
    ),
]
StyleSize = Annotated[
    int | None,
    typer.Option(
        "--style-size",
        min=STYLE_SIZES[0],
        max=STYLE_SIZES[1],
        help="Shorter side that --style is looked at with.",
        show_default=False,
    ),
]


def painting_size(style: Path | list[Path] | None, style_size: int | None) -> int:
    """The shorter side that a painting, or several, are looked at with.

    Raises:
        BadParameter: It is given without a painting.
    """
    if style_size is not None and not style:
        raise typer.BadParameter("--style-size needs --style")
    return STYLE_SIZE if style_size is None else style_size


def refuse_paintings(networks: Iterable[str | Path]) -> None:
    """Where networks are named, a painting needs its option.

    Raises:
        BadParameter: One of them is a picture.
    """
    from fststyle.system.file_kinds import Kind, kind_of_name

    for name in networks:
        if kind_of_name(Path(name)) is Kind.PICTURE:
            raise typer.BadParameter(f"{name} is a picture; to make a network of it, say --style {for_shell(name)}")


def refuse_network_beside(first: str, named: str) -> None:
    """With --blend or --style, the first argument is a picture or a video.

    Raises:
        ValueError: It is a network, or the name of one; `named` begins the message.
    """
    from fststyle.model.gallery import is_network

    path = Path(first)
    if path.suffix.lower() == ".onnx" or (is_network(first) and not is_there(path)):
        raise ValueError(f"{named} already; leave {first} out")


Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The same as the OUT argument.", show_default=False)
]

_Name = TypeVar("_Name", Path, str)


def one_output(argument: _Name | None, option: _Name | None) -> _Name | None:
    """The output that was named, as an argument or with -o; None if it was not.

    Raises:
        BadParameter: Both are given, and differ.
    """
    if argument is not None and option is not None and argument != option:
        raise typer.BadParameter(f"{argument} and {option} are both named as the output; leave one out")
    return option if argument is None else argument


def required_output(argument: _Name | None, option: _Name | None, example: str) -> _Name:
    """As `one_output`, where there must be one; `example` shows a command with it.

    Raises:
        BadParameter: None is given.
    """
    output = one_output(argument, option)
    if output is None:
        raise typer.BadParameter(f"name the file to write: {example}", param_hint="OUT")
    return output


def controls_of(
    strength: float,
    scale: float,
    keep_color: bool,
    mask: Path | None,
    grain: float | None,
    passes: str,
    mix: str | None,
) -> "Controls":
    """What these options ask for.

    Raises:
        ImageError: The mask cannot be read.
        ValueError: There is no such number of passes.
    """
    from fststyle.paint.controls import Controls
    from fststyle.paint.passes import parse_passes
    from fststyle.pictures.files import read_mask

    shown = None if mask is None else read_mask(mask)
    return Controls(strength, keep_color, scale, shown, grain, parse_passes(passes), mix)


def sides(text: str, option: str) -> tuple[int, int]:
    """Read "1920x1080": width and height; `option` stands in the message.

    Raises:
        ValueError: It is not two whole numbers from 1.
    """
    found = re.fullmatch(r"(\d+) *[x×] *(\d+)", text.strip().lower())
    if found is None or not int(found[1]) or not int(found[2]):
        raise ValueError(f"{option} takes WIDTHxHEIGHT, 1920x1080 for example, not {text!r}")
    return int(found[1]), int(found[2])
