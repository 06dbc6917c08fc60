"""Several networks of one body in one file, and one style out of such a file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.style_numbers import body_of
from fststyle.graph.style_tables import of_one_style, with_styles
from fststyle.model.card import ModelCard
from fststyle.model.devices import ORT_ERRORS, open_session, reason
from fststyle.model.file import STYLE_NAME, ModelFile, ModelSource, read_model, write_form
from fststyle.model.layouts import Values, to_tensor
from fststyle.runtime.mixture import MAKE_ANEW, common_card, predicted_apart
from fststyle.system.entries import entry
from fststyle.system.file_kinds import Kind
from fststyle.system.files import named_twice, refuse_inputs, refuse_other_kind
from fststyle.system.shell import for_shell
from fststyle.system.utf8 import utf8

# On a range of 0..1. The same numbers go through the same nodes, so hardly anything differs. Where the network rounds,
# to bytes or to 16 bits, it may be a gray level.
_TOLERANCE, _ROUNDED = 1e-4, 1 / 250

# Of a network for any size.
_COMPARED = (64, 96)

_PAINTINGS = "paintings"
"""Entry of the recipe with the painting of every style."""


@dataclass(frozen=True)
class _Style:
    """One style, as a network of its own."""

    name: str
    painting: str | None
    model: onnx.ModelProto
    file: ModelFile


def export_styles(sources: Sequence[ModelSource], output: str | Path) -> ModelCard:
    """Write networks of one body as one network with an input `style`, float32 (styles,), that weighs their styles.

    The weights are used as they are, so they should have a sum of 1. The first style is the default. Every style is
    compared with its network before the file is kept.

    Args:
        sources: At least two networks of ours, as for `Stylizer`. One of several styles gives all that it has.
        output: The file to write.

    Returns:
        The card of the file, which names the styles in their order.

    Raises:
        ModelFileError: A network is broken, was not made by fststyle, or has another body than the first; two styles
            have the same name; or the file cannot be written.
        FststyleError: The output is one of the networks.
    """
    output = Path(output)
    files = [read_model(source) for source in sources]
    refuse_inputs(output, *(file.path for file in files))
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    _check_bodies(files)
    styles = [style for file in files for style in _apart(file)]
    if len(styles) < 2:
        raise ModelFileError("a file of several styles is made of at least two networks; name another one")
    styles = _named(styles)
    made = with_styles([style.model for style in styles])
    for place, style in enumerate(styles):
        _compare(made, np.eye(len(styles), dtype=np.float32)[place], style)
    card = common_card([file.card for file in files if file.card is not None], output.stem)
    paintings = {style.name: style.painting for style in styles}
    card = replace(card, styles=[style.name for style in styles], recipe=card.recipe | {_PAINTINGS: paintings})
    return write_form(output, made, card)


def export_mix(source: ModelSource, output: str | Path, weights: NDArray[np.float32]) -> ModelCard:
    """Write one style, or a mixture, of a network of several as a network of its own.

    Args:
        source: A network of several styles.
        output: The file to write.
        weights: Of each of its styles, with a sum of 1.

    Raises:
        ModelFileError: The file is broken, or cannot be written.
        FststyleError: The output is the network.
    """
    output = Path(output)
    file = read_model(source)
    refuse_inputs(output, file.path)
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    model = onnx.ModelProto.FromString(file.data)
    made = of_one_style(model, [float(weight) for weight in weights])
    chosen = [style for style, weight in zip(_apart(file), weights, strict=True) if weight]
    name = "+".join(style.name for style in chosen)
    painting = "; ".join(style.painting for style in chosen if style.painting) or None
    _compare(model, weights, _Style(name, painting, made, file))
    card = common_card([file.card] if file.card is not None else [], name)
    card.recipe.pop(_PAINTINGS, None)
    return write_form(output, made, replace(card, painting=painting))


def _apart(file: ModelFile) -> list[_Style]:
    """The styles of a file as networks of their own."""
    model = onnx.ModelProto.FromString(file.data)
    card = file.card
    if card is None:
        raise ModelFileError(f"{file.where} was not made by fststyle; leave it out")
    if not file.styles:
        return [_Style(card.style, card.painting, of_one_style(model), file)]
    noted = card.recipe.get(_PAINTINGS)
    paintings = {
        name: painting
        for name, painting in (noted.items() if isinstance(noted, dict) else ())
        if isinstance(painting, str)
    }
    return [
        _Style(name, paintings.get(name), of_one_style(model, list(own)), file)
        for name, own in zip(file.styles, np.eye(len(file.styles)), strict=True)
    ]


def _check_bodies(files: Sequence[ModelFile]) -> None:
    bodies = [body_of(of_one_style(onnx.ModelProto.FromString(file.data))) for file in files]
    for file, body in zip(files, bodies, strict=True):
        if body is None:
            kind = "computes on 8-bit integers" if file.is_quantized else "has no instance norms with gains and shifts"
            raise ModelFileError(f"{file.where} {kind}, so its style cannot be told from its body; leave it out")
        if body != bodies[0]:
            remedy = "leave it out, or mix their paintings with --blend"
            if predicted_apart([files[0], file]):
                remedy = f"they were predicted by two versions of fststyle: {MAKE_ANEW}"
            raise ModelFileError(
                f"{file.where} has another body than {files[0].where} (`fststyle info` tells), so they cannot share a "
                f"file; {remedy}"
            )


def _named(styles: Sequence[_Style]) -> list[_Style]:
    """With the names of their files, which people know; where two are the same, with those of their cards."""
    stems = [
        style.name if style.file.styles or style.file.path is None else utf8(Path(style.file.name).stem).decode()
        for style in styles
    ]
    told = [
        replace(style, name=stem) if stems.count(stem) == 1 else style
        for style, stem in zip(styles, stems, strict=True)
    ]
    name, times = Counter(style.name for style in told).most_common(1)[0]
    if times > 1:
        raise ModelFileError(_told_twice([style.file for style in told if style.name == name], name))
    return told


def _told_twice(files: Sequence[ModelFile], name: str) -> str:
    """What to say of several styles of one name."""
    paths = [file.path for file in files if file.path is not None]
    if (twice := named_twice(paths)) is not None:
        return f"{twice} is named twice; leave one out"
    said = f"{len(files)} of the styles are called {name}"
    if not paths:
        return f"{said}; leave one out"
    if any(not file.styles for file in files):  # it is called as its file is
        return f"{said}; rename a file, or leave one out"
    return (
        f"{said}; take one out under another name: fststyle export {for_shell(paths[-1])} other.onnx --mix "
        f"{for_shell(entry(name))}"
    )


def _compare(made: onnx.ModelProto, weights: NDArray[np.float32], style: _Style) -> None:
    """Raises an error where a network paints something else at these weights than the style's own."""
    file = style.file
    height, width = (have or side for have, side in zip(file.input_shape[2:], _COMPARED, strict=True))
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    content = to_tensor(noise, Values(), file.takes.dtype, channels_last=file.takes.channels_last)
    feeds = {file.input_name: content}
    try:
        (expected,) = open_session(style.model.SerializeToString()).run([file.output_name], feeds)
        (got,) = open_session(made.SerializeToString()).run([file.output_name], feeds | {STYLE_NAME: weights})
    except ORT_ERRORS as error:
        raise ModelFileError(f"{file.where} cannot be run by onnxruntime ({reason(error)}); export it again") from error
    apart = float(np.abs(np.asarray(got, np.float32) - np.asarray(expected, np.float32)).max())
    apart /= 255 if file.byte_pixels else 1
    rounds = file.byte_pixels or (file.card is not None and file.card.precision != "fp32")
    if not apart <= (_ROUNDED if rounds else _TOLERANCE):
        raise ModelFileError(
            f"with several styles {style.name} is painted {apart:.1e} away from {file.where}, so the file was not "
            "kept; report this with your versions of onnx and onnxruntime"
        )
