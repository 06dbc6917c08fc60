"""A network that takes and gives bytes, made from one that takes and gives floating-point numbers."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fststyle.model.checks import form_of, require_form
from fststyle.model.layouts import Values


def with_byte_pixels(model: onnx.ModelProto, values: Values) -> onnx.ModelProto:
    """The same network with uint8 RGB in and out, (batch, height, width, 3), as image libraries have it."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    content, stylized = graph.input[0].name, graph.output[0].name
    takes = require_form(graph.input[0])
    gives = form_of(graph.output[0]) or takes
    dims = graph.input[0].type.tensor_type.shape.dim
    batch, height, width = (
        dims[at].dim_value or dims[at].dim_param or side
        for at, side in zip((0, 1, 2) if takes.channels_last else (0, 2, 3), ("batch", "height", "width"), strict=True)
    )
    for node in graph.node:
        node.input[:] = ["pixels/content" if name == content else name for name in node.input]
        node.output[:] = ["pixels/stylized" if name == stylized else name for name in node.output]
    scale = (values.white - values.black) / 255
    constants = {"white": scale, "offset": values.black, "bytes": 1 / scale, "half": 0.5, "black": 0.0, "full": 255.0}
    before = _Chain(content, "pixels/in")
    before.add("Cast", to=TensorProto.FLOAT)
    if values.bgr:
        before.add("Gather", "channels", axis=3)
    if not takes.channels_last:
        before.add("Transpose", perm=[0, 3, 1, 2])
    before.add("Mul", "white")
    if values.black:
        before.add("Add", "offset")
    if takes.dtype == "float16":
        before.add("Cast", to=TensorProto.FLOAT16)
    after = _Chain("pixels/stylized", "pixels/out")
    if gives.dtype == "float16":
        after.add("Cast", to=TensorProto.FLOAT)
    if values.black:
        after.add("Sub", "offset")
    after.add("Mul", "bytes")
    after.add("Add", "half")
    after.add("Clip", "black", "full")
    if not gives.channels_last:
        after.add("Transpose", perm=[0, 2, 3, 1])
    if values.bgr:
        after.add("Gather", "channels", axis=3)
    after.add("Cast", to=TensorProto.UINT8)
    nodes = [*before.ending_in("pixels/content"), *graph.node, *after.ending_in(stylized)]
    used = {name for node in nodes for name in node.input}
    initializers = {f"pixels/{name}": np.array(value, np.float32) for name, value in constants.items()}
    initializers["pixels/channels"] = np.array([2, 1, 0])
    graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in initializers.items() if name in used
    )
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    for value in (graph.input[0], graph.output[0]):
        value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.UINT8, [batch, height, width, 3]))
    return made


class _Chain:
    """Nodes of which each reads what the one before it gives, and constants."""

    def __init__(self, source: str, prefix: str) -> None:
        self._last = source
        self._prefix = prefix
        self._nodes: list[onnx.NodeProto] = []

    def add(self, operator: str, *constants: str, **attributes: Any) -> None:
        """One more, at the end."""
        output = f"{self._prefix}/{len(self._nodes)}"
        inputs = [self._last, *(f"pixels/{name}" for name in constants)]
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        self._last = output

    def ending_in(self, output: str) -> list[onnx.NodeProto]:
        """All of them; the last gives `output`."""
        self._nodes[-1].output[0] = output
        return self._nodes
