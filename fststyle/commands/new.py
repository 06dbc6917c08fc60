"""`fststyle new`: a painting as a network, without a training."""

from pathlib import Path
from typing import Annotated

import typer

from fststyle.commands.console import say
from fststyle.commands.options import Output, one_output
from fststyle.errors import FststyleError
from fststyle.model.defaults import STYLE_SIZE, STYLE_SIZES
from fststyle.system.files import is_there
from fststyle.system.shell import for_shell


def new(
    painting: Annotated[
        Path, typer.Argument(metavar="PAINTING", help="A picture of the painting.", show_default=False)
    ],
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OUT.onnx]", help="The ONNX file to write. Default: the painting's name.", show_default=False
        ),
    ] = None,
    into: Output = None,
    style_size: Annotated[
        int,
        typer.Option(
            min=STYLE_SIZES[0],
            max=STYLE_SIZES[1],
            help="Shorter side that the painting is looked at with; smaller: finer strokes.",
        ),
    ] = STYLE_SIZE,
    licence: Annotated[
        str, typer.Option("--license", help="License of the network, stored in the file.")
    ] = "unspecified",
) -> None:
    """Make a network for a painting in a second, without training it."""
    from fststyle.predict.new_style import write_new_style

    named = one_output(target, into)
    output = Path(f"{painting.stem}.onnx") if named is None else named
    if named is None and is_there(output):
        raise FststyleError(f"{output} exists; name the file to write: fststyle new {for_shell(painting)} OUT.onnx")
    card = write_new_style(painting, output, style_size=style_size, licence=licence)
    say(f"{output}: {card.style}, predicted from the painting, not trained")
    say(f"next: fststyle stylize {for_shell(output)} photo.jpg")
