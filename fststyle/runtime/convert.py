"""From one network file to another: precision and pixels changed, the card kept."""

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import onnx

from fststyle import samples
from fststyle.errors import ImageError, ModelFileError
from fststyle.graph.byte_pixels import with_byte_pixels
from fststyle.graph.quantization import MULTIPLE, Converted, Pixels, Precision, convert
from fststyle.model.file import ModelSource, read_model, write_foreign_model, write_model
from fststyle.model.layouts import Layout, values_of
from fststyle.pictures.files import find_images, fit_longer_side, read_picture
from fststyle.runtime.fitting import Fitting
from fststyle.runtime.network import Network
from fststyle.system.entries import entry
from fststyle.system.file_kinds import Kind
from fststyle.system.files import refuse_inputs, refuse_other_kind
from fststyle.system.shell import for_shell
from fststyle.system.warn import warn

Io = Literal["float", "uint8"]

# More photos hardly widen the ranges any more, and each takes seconds.
_MOST_PHOTOS = 16
_SIDE = 256

# Networks of others do not say how small a picture they take.
_LEAST_SIDE = 24


def quantize(
    source: ModelSource,
    output: str | Path,
    *,
    precision: Precision = "int8",
    io: Io = "float",
    photos: str | Path | None = None,
    layout: Layout = "rgb1",
) -> Converted:
    """Read a network, change it, and write what is close enough to it.

    Args:
        source: A network, ours or someone else's: as for `Stylizer`.
        output: The file to write.
        precision: As `convert` says.
        io: "uint8" makes the graph take and give uint8 RGB, (batch, height, width, 3).
        photos: A folder of photos; None takes those of the package. At most 16 are used; one that
            is broken, or too narrow for the network, is left out with a warning.
        layout: Of a network that is not ours.

    Returns:
        The network that was written, and how far from the other one it is.

    Raises:
        ModelFileError: The network is broken, is not what can be converted, or does not come close enough; or there
            are no photos for it.
        FststyleError: The output is the network or a photo.
    """
    values_of(layout)
    for value, kind, name in ((precision, Precision, "precision"), (io, Io, "io")):
        if value not in get_args(kind):
            raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, not {value!r}")
    output = Path(output)
    found = samples.photos() if photos is None else find_images(Path(photos))
    model = read_model(source)
    refuse_inputs(output, model.path, *found)
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    if model.byte_pixels or model.is_quantized or (model.card is not None and model.card.precision != "fp32"):
        raise ModelFileError(f"{model.where} has been converted already; start from the network it was made from")
    if model.styles and precision != "fp32":
        raise ModelFileError(
            f"{model.where} has {len(model.styles)} styles, and {precision} is for one; take one out of it: fststyle "
            f"export {for_shell(model.where)} --mix {for_shell(entry(model.styles[0]))} --precision {precision}"
        )
    if model.takes.dtype == "float16" and precision != "fp32":
        raise ModelFileError(
            f"{model.where} computes on 16-bit floats already; start from its 32-bit form, or keep it with precision "
            "fp32"
        )
    multiple = math.lcm(Fitting(Network.load(model.path or model.data, "cpu", layout, None)).multiple, MULTIPLE)
    least = multiple * -(-_LEAST_SIDE // multiple)
    if model.card is not None:
        least = max(least, model.card.min_side)
    chosen = _read(found[:: max(1, -(-len(found) // _MOST_PHOTOS))], least, multiple)
    if not chosen:
        raise ModelFileError(f"{photos} holds no photos to compare on; name another folder")
    made = convert(model.data, precision, chosen, values_of(layout), multiple)
    graph = with_byte_pixels(made.model, values_of(layout)) if io == "uint8" else made.model
    if model.card is None:
        write_foreign_model(output, graph)
    else:
        foreign = onnx.ModelProto.FromString(model.data).metadata_props
        del graph.metadata_props[:]
        graph.metadata_props.extend(foreign)
        write_model(output, graph, replace(model.card, precision=precision))
    return made


def _read(paths: Iterable[Path], least: int, multiple: int) -> list[Pixels]:
    """The photos at the size they are compared at, without those whose shorter side is below `least` then."""
    photos = []
    for path in paths:
        try:
            photo = fit_longer_side(read_picture(path, min_side_hint=2 * _SIDE).to_paint(), _SIDE)
        except ImageError as error:
            warn(f"{error}; it is left out")
            continue
        if min(photo.shape[:2]) // multiple * multiple < least:
            height, width = photo.shape[:2]
            warn(f"{path} is left out: at {width}×{height} pixels too narrow for the network")
        else:
            photos.append(photo)
    return photos
