"""`fststyle web`: a page that paints in the browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands.console import say
from fststyle.commands.options import (
    LayoutName,
    StyleSize,
    StylesOption,
    network_names,
    painting_size,
    refuse_paintings,
)
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.model.layouts import Layout


def web(
    networks: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[NETWORK]...",
            autocompletion=network_names,
            help="ONNX files, or names from `fststyle models`. The page opens with the first.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path("site"),
    gpu: Annotated[
        bool, typer.Option("--gpu/--no-gpu", help="Also paint on WebGPU where a browser has it; 7 MB more to host.")
    ] = True,
    layout: LayoutName = "rgb1",
    style: StylesOption = None,
    style_size: StyleSize = None,
) -> None:
    """Write a page that paints in the browser; any static host serves the folder.

    onnxruntime-web is fetched from npm once and kept.
    """
    from fststyle.web.site import build_site

    named, styles = networks or [], style or []
    if not named and not styles:
        raise typer.BadParameter("name a network: fststyle web starry_night", param_hint="NETWORK")
    if not named and layout != "rgb1":
        raise typer.BadParameter("--layout is for a network of somebody else; leave it out beside --style")
    refuse_paintings(named)
    size = painting_size(styles, style_size)
    sizes = build_site(named, output, layout=cast("Layout", layout), gpu=gpu, styles=styles, style_size=size)
    count = len(named) + len(styles)
    say(f"{output}: {count} {'network' if count == 1 else 'networks'}, {_megabytes(sizes)} MB")
    say(f"look at it: python -m http.server --directory {for_shell(output)} 8000, then open http://localhost:8000")


def _megabytes(sizes: dict[str, int]) -> str:
    return f"{sum(sizes.values()) / 1e6:.1f}"
