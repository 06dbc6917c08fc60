"""A network in older operators, for programs that do not know those of today.

Where an operator has only got more types since, nothing has to change. Where it has got another form, what was an input
becomes an attribute again. What comes of it must pass ONNX's own checker; whether it still computes the same, whoever
calls this finds out by running it.
"""

from collections.abc import Callable

import onnx
from onnx import helper
from onnx.defs import SchemaError, get_schema

from fststyle.errors import ModelFileError
from fststyle.graph.normal_form import opset_of
from fststyle.graph.older_forms import FORMS, Older, TooOldError
from fststyle.system.ranges import is_whole, shown

LOWEST_OPSET = 7
"""The oldest that onnxruntime runs."""

# From 4 on, weights need not be listed among the inputs.
_LOWEST_IR = 4


def in_opset(model: onnx.ModelProto, opset: int, name: str) -> onnx.ModelProto:
    """The same network in the operators of `opset`; `name` stands in messages.

    Args:
        model: With known shapes where `Resize` is to become older than opset 11.
        opset: From `LOWEST_OPSET` to the network's own.
        name: Of the network.

    Raises:
        ValueError: It is out of this range.
        ModelFileError: An operator does not exist in it; the message names the lowest opset that would do.
    """
    own = opset_of(model)
    if not is_whole(opset, LOWEST_OPSET, own):
        raise ValueError(f"opset must lie in {LOWEST_OPSET}..{own}, the network's own, not {shown(opset)}")
    try:
        return _lowered(model, opset)
    except TooOldError as error:
        culprit = error
    for higher in range(opset + 1, own + 1):
        try:
            _lowered(model, higher)
        except TooOldError:
            continue
        raise ModelFileError(f"{name} needs {culprit}, so opset {opset} is too low; the lowest is {higher}")
    raise ModelFileError(f"{name} needs {culprit}, so it cannot be written in opset {opset}; leave the opset out")


def _lowered(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Raises TooOldError where an operator does not exist in this opset."""
    made = onnx.shape_inference.infer_shapes(model)  # a copy; the checker wants the output's shape
    older = Older(made, opset)
    nodes: list[onnx.NodeProto] = []
    for node in made.graph.node:
        form: Callable[[Older, onnx.NodeProto], list[onnx.NodeProto]] | None = FORMS.get(node.op_type)
        if form is not None:
            nodes.extend(form(older, node))
        else:
            nodes.append(node)
    for node in nodes:
        _leave_defaults_out(node, opset_of(model), opset)
    del made.graph.node[:], made.opset_import[:]
    made.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input} | {value.name for value in made.graph.input}
    constants = [tensor for tensor in made.graph.initializer if tensor.name in used]
    del made.graph.initializer[:]
    made.graph.initializer.extend(constants)
    made.opset_import.append(helper.make_opsetid("", opset))
    made.ir_version = max(_LOWEST_IR, helper.find_min_ir_version_for(list(made.opset_import)))
    try:
        onnx.checker.check_model(made, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise TooOldError(_operator_of(error)) from error
    return made


def _leave_defaults_out(node: onnx.NodeProto, own: int, opset: int) -> None:
    """Attributes that the older operator does not know, if they say what it does anyway."""
    try:
        ours = get_schema(node.op_type, own, "")
        theirs = get_schema(node.op_type, opset, "")
    except SchemaError as error:
        raise TooOldError(node.op_type) from error
    for entry in list(node.attribute):
        if entry.name in theirs.attributes or entry.name not in ours.attributes:
            continue
        default = ours.attributes[entry.name].default_value
        if helper.get_attribute_value(entry) != helper.get_attribute_value(default):
            raise TooOldError(f"{node.op_type} with {entry.name}")
        node.attribute.remove(entry)


def _operator_of(error: Exception) -> str:
    """The operator that ONNX's checker complains about."""
    said = " ".join(str(error).split())
    for mark in ("op_type:", "for operator "):
        if mark in said:
            return said.partition(mark)[2].split(",")[0].split()[0].strip("'\"()")
    return f"something newer ({said[:80]})"
