"""Instance norms whose statistics are known become part of the convolutions before them.

With a mean and a variance given, an instance norm multiplies every channel by a number and adds another. The
convolution before it does the same with other weights, at no cost. In 8 bits the weights keep their bytes; their scales
change. What was rounded before a norm and again behind it is rounded once, and residual blocks add bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph
from fststyle.graph.nodes import attribute, drop_unread, sort_nodes
from fststyle.graph.norms import Norm
from fststyle.graph.statistics import Statistics
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.graph.sums_of_bytes import Range, add_bytes

Floats = NDArray[np.floating[Any]]

# What a norm may give in 8 bits, in standard deviations of each channel; what lies farther out is cut off.
_REACH = 6.0

# A bias is stored in steps of input times weight, with 32 bits.
_MOST_STEPS = 2.0**30

# The parts of what a norm becomes: of a convolution in floats the first two, in bytes all.
_WEIGHT, _BIAS, _SCALE, _STEP = "weight", "bias", "scale", "step"


@dataclass(frozen=True)
class _Convolution:
    """Of constant weights.

    Attributes:
        output: What it gives.
        weight: (out, in, height, width), numbers or bytes.
        bias: A number for each channel.
        scale: Of bytes, one for each channel; None of numbers.
        step: Of the bytes that it reads.
    """

    output: str
    weight: NDArray[Any]
    bias: Floats
    scale: Floats | None
    step: float


@dataclass(frozen=True)
class _KnownNorm:
    """A norm and the convolution that it becomes part of.

    Attributes:
        convolution: That.
        between: What the nodes give that only change the form of its output: bytes, pixels of channels, numbers again.
        output: What the norm gives.
        repeats: How many channels of the convolution become one channel of the norm.
        gain: Of the norm, a number a channel.
        shift: Likewise.
        epsilon: Of the norm.
    """

    convolution: _Convolution
    between: tuple[str, ...]
    output: str
    repeats: int
    gain: Floats
    shift: Floats
    epsilon: float

    def named(self, part: str) -> str:
        """The initializer that holds a part of what the norm becomes."""
        return f"{self.output}/known_{part}"


class KnownNorms:
    """A network that waits for its statistics.

    Args:
        form: The network.

    Raises:
        ModelFileError: A norm stands behind something else than a convolution of constant weights.

    Attributes:
        data: The bytes of a model with the network's ends and without norms; `filled` puts in what it lacks.
    """

    def __init__(self, form: StatisticsForm) -> None:
        self._form = form
        self._norms = [_known_norm(form.graph, norm) for norm in form.norms]
        channels = sum(norm.channels for norm in form.norms)
        plain = Statistics(np.zeros(channels, np.float32), np.ones(channels, np.float32))
        model = onnx.ModelProto()
        model.CopyFrom(form.graph.model)
        del model.graph.value_info[:]
        ranges = {}
        for norm in self._norms:
            _leave_out(model.graph, norm)
            if norm.convolution.scale is not None:
                ranges[norm.convolution.output] = _range(norm)
        model.graph.initializer.extend(_tensors(self._values(plain)))
        add_bytes(model, ranges)
        sort_nodes(model)
        drop_unread(model.graph)
        self.data = bytes(model.SerializeToString())

    def filled(self, data: bytes, statistics: Statistics) -> bytes:
        """`data`, or another form of it, with the weights that these statistics make."""
        model = onnx.ModelProto.FromString(data)
        values = self._values(statistics)
        kept = [tensor for tensor in model.graph.initializer if tensor.name not in values]
        del model.graph.initializer[:]
        model.graph.initializer.extend([*kept, *_tensors(values)])
        return bytes(model.SerializeToString())

    def lie_in(self, data: bytes) -> bool:
        """Whether another form of `data` holds the weights under the same names, as `filled` needs it."""
        names = {tensor.name for tensor in onnx.ModelProto.FromString(data).graph.initializer}
        return all(norm.named(_WEIGHT) in names and norm.named(_BIAS) in names for norm in self._norms)

    def _values(self, statistics: Statistics) -> dict[str, NDArray[Any]]:
        values: dict[str, NDArray[Any]] = {}
        for number, norm in enumerate(self._norms):
            where = self._form.part(number)
            gain = norm.gain / np.sqrt(statistics.variance[where].astype(np.float64) + norm.epsilon)
            shift = norm.shift - statistics.mean[where] * gain
            parts = _folded(norm.convolution, *(np.repeat(each, norm.repeats) for each in (gain, shift)))
            values |= {norm.named(part): value for part, value in parts.items()}
        return values


def _folded(convolution: _Convolution, gain: Floats, shift: Floats) -> dict[str, NDArray[Any]]:
    """The parts of a convolution that gives `gain` times as much, and `shift` more."""
    bias = convolution.bias * gain + shift
    if convolution.scale is None:
        weight = convolution.weight * gain.reshape(-1, 1, 1, 1)
        return {_WEIGHT: weight.astype(np.float32), _BIAS: bias.astype(np.float32)}
    scale = convolution.scale * np.abs(gain)
    least = np.maximum(np.abs(bias) / (_MOST_STEPS * convolution.step), np.finfo(np.float32).tiny)
    # A channel of next to no contrast is all bias.
    signs = np.where(scale > least, np.sign(gain), 0).astype(np.int8)
    scale = np.maximum(scale, least).astype(np.float32)
    step = scale * np.float32(convolution.step)
    return {
        _WEIGHT: convolution.weight * signs.reshape(-1, 1, 1, 1),
        _SCALE: scale,
        _BIAS: np.rint(bias / step).astype(np.int32),
        _STEP: step,
    }


def _range(norm: _KnownNorm) -> Range:
    reach = _REACH * np.abs(norm.gain)
    return float((norm.shift - reach).min()), float((norm.shift + reach).max())


def _tensors(values: Mapping[str, NDArray[Any]]) -> list[TensorProto]:
    return [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in values.items()]


def _known_norm(graph: Graph, norm: Norm) -> _KnownNorm:
    makers = {name: node for node in graph.nodes for name in node.output}
    readers = graph.consumers()
    reader = makers.get(norm.output or "")
    gain, shift = (None, None) if reader is None else (graph.constant(reader, position) for position in (1, 2))
    between: list[str] = []
    repeats, name = 1, norm.source
    epsilon = 0.0 if reader is None else attribute(reader, "epsilon", 1e-5)
    while gain is not None and shift is not None and name in makers and readers[name] == [reader]:
        node = makers[name]
        if node.op_type == "Conv":
            found = _convolution(graph, node, makers)
            if found is not None:
                return _KnownNorm(found, tuple(between), str(norm.output), repeats, gain, shift, epsilon)
        if node.op_type == "DepthToSpace" and attribute(node, "mode", "DCR") == "CRD":
            repeats *= attribute(node, "blocksize") ** 2
        elif node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            break
        between.append(name)
        name, reader = node.input[0], node
    raise ModelFileError("a norm of this network stands behind something else than a convolution of its own")


def _convolution(graph: Graph, node: onnx.NodeProto, makers: Mapping[str, onnx.NodeProto]) -> _Convolution | None:
    """None if its weights or its bias are no constants, or those of a transposed one."""
    stored = [_stored(graph, name, makers) for name in node.input[1:]]
    if any(each is None or each[0].dtype == np.float16 for each in stored):
        return None
    (weight, scale), *biases = (each for each in stored if each is not None)
    bias = np.zeros(len(weight))
    for value, steps in biases:
        bias = value * (1.0 if steps is None else steps.astype(np.float64))
    if scale is None:
        return _Convolution(node.output[0], weight, bias, None, 1.0)
    source = makers.get(node.input[0])
    step = None if source is None or source.op_type != "DequantizeLinear" else graph.constant(source, 1)
    if step is None or step.size != 1:
        return None
    return _Convolution(node.output[0], weight, bias, np.broadcast_to(scale, len(weight)), float(step.item()))


def _stored(
    graph: Graph, name: str, makers: Mapping[str, onnx.NodeProto]
) -> tuple[NDArray[Any], NDArray[Any] | None] | None:
    """The numbers of a constant and None, or its bytes and their scale."""
    maker = makers.get(name)
    if maker is None:
        value = graph.constants.get(name)
        return None if value is None else (value, None)
    if maker.op_type != "DequantizeLinear":
        return None
    value, scale, zero = (graph.constant(maker, position) for position in range(3))
    if value is None or scale is None or (zero is not None and zero.any()):
        return None
    return value, scale


def _leave_out(graph: onnx.GraphProto, norm: _KnownNorm) -> None:
    """Take out a norm and the bytes before it, and let the convolution read what it becomes."""
    makers = {name: node for node in graph.node for name in node.output}
    name = norm.convolution.output
    for between in reversed(norm.between):
        node = makers[between]
        if node.op_type == "DepthToSpace":
            node.input[0], name = name, between
        else:
            graph.node.remove(node)
    graph.node.remove(makers[norm.output])
    for node in graph.node:
        node.input[:] = [name if read == norm.output else read for read in node.input]
    weight, bias = (norm.named(part) for part in (_WEIGHT, _BIAS))
    if norm.convolution.scale is not None:
        weight, bias = (_numbers_of(graph, of, norm.named(steps)) for of, steps in ((weight, _SCALE), (bias, _STEP)))
    convolution = makers[norm.convolution.output]
    convolution.input[:] = [convolution.input[0], weight, bias]


def _numbers_of(graph: onnx.GraphProto, stored: str, scale: str) -> str:
    """The name of what is stored, as numbers; their zero is none."""
    graph.node.append(helper.make_node("DequantizeLinear", [stored, scale], [f"{stored}/numbers"], axis=0))
    return f"{stored}/numbers"
