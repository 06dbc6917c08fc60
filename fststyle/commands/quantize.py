"""`fststyle quantize`: a smaller number format, or uint8 pixels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands.console import say
from fststyle.commands.options import LayoutName, Network, Output, required_output
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.graph.quantization import Precision
    from fststyle.model.layouts import Layout
    from fststyle.runtime.convert import Io


def quantize(
    model: Network,
    target: Annotated[
        Path | None, typer.Argument(metavar="OUT.onnx", help="The ONNX file to write.", show_default=False)
    ] = None,
    into: Output = None,
    precision: Annotated[str, typer.Option(metavar="fp32|fp16|int8", help="Number format of the weights.")] = "int8",
    io: Annotated[str, typer.Option(metavar="float|uint8", help="Pixel type of input and output.")] = "float",
    photos: Annotated[
        Path | None, typer.Option(help="Folder of photos to calibrate with. Default: the sample photos.")
    ] = None,
    layout: LayoutName = "rgb1",
) -> None:
    """Make a network smaller and faster; a result that paints too differently is not kept."""
    from fststyle.runtime.convert import quantize

    output = required_output(target, into, f"fststyle quantize {for_shell(model)} -o small.onnx")
    made = quantize(
        model,
        output,
        precision=cast("Precision", precision),
        io=cast("Io", io),
        photos=photos,
        layout=cast("Layout", layout),
    )
    kept = f", {made.kept} more of its convolutions in floats" if made.kept else ""
    size = output.stat().st_size
    say(f"{output}: {precision}, {size:,} bytes, {made.psnr:.1f} dB from {model}{kept}")
