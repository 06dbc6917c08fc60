"""One network of several styles: their numbers as tables, and an input that weighs them.

The numbers of all styles lie in one table for each gain, shift and bias. At its head the graph multiplies the weights
by every table, and what comes of it has the name of the initializer that was there. So all other nodes are those of
the body.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.nodes import attribute
from fststyle.graph.style_numbers import style_numbers
from fststyle.model.file import STYLE_NAME

_TABLE = "styles/"


def with_styles(models: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """A network with an input `style`, float32 (styles,), that weighs the styles of several; the first is the default.

    Args:
        models: They share a body.
    """
    made = onnx.ModelProto()
    made.CopyFrom(models[0])
    graph = made.graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    own, *others = (style_numbers(model) for model in models)
    heads: list[onnx.NodeProto] = []
    tables = {STYLE_NAME: np.eye(len(models), dtype=np.float32)[0]}
    for name, *values in zip(own, own.values(), *(other.values() for other in others), strict=True):
        # (styles, channels); of what a strength multiplies (2, styles, channels), as MatMul wants it.
        tables[_TABLE + name] = np.stack(values, axis=-2)
        if kinds[name] == TensorProto.FLOAT:
            heads.append(helper.make_node("MatMul", [STYLE_NAME, _TABLE + name], [name]))
        else:
            heads.append(helper.make_node("MatMul", [STYLE_NAME, _TABLE + name], [f"{_TABLE}{name}/floats"]))
            heads.append(helper.make_node("Cast", [f"{_TABLE}{name}/floats"], [name], to=kinds[name]))
    _exchange(graph, heads, set(own), tables)
    graph.input.append(helper.make_tensor_value_info(STYLE_NAME, TensorProto.FLOAT, [len(models)]))
    return made


def of_one_style(model: onnx.ModelProto, weights: Sequence[float] | None = None) -> onnx.ModelProto:
    """The network without the input `style` that a network of several styles is at these weights.

    Args:
        model: A network of one style is given back as it is.
        weights: As the input; None is the default.

    Raises:
        ModelFileError: A table has not a row for each style.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    heads = [node for node in model.graph.node if node.op_type == "MatMul" and node.input[0] == STYLE_NAME]
    if not heads or not {STYLE_NAME, *(head.input[1] for head in heads)} <= constants.keys():
        return model
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    style = np.asarray(constants[STYLE_NAME] if weights is None else weights, np.float64)
    numbers: dict[str, NDArray[np.generic]] = {}
    casts = {node.input[0]: node for node in graph.node if node.op_type == "Cast"}
    for head in heads:
        table = constants[head.input[1]].astype(np.float64)
        if table.ndim < 2 or table.shape[-2:-1] != style.shape:
            raise ModelFileError("the tables of this network do not have a row for each style; export it again")
        values = style @ table
        cast = casts.get(head.output[0])
        kind = TensorProto.FLOAT if cast is None else attribute(cast, "to", TensorProto.FLOAT)
        numbers[(head if cast is None else cast).output[0]] = values.astype(helper.tensor_dtype_to_np_dtype(kind))
    kept = [node for node in graph.node if node.output[0] not in numbers and node.input[:1] != [STYLE_NAME]]
    del graph.node[:]
    _exchange(graph, kept, {STYLE_NAME, *(head.input[1] for head in heads)}, numbers)
    inputs = [value for value in graph.input if value.name != STYLE_NAME]
    del graph.input[:]
    graph.input.extend(inputs)
    return made


def _exchange(
    graph: onnx.GraphProto, first: Sequence[onnx.NodeProto], gone: set[str], made: dict[str, NDArray[np.generic]]
) -> None:
    """Put nodes before the others, and initializers in the place of others."""
    nodes = [*first, *graph.node]
    initializers = [tensor for tensor in graph.initializer if tensor.name not in gone]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(initializers)
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in made.items())
