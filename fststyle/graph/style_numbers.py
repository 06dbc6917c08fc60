"""A style as a few hundred numbers of a network: the gains and shifts of its instance norms, and its last bias.

Networks that differ in nothing else share one *body*. Their numbers can be exchanged and mixed (Dumoulin 2017).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.model.checks import shape_of
from fststyle.model.file import QUANTIZING

Numbers = dict[str, NDArray[np.float32]]
"""By the name of the initializer, in the order in which the network uses them: (channels,) each, or (2, channels) for
what a strength multiplies."""

_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16}


def style_numbers(model: onnx.ModelProto) -> Numbers:
    """Read the style of a network.

    Raises:
        ModelFileError: It has none that could be exchanged: no instance norms with gains and shifts as initializers, or
            8-bit numbers, whose ranges belong to the style, too.
    """
    found = {tensor.name: tensor for tensor in model.graph.initializer}
    names = _names(model.graph)
    if not names:
        raise ModelFileError(
            "this network has no style that could be exchanged: that takes instance norms with gains and shifts, and "
            "16-bit or 32-bit floats"
        )
    return {name: numpy_helper.to_array(found[name]).astype(np.float32) for name in names}


def with_numbers(model: onnx.ModelProto, numbers: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """A copy with other numbers, as `style_numbers` gives them.

    Raises:
        ModelFileError: As `style_numbers`.
        ValueError: They are not those of this network.
    """
    own = {name: values.shape for name, values in style_numbers(model).items()}
    if {name: values.shape for name, values in numbers.items()} != own:
        raise ValueError("these numbers are of another network; take them from one with the same body")
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for tensor in made.graph.initializer:
        if tensor.name in numbers:
            kind = numpy_helper.to_array(tensor).dtype
            tensor.CopyFrom(numpy_helper.from_array(numbers[tensor.name].astype(kind), tensor.name))
    return made


def mixed(models: Sequence[onnx.ModelProto], weights: Sequence[float]) -> onnx.ModelProto:
    """One network of the body that all share, with the weighted sum of their numbers.

    Args:
        models: At least one; all share a body.
        weights: Of each; they are used as they are.
    """
    all_numbers = [style_numbers(model) for model in models]
    summed = [
        sum(weight * values.astype(np.float64) for weight, values in zip(weights, each, strict=True))
        for each in zip(*(numbers.values() for numbers in all_numbers), strict=True)
    ]
    return with_numbers(
        models[0], {name: np.asarray(values, np.float32) for name, values in zip(all_numbers[0], summed, strict=True)}
    )


def same_body(first: onnx.ModelProto, second: onnx.ModelProto) -> bool:
    """Whether two networks differ in their numbers only."""
    body = body_of(first)
    return body is not None and body == body_of(second)


def body_of(model: onnx.ModelProto) -> str | None:
    """Fingerprint of all but the numbers, in hexadecimal; None if the network has no style that could be exchanged.

    What tensors and nodes are called makes no difference: exporters choose other names in every version.
    """
    numbers = _names(model.graph)
    if not numbers:
        return None
    digest = hashlib.sha256()
    for part in _described(model, numbers):
        digest.update(part + b"\0")
    return digest.hexdigest()


def _described(model: onnx.ModelProto, numbers: Sequence[str]) -> Iterator[bytes]:
    """Opsets, ends and nodes of a network, its tensors by their place and its constants by their values."""
    graph = model.graph
    constants = {tensor.name: _constant(tensor, numbers) for tensor in graph.initializer}
    made = [name for node in graph.node for name in node.output if name]
    called = {"": ""} | constants | {name: f"tensor {place}" for place, name in enumerate(made)}
    called |= {name: f"number {place} {constants[name]}" for place, name in enumerate(numbers)}
    inputs = [value for value in graph.input if value.name not in numbers]
    called |= {value.name: f"input {value.name}" for value in inputs}
    yield repr(sorted((entry.domain, entry.version) for entry in model.opset_import)).encode()
    for value in (*inputs, *graph.output):
        yield repr((called.get(value.name), value.type.tensor_type.elem_type, shape_of(value))).encode()
        yield constants.get(value.name, "").encode()  # its default
    for node in graph.node:
        yield repr(
            (node.domain, node.op_type, [called.get(name, name) for name in node.input], len(node.output))
        ).encode()
        for entry in sorted(node.attribute, key=lambda entry: entry.name):
            yield entry.SerializeToString(deterministic=True)


def _constant(tensor: onnx.TensorProto, numbers: Sequence[str]) -> str:
    values = b"" if tensor.name in numbers else numpy_helper.to_array(tensor).tobytes()
    return f"{tensor.data_type} {list(tensor.dims)} {hashlib.sha256(values).hexdigest()}"


def _names(graph: onnx.GraphProto) -> list[str]:
    """Initializers that hold the numbers; none if the norms have none, or the network is quantized."""
    if any(node.op_type in QUANTIZING for node in graph.node):
        return []
    makers = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    inputs = {value.name for value in graph.input}
    names: list[str] = []
    for node in graph.node:
        if node.op_type == "InstanceNormalization":
            for name in node.input[1:]:
                names += _behind(name, makers, constants, inputs)
    if not names:
        return []
    for node in [node for node in graph.node if node.op_type == "Conv"][-1:]:
        names += [name for name in node.input[2:] if name in constants]
    return list(dict.fromkeys(names))


def _behind(
    name: str, makers: Mapping[str, onnx.NodeProto], constants: Mapping[str, onnx.TensorProto], inputs: set[str]
) -> list[str]:
    """The vectors of floats that a gain or a shift is computed from; none if a picture is among what it depends on."""
    found, waiting, seen = [], [name], {name}
    while waiting:
        tensor = waiting.pop()
        if tensor in makers:
            behind = [other for other in makers[tensor].input if other and other not in seen]
            waiting += reversed(behind)
            seen.update(behind)
        elif tensor not in constants:
            return []
        elif (
            constants[tensor].dims
            and constants[tensor].data_type in _FLOATS
            and (tensor == name or tensor not in inputs)
        ):
            found.append(tensor)
    return found
