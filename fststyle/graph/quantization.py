"""Converting a network to 8-bit integers or 16-bit floats.

The result is compared with the original network on photos, and returned only if it is close.
"""

import logging
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.byte_moves import move_bytes, round_once
from fststyle.graph.graph import Graph
from fststyle.graph.late_pixels import with_late_pixels
from fststyle.graph.nodes import sort_nodes
from fststyle.graph.normal_form import LEAST_OPSET
from fststyle.model.checks import require_form, shape_of
from fststyle.model.devices import ORT_ERRORS, open_session, reason
from fststyle.model.layouts import Values, to_tensor
from fststyle.pictures.files import resize

Precision = Literal["fp32", "fp16", "int8"]
Pixels = NDArray[np.uint8]

MIN_PSNR = 36.0
"""Decibels between the paintings of the two networks, on a range of 0..1 and over all photos."""

MOST_LOST = 1.0
"""Decibels that the last convolution may cost in 8 bits. In floats it takes up to a fifth of a network's time."""

MULTIPLE = 8
"""Photos are cut to sides that are a multiple of it, unless a network needs a larger one."""

UNIT = Values()

_FLOAT16_BLOCKED = ("InstanceNormalization", "Resize", "ReduceMean", "Shape", "Slice")


@dataclass(frozen=True)
class Converted:
    """A network in another form.

    Attributes:
        model: Without metadata.
        psnr: Against the network it was made from, in decibels; infinite if nothing differs.
        kept: How many convolutions but the first and the last were left in floats, so that it is close enough.
    """

    model: onnx.ModelProto
    psnr: float
    kept: int = 0


def convert(
    data: bytes, precision: Precision, photos: Sequence[Pixels], values: Values = UNIT, multiple: int = MULTIPLE
) -> Converted:
    """Change the precision of a network that takes and gives floats.

    Args:
        data: Of an ONNX file that `read_model` accepts.
        precision: "int8": convolutions in 8 bits, weights by channel (QDQ), all but the first, and the last where
            that costs more than `MOST_LOST`; everything else, instance norms above all, stays float. Where that is not
            close enough, those that stray most by themselves stay float, too, up to a half. Seven bits of the
            weights' eight are used, because processors without VNNI add products of eight with saturation. "fp16":
            weights and most activations as 16-bit floats. "fp32": as it was.
        photos: (H, W, 3) to learn ranges from and to compare on.
        values: What the network computes on.
        multiple: The photos' free sides are cut to multiples of so many pixels; to fixed ones they are resized.

    Raises:
        ModelFileError: What came of it is less than `MIN_PSNR` away, or onnxruntime cannot make or run it.
        ValueError: No photos were given.
    """
    if not photos:
        raise ValueError("at least one photo is needed to compare on")
    graph = Graph.read(with_late_pixels(data, norms=False) if precision == "int8" else data)
    if graph.opset < LEAST_OPSET:
        raise ModelFileError(
            f"the network has opset {graph.opset}, which onnx cannot bring to {LEAST_OPSET}; export it again with "
            f"opset {LEAST_OPSET} or newer"
        )
    contents = [_content(photo, graph, values, multiple) for photo in photos]
    judge = _Judge(data, graph.output_name, contents, values)
    if precision == "int8":
        made = _to_int8(graph, contents, judge)
    else:
        made = judge(graph.model if precision == "fp32" else _to_float16(graph))
    if not made.psnr >= MIN_PSNR:
        raise ModelFileError(
            f"in {precision} the network paints {made.psnr:.1f} dB away from itself, below {MIN_PSNR:.0f}; "
            "calibrate on photos like yours, or keep more precision"
        )
    return made


def _content(photo: Pixels, graph: Graph, values: Values, multiple: int) -> NDArray[Any]:
    """A photo as the network takes it."""
    takes = require_form(graph.model.graph.input[0])
    shape = shape_of(graph.model.graph.input[0])
    fixed = shape[1:3] if takes.channels_last else shape[2:]
    height, width = (side or have // multiple * multiple for side, have in zip(fixed, photo.shape[:2], strict=True))
    cut = resize(photo, height, width) if any(fixed) else photo[:height, :width]
    return to_tensor(cut, values, takes.dtype, channels_last=takes.channels_last)


def _to_float16(graph: Graph) -> onnx.ModelProto:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    made: onnx.ModelProto = convert_float_to_float16(
        graph.model, keep_io_types=True, op_block_list=list(_FLOAT16_BLOCKED)
    )
    sort_nodes(made)
    return made


def _to_int8(graph: Graph, contents: Sequence[NDArray[Any]], judge: "_Judge") -> Converted:
    """Quantize; keep the worst convolutions in float (at most half) until the PSNR is met."""
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch, "prepared.onnx")
        convolutions = _prepare(graph, prepared)
        ends = [convolutions[0], convolutions[-1]] if len(convolutions) > 2 else []
        inner = [name for name in convolutions if name not in ends]

        def made(floats: Sequence[str]) -> Converted:
            return judge(_quantized(prepared, _Reader(graph.input_name, contents), floats))

        best = made(ends)
        if best.psnr >= MIN_PSNR:
            # The first one stays: three channels of floats are no slower to convolve than to turn into bytes.
            whole = made(ends[:1]) if ends else best
            return whole if whole.psnr >= max(MIN_PSNR, best.psnr - MOST_LOST) else best
        if len(inner) < 2:
            return best
        alone = {name: made([other for other in convolutions if other != name]).psnr for name in inner}
        straying = sorted(inner, key=alone.__getitem__)[: len(inner) // 2]
        for kept in range(1, len(straying) + 1):
            best = replace(made([*ends, *straying[:kept]]), kept=kept)
            if best.psnr >= MIN_PSNR:
                break
    return best


def _prepare(graph: Graph, target: Path) -> list[str]:
    """Write the network as the quantizer wants it; returns the names of its convolutions."""
    # It takes a third of a second to import, and pandas with it where that is installed.
    from onnxruntime.quantization.shape_inference import quant_pre_process

    plain = target.with_name("plain.onnx")
    plain.write_bytes(_named(graph.model).SerializeToString())
    with _quantizing():
        quant_pre_process(plain, target, skip_symbolic_shape=True)
    return [node.name for node in onnx.load(target).graph.node if node.op_type == "Conv"]


def _quantized(prepared: Path, reader: "_Reader", floats: Sequence[str]) -> onnx.ModelProto:
    """With the convolutions of these names left in floats."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    made = prepared.with_name("made.onnx")
    with _quantizing():
        quantize_static(
            prepared,
            made,
            reader,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=list(floats),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
    model = onnx.load(made)
    move_bytes(model)
    round_once(model)
    # The optimizer notes every domain that it knows, needed or not.
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:], model.metadata_props[:], model.graph.value_info[:]
    model.opset_import.extend(kept)
    model.producer_name = model.producer_version = ""
    return model


@contextmanager
def _quantizing() -> Iterator[None]:
    """The quantizer of onnxruntime without its advice, and with errors of ours."""
    quiet = logging.getLogger()
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    onnxruntime.set_default_logger_severity(4)  # the quantizer opens sessions of its own
    try:
        yield
    except (*ORT_ERRORS, TypeError) as error:
        raise ModelFileError(f"onnxruntime cannot quantize this network ({reason(error)}); export it again") from error
    finally:
        onnxruntime.set_default_logger_severity(2)  # its default; it does not tell what it was
        quiet.setLevel(level)


def _named(model: onnx.ModelProto) -> onnx.ModelProto:
    """Every node with a name of its own, which the quantizer goes by."""
    named = onnx.ModelProto()
    named.CopyFrom(model)
    for number, node in enumerate(named.graph.node):
        node.name = f"{node.op_type.lower()}_{number}"
    return named


class _Reader:
    """Photos, one after the other, as onnxruntime's calibration asks for them."""

    def __init__(self, name: str, contents: Iterable[NDArray[Any]]) -> None:
        self._name = name
        self._rest: Iterator[NDArray[Any]] = iter(contents)

    def get_next(self) -> dict[str, Any] | None:
        """The next photo, None after the last."""
        content = next(self._rest, None)
        return None if content is None else {self._name: content}


class _Judge:
    """Compares what became of a network with what that painted, once for all."""

    def __init__(self, data: bytes, output: str, contents: Sequence[NDArray[Any]], values: Values) -> None:
        self._output = output
        self._contents = contents
        self._values = values
        self._originals = list(self._paint(data))

    def __call__(self, model: onnx.ModelProto) -> Converted:
        """The model, and how close it comes."""
        errors = [
            float(np.square(one.astype(np.float64) - other).mean())
            for one, other in zip(self._originals, self._paint(model.SerializeToString()), strict=True)
        ]
        mean = float(np.mean(errors))
        return Converted(model, math.inf if mean == 0 else -10 * math.log10(mean))

    def _paint(self, data: bytes) -> Iterator[NDArray[np.float32]]:
        try:
            session = open_session(data)
            name = session.get_inputs()[0].name
            for content in self._contents:
                answer = session.run([self._output], {name: content})[0].astype(np.float32)
                yield np.clip((answer - self._values.black) / (self._values.white - self._values.black), 0, 1)
        except ORT_ERRORS as error:
            raise ModelFileError(
                f"onnxruntime cannot run this network, or what became of it ({reason(error)}); choose other photos, or "
                "export it again"
            ) from error
