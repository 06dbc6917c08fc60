"""A network for one size of picture, in older operators, or with one strength, as other programs want it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.depth_order import depth_first
from fststyle.graph.fixed_size import at_size
from fststyle.graph.graph import Graph
from fststyle.graph.normal_form import opset_of
from fststyle.graph.opsets import in_opset
from fststyle.model.devices import ORT_ERRORS, open_session, reason
from fststyle.model.file import (
    STRENGTH_NAME,
    ModelFile,
    ModelSource,
    read_model,
    write_foreign_model,
    write_form,
)
from fststyle.model.layouts import Layout, Values, to_tensor, values_of
from fststyle.runtime.fitting import MULTIPLES
from fststyle.system.file_kinds import Kind
from fststyle.system.files import refuse_inputs, refuse_other_kind
from fststyle.system.memory import default_memory
from fststyle.system.ranges import in_range, shown

Order = Literal["crd", "dcr"]

# Of `DepthToSpace`; before it had one order.
_LEAST_CRD = 11

# On a range of 0..1; float32 sums in another order differ by about 1e-6.
_TOLERANCE = 1e-4

# Of 8-bit and 16-bit networks, where a value at the edge may be rounded to the other side.
_MIN_PSNR = 50.0

# What comparing takes; Johnson's network needs most, some 800 bytes.
_BYTES_A_PIXEL = 1000

# Sizes on which a form for any size is compared: odd ones, and what suits nearly any network of somebody else.
_COMPARED, _COMPARED_FOREIGN = ((64, 96), (97, 131)), ((128, 192),)


@dataclass(frozen=True)
class Form:
    """A network in another form.

    Attributes:
        model: Without metadata.
        opset: Version of its operators.
        difference: The largest between its paintings of noise and those of the network it was made from, on a range of
            0..1.
    """

    model: onnx.ModelProto
    opset: int
    difference: float


def export_form(
    source: ModelSource,
    output: str | Path,
    *,
    size: tuple[int, int] | None = None,
    opset: int | None = None,
    strength: float | None = None,
    order: Order = "crd",
    layout: Layout = "rgb1",
) -> Form:
    """Read a network, bring it into another form, and write that if it paints the same.

    Args:
        source: A network, ours or someone else's: as for `Stylizer`.
        output: The file to write.
        size: (width, height) in pixels, to make it a network for one picture of this size. None leaves sizes free.
        opset: Version of the operators, from 7 to the network's own, which None keeps.
        strength: From 0 to 1, to put it in the place of the network's input of this name. None leaves the input there.
        order: Of channels that become pixels: "crd" as PyTorch and ncnn have it, "dcr" as CoreML has it. Before opset
            11 it is always "dcr".
        layout: Of a network that is not ours.

    Raises:
        ModelFileError: The network is broken, does not take this size, has no such input, or needs operators that are
            not in this opset; the message names the lowest that would do.
        FststyleError: The output is the network.
        ValueError: An argument is out of its range.
    """
    output = Path(output)
    file = read_model(source)
    refuse_inputs(output, file.path)
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    if file.card is not None and layout != "rgb1":
        raise ValueError(f"{file.where} was made by fststyle, so its layout is rgb1, not {layout}")
    if order not in get_args(Order):
        raise ValueError(f"order must be one of {', '.join(get_args(Order))}, not {order!r}")
    values = values_of(layout)
    made = _formed(file, size, opset, strength, order)
    form = Form(made, opset_of(made), _compared(file, made, size, strength, values))
    del made.metadata_props[:]
    made.metadata_props.extend(onnx.ModelProto.FromString(file.data).metadata_props)
    if file.card is None:
        write_foreign_model(output, made)
    else:
        write_form(output, made, file.card)
    return form


def _formed(
    file: ModelFile, size: tuple[int, int] | None, opset: int | None, strength: float | None, order: Order
) -> onnx.ModelProto:
    graph = Graph.read(file.data)
    made = graph.model
    if strength is not None:
        _fix_strength(made, file, strength)
    if size is not None:
        width, height = size
        _check_size(file, width, height)
        controls = {value.name for value in made.graph.input} - {file.input_name}
        made = at_size(made, height, width, controls)
    if order == "dcr" or (opset is not None and opset < _LEAST_CRD):
        depth_first(made)
    return made if opset is None else in_opset(made, opset, file.where)


def _fix_strength(model: onnx.ModelProto, file: ModelFile, strength: float) -> None:
    if not in_range(strength, 0, 1):
        raise ValueError(f"strength must lie in 0..1, not {shown(strength)}")
    if not file.takes_strength:
        raise ModelFileError(
            f"{file.where} has no input for the strength; leave it out, or train one with --model.strength true"
        )
    inputs = [value for value in model.graph.input if value.name != STRENGTH_NAME]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for tensor in model.graph.initializer:
        if tensor.name == STRENGTH_NAME:
            tensor.CopyFrom(numpy_helper.from_array(np.full(1, strength, np.float32), STRENGTH_NAME))


def _check_size(file: ModelFile, width: int, height: int) -> None:
    least = 1 if file.card is None else file.card.min_side
    if min(width, height) < least:
        raise ModelFileError(f"{file.where} takes pictures from {least}×{least} pixels, not {width}×{height}")
    needed, free = width * height * _BYTES_A_PIXEL, 2 * default_memory()
    if needed > free:
        raise ModelFileError(
            f"comparing pictures of {width}×{height} pixels takes about {needed / 1e9:.0f} GB, and {free / 1e9:.1f} GB "
            "are free; choose a smaller size"
        )
    fixed_height, fixed_width = file.input_shape[2:]
    if fixed_height not in (None, height) or fixed_width not in (None, width):
        raise ModelFileError(
            f"{file.where} is for pictures of {fixed_width or 'any'}×{fixed_height or 'any'} pixels already; start "
            "from the network it was made from"
        )


def _compared(
    file: ModelFile,
    made: onnx.ModelProto,
    size: tuple[int, int] | None,
    strength: float | None,
    values: Values,
) -> float:
    """How far the paintings of the two are apart; raises an error where that is more than rounding."""
    worst = 0.0
    free = _COMPARED if file.card is not None else _COMPARED_FOREIGN
    for height, width in free if size is None else (size[::-1],):
        tall, wide = (have or side for have, side in zip(file.input_shape[2:], (height, width), strict=True))
        noise = np.random.default_rng(0).integers(0, 256, (tall, wide, 3), np.uint8)
        content = to_tensor(noise, values, file.takes.dtype, channels_last=file.takes.channels_last)
        told = {} if strength is None else {STRENGTH_NAME: np.full(1, strength, np.float32)}
        expected = _painted(file, file.data, {file.input_name: content, **told})
        got = _painted(file, made.SerializeToString(), {file.input_name: content})
        if expected.shape != got.shape or expected.shape != content.shape:
            raise ModelFileError(_misfit(file, wide, tall))
        scale = 255.0 if file.byte_pixels else values.white - values.black
        errors = np.abs(got - expected) / scale
        worst = max(worst, float(errors.max()))
        exact = not file.is_quantized and file.takes.dtype == "float32" and _in_fp32(file)
        mean = float(np.square(errors).mean())
        close = worst <= _TOLERANCE if exact else not mean or -10 * math.log10(mean) >= _MIN_PSNR
        if not close:
            raise ModelFileError(
                f"{file.where} in this form paints {worst:.1e} away from itself at {wide}×{tall}, so it was not kept; "
                "try another size or opset, and report this with your versions of onnx and onnxruntime"
            )
    return worst


def _in_fp32(file: ModelFile) -> bool:
    return file.card is None or file.card.precision == "fp32"


def _painted(file: ModelFile, data: bytes, feeds: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    try:
        (answer,) = open_session(data).run([file.output_name], feeds)
    except ORT_ERRORS as error:
        height, width = _sides(file, next(iter(feeds.values())))
        raise ModelFileError(f"{_misfit(file, width, height)} (onnxruntime: {reason(error)})") from error
    return np.asarray(answer, np.float64)


def _sides(file: ModelFile, content: NDArray[Any]) -> tuple[int, int]:
    height, width = content.shape[1:3] if file.takes.channels_last else content.shape[2:]
    return height, width


def _misfit(file: ModelFile, width: int, height: int) -> str:
    """What to say of a size that a network does not take; those near by that are round are worth a try."""
    block = next(side for side in sorted(MULTIPLES) if side >= 32)
    wide, tall = (max(block, side // block * block) for side in (width, height))
    return f"{file.where} does not keep {width}×{height} pixels; try --size {wide}x{tall}"
