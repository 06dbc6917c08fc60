"""`fststyle web`: a page that paints in the browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands.console import say
from fststyle.commands.options import LayoutName, network_names
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.model.layouts import Layout


def web(
    networks: Annotated[
        list[Path],
        typer.Argument(
            metavar="NETWORK...",
            autocompletion=network_names,
            help="ONNX files, or names from `fststyle models`. The page opens with the first.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path("site"),
    gpu: Annotated[
        bool, typer.Option("--gpu/--no-gpu", help="Also paint on WebGPU where a browser has it; 7 MB more to host.")
    ] = True,
    layout: LayoutName = "rgb1",
) -> None:
    """Write a page that paints in the browser; any static host serves the folder.

    onnxruntime-web is fetched from npm once and kept.
    """
    from fststyle.web.site import build_site

    sizes = build_site(networks, output, layout=cast("Layout", layout), gpu=gpu)
    say(f"{output}: {len(networks)} {'network' if len(networks) == 1 else 'networks'}, {_megabytes(sizes)} MB")
    say(f"look at it: python -m http.server --directory {for_shell(output)} 8000, then open http://localhost:8000")


def _megabytes(sizes: dict[str, int]) -> str:
    return f"{sum(sizes.values()) / 1e6:.1f}"
