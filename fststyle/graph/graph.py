"""An ONNX graph that is easy to read and to rewrite: constants folded, tensors by name."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Self

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle.graph.folding import constants_of, fold
from fststyle.graph.nodes import needed, sort_nodes
from fststyle.graph.normal_form import in_planes, opset_of, upgraded
from fststyle.model.checks import image_ends, require_form
from fststyle.model.devices import ORT_ERRORS, open_session
from fststyle.model.file import STYLE_NAME
from fststyle.model.layouts import Values, to_tensor

# Sizes of pictures on which ratios are found: multiples of whatever networks want.
_TRIED = ((128, 192), (192, 320))


@dataclass
class Graph:
    """A parsed copy of a model.

    Attributes:
        model: Without `Constant` nodes and without whatever follows from constants alone; its weights are no inputs.
        constants: The values of its initializers by name, small and large, as they were read: change the model, not
            these.
        types: Element types, as `TensorProto` numbers them, of the tensors that shape inference knows.
        shapes: Their sides, None where free.
    """

    model: onnx.ModelProto
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, tuple[int | None, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Parse, fold and infer shapes; the bytes must have passed `read_model`.

        Raises:
            ModelFileError: onnxruntime cannot compute what is to be folded.
        """
        model = in_planes(upgraded(onnx.ModelProto.FromString(data)))
        sort_nodes(model)
        (content,), (stylized,) = image_ends(model.graph)
        controls = _controls(model)
        kept = needed(list(model.graph.node), {stylized.name})
        del model.graph.output[:], model.graph.node[:]
        model.graph.output.append(stylized)
        model.graph.node.extend(kept)
        del model.graph.input[:]
        model.graph.input.extend([content, *controls])
        names = {value.name for value in controls}
        fold(model, names)
        graph = cls(model, constants_of(model, names))
        for value in _values(model):
            tensor = value.type.tensor_type
            graph.types[value.name] = tensor.elem_type
            if tensor.HasField("shape"):
                graph.shapes[value.name] = tuple(
                    dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim
                )
        return graph

    @property
    def input_name(self) -> str:
        """The name of the input picture."""
        return str(self.model.graph.input[0].name)

    @property
    def output_name(self) -> str:
        """The name of the output picture."""
        return str(self.model.graph.output[0].name)

    @property
    def nodes(self) -> list[onnx.NodeProto]:
        """In an order in which they can be computed."""
        return list(self.model.graph.node)

    def consumers(self) -> dict[str, list[onnx.NodeProto]]:
        """The nodes that read each tensor."""
        found: dict[str, list[onnx.NodeProto]] = {}
        for node in self.model.graph.node:
            for name in dict.fromkeys(node.input):
                found.setdefault(name, []).append(node)
        return found

    def constant(self, node: onnx.NodeProto, position: int) -> NDArray[Any] | None:
        """The value of a node's input, or None if it is missing or no constant."""
        if len(node.input) <= position or not node.input[position]:
            return None
        return self.constants.get(node.input[position])

    @property
    def opset(self) -> int:
        """The version of its standard operators."""
        return opset_of(self.model)

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename tensors; the input and the output picture keep their names."""
        ends = {self.input_name, self.output_name}
        new = {old: name for old, name in names.items() if old not in ends}
        for node in self.model.graph.node:
            node.input[:] = [new.get(name, name) for name in node.input]
            node.output[:] = [new.get(name, name) for name in node.output]
        for tensor in self.model.graph.initializer:
            tensor.name = new.get(tensor.name, tensor.name)
        noted: tuple[dict[str, Any], ...] = (self.constants, self.types, self.shapes)
        for known in noted:
            for old in new.keys() & known.keys():
                known[new[old]] = known.pop(old)

    def ratios(self, node: onnx.NodeProto) -> tuple[int, int] | None:
        """By how much a node enlarges height and width, if it computes that from the picture's size.

        Measured by running the graph at two sizes. None if the ratio differs between them or is no whole number.
        """
        names = [node.input[0], node.output[0]]
        part = onnx.ModelProto()
        part.CopyFrom(self.model)
        del part.graph.output[:], part.graph.node[:]
        part.graph.node.extend(needed(self.nodes, set(names)))
        part.graph.output.extend(
            helper.make_tensor_value_info(name, self.types.get(name, TensorProto.FLOAT), None) for name in names
        )
        form = require_form(self.model.graph.input[0])
        found = set()
        for height, width in _TRIED:
            noise = np.zeros((height, width, 3), np.uint8)
            content = to_tensor(noise, Values(), form.dtype, channels_last=form.channels_last)
            try:
                before, after = open_session(part.SerializeToString()).run(names, {self.input_name: content})
            except ORT_ERRORS:
                return None
            found.add(tuple(Fraction(big, small) for big, small in zip(after.shape[2:], before.shape[2:], strict=True)))
        (ratio, *others) = found
        if others or len(ratio) != 2 or any(side.denominator != 1 for side in ratio):
            return None
        return ratio[0].numerator, ratio[1].numerator

    def derived(
        self,
        nodes: Iterable[onnx.NodeProto],
        inputs: Iterable[onnx.ValueInfoProto],
        outputs: Iterable[onnx.ValueInfoProto],
        constants: dict[str, NDArray[Any]],
    ) -> onnx.ModelProto:
        """Another model with this one's weights and `constants`, of the nodes that its outputs need."""
        outputs = list(outputs)
        kept = needed(list(nodes), {value.name for value in outputs})
        used = {name for node in kept for name in node.input}
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        graph = model.graph
        for repeated in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
            del repeated[:]
        del model.metadata_props[:]
        graph.node.extend(kept)
        graph.input.extend(value for value in inputs if value.name in used)
        graph.output.extend(outputs)
        graph.initializer.extend(tensor for tensor in self.model.graph.initializer if tensor.name in used)
        graph.initializer.extend(
            numpy_helper.from_array(value, name) for name, value in constants.items() if name in used
        )
        return model


def _controls(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Inputs with a default: those of one number, such as a strength, and the weights of styles.

    Before version 4 of the format every weight had to be listed among the inputs.
    """
    controls = {
        tensor.name
        for tensor in model.graph.initializer
        if math.prod(tensor.dims) == 1 or (tensor.name == STYLE_NAME and len(tensor.dims) == 1)
    }
    return [value for value in model.graph.input if model.ir_version >= 4 and value.name in controls]


def _values(model: onnx.ModelProto) -> Iterable[onnx.ValueInfoProto]:
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, RuntimeError):
        # Operators of ONNX 1.0 that inference does not know any more; what follows them stays unknown.
        inferred = model.graph
    return [*inferred.input, *inferred.value_info, *inferred.output]
