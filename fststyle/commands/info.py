"""`fststyle info`: what is known about a network, for people and for programs."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fststyle.commands.console import plain
from fststyle.commands.options import network_names
from fststyle.errors import ModelFileError

if TYPE_CHECKING:
    from fststyle.model.checks import PictureForm
    from fststyle.model.file import ModelFile

# Digits of a body's fingerprint: a million bodies are told apart.
_SHOWN = 12

_RANGES = {"1": "0..1", "255": "0..255", "-1to1": "-1..1"}


def info(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            autocompletion=network_names,
            help="The network, or several: ONNX files, or names that `fststyle models` lists.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; of several networks a list.")] = False,
) -> None:
    """Show what a network file contains; of several files also which share a body."""
    from fststyle.model.file import read_model
    from fststyle.runtime.mixture import MAKE_ANEW, predicted_apart

    files = [read_model(model) for model in models]
    found = [facts_of(file) for file in files]
    if as_json:
        typer.echo(json.dumps(found if len(found) > 1 else found[0], indent=2))
        return
    bodies = [facts["body"] for facts in found]
    for facts in found:
        _tell(facts)
        if len(found) > 1:
            typer.echo()
    shared = [body for body in dict.fromkeys(bodies) if body is not None and bodies.count(body) > 1]
    for body in shared:
        names = ", ".join(str(model) for model, own in zip(models, bodies, strict=True) if own == body)
        typer.echo(f"{plain(names)} share a body: a blend of them is one network")
    if len(found) > 1 and not shared:
        typer.echo("no two of them share a body: a blend mixes their paintings")
        if predicted_apart(files):
            typer.echo(f"they were predicted by several versions of fststyle: to mix their styles, {MAKE_ANEW}")


def _tell(facts: dict[str, Any]) -> None:
    card = facts.pop("card")
    if card is None:
        facts["card"] = "none; not made by fststyle" + _unknown_layout(facts)
    shown = facts | {key: value for key, value in (card or {}).items() if (key, value) != ("styles", None)}
    for key, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        typer.echo(f"{typer.style(f'{key:<15}', bold=True)} {plain(text)}")


def facts_of(file: "ModelFile") -> dict[str, Any]:
    """Of a file that was read; a network of somebody else is run on noise, to learn which sizes it takes."""
    from fststyle.model.file import STRENGTH_NAME

    takes = _end(file, file.takes, None)
    return {
        "file": file.name,
        "bytes": len(file.data),
        "opset": file.opset,
        "input": {"name": file.input_name, **takes},
        "output": {"name": file.output_name, **_end(file, file.gives or file.takes, file.ends_in)},
        "feed": _feed(takes),
        "sides": _sides(file),
        "body": _body(file),
        "strength": f"an input, {STRENGTH_NAME}" if file.takes_strength else "a cross-fade",
        "card": None if file.card is None else dataclasses.asdict(file.card),
    }


def _body(file: "ModelFile") -> str | None:
    """The beginning of its fingerprint, which networks of one body have in common."""
    import onnx

    from fststyle.graph.style_numbers import body_of
    from fststyle.graph.style_tables import of_one_style

    body = body_of(of_one_style(onnx.ModelProto.FromString(file.data)))
    return None if body is None else body[:_SHOWN]


def _end(file: "ModelFile", form: "PictureForm", ends_in: str | None) -> dict[str, Any]:
    """Shape, type, layout and range of an input or an output, as they are in the graph; None where nobody knows."""
    batch, channels, height, width = ("free" if side is None else side for side in file.input_shape)
    known = "0..1" if file.card is not None else None
    return {
        "shape": [batch, height, width, channels] if form.channels_last else [batch, channels, height, width],
        "type": form.dtype,
        "layout": "NHWC" if form.channels_last else "NCHW",
        "channels": None if file.card is None else "RGB",
        "range": "0..255" if form.dtype == "uint8" else known or _RANGES.get(ends_in or ""),
    }


def _feed(takes: dict[str, Any]) -> str:
    names = ("batch", "3", "height", "width") if takes["layout"] == "NCHW" else ("batch", "height", "width", "3")
    sides = [name if side == "free" else str(side) for name, side in zip(names, takes["shape"], strict=True)]
    channels = takes["channels"] or "RGB or BGR"
    values = takes["range"] or "0..1, 0..255 or -1..1"
    return f"{takes['type']} {channels} in {values}, of shape ({', '.join(sides)})"


def _sides(file: "ModelFile") -> str:
    from fststyle.model.devices import ORT_ERRORS, open_session, reason
    from fststyle.runtime.fitting import Fitting
    from fststyle.runtime.network import Network

    height, width = file.input_shape[2:]
    if height and width:
        return f"{width}×{height} pixels only"
    free = "height" if width else "width" if height else "both"
    fixed = f"width {width}, " if width else f"height {height}, " if height else ""
    if file.card is not None:
        return f"{fixed}{free} free, from {file.card.min_side} pixels"
    try:
        multiple = Fitting(Network(file, open_session(file.data), "cpu", "rgb1", None)).least_multiple
    except (*ORT_ERRORS, ModelFileError) as error:
        return f"unknown, because it cannot be run ({reason(error)})"
    if multiple is None:
        return f"{fixed}{free} free, but it fails at multiples of 1 to 128 pixels"
    return f"{fixed}{free} free" + ("" if multiple == 1 else f", in multiples of {multiple} pixels")


def _unknown_layout(facts: dict[str, Any]) -> str:
    if (known := facts["output"]["range"]) is not None:
        layout = next(name for name, values in _RANGES.items() if values == known)
        return f", so its pixels may be RGB or BGR (--layout rgb{layout} or bgr{layout})"
    return ", so its pixels may be RGB or BGR in 0..1, 0..255 or -1..1 (--layout)"
