"""Small painting networks as other exporters write them: python tests/faults/make_foreign_networks.py FOLDER."""

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Naming = Literal["torchscript", "dynamo", "keras"]
Array = NDArray[Any]


@dataclass
class Writer:
    """Writes nodes one after the other, as an exporter of one kind does.

    Attributes:
        opset: Of the standard operators.
        naming: TorchScript counts, dynamo names by function, tf2onnx by scope.
        constants: Where small numbers stand: among the weights, or in nodes of their own.
    """

    opset: int = 17
    naming: Naming = "torchscript"
    constants: Literal["initializer", "Constant"] = "Constant"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(4))

    def name(self, operator: str) -> str:
        number = len(self.nodes) + len(self.weights)
        lowered = operator.lower()
        return {
            "torchscript": str(11 + number),
            "dynamo": self.function_name(lowered.removeprefix("reduce")),
            "keras": f"StatefulPartitionedCall/model/{lowered}_{number}/{operator}:0",
        }[self.naming]

    def function_name(self, function: str) -> str:
        """The first is `mean`, the second `mean_1`."""
        taken = {name for node in self.nodes for name in node.output} | {tensor.name for tensor in self.weights}
        names = (function if number == 0 else f"{function}_{number}" for number in itertools.count())
        return next(name for name in names if name not in taken)

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = self.name(operator)
        node = helper.make_node(operator, inputs, [output], **attributes)
        node.name = {"torchscript": f"{operator}_{len(self.nodes)}", "dynamo": "", "keras": output[:-2]}[self.naming]
        self.nodes.append(node)
        return output

    def weight(self, array: Array) -> str:
        name = self.name("Weight")
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def number(self, value: Any, dtype: Any = np.int64) -> str:
        array = np.array(value, dtype)
        if self.constants == "initializer":
            return self.weight(array)
        return self("Constant", value=numpy_helper.from_array(array))

    # Layers

    def conv(self, source: str, channels: tuple[int, int], size: int = 3, **attributes: Any) -> str:
        shape = (channels[1], channels[0], size, size)
        kernel = self.weight(self.random.normal(0, 1 / (size * channels[0] ** 0.5), shape).astype(np.float32))
        bias = self.weight(self.random.normal(0, 0.1, channels[1]).astype(np.float32))
        if "auto_pad" not in attributes:
            attributes = {"pads": [size // 2] * 4} | attributes
        return self("Conv", source, kernel, bias, kernel_shape=[size, size], **attributes)

    def unsqueezed(self, source: str, axis: int = 0) -> str:
        if self.opset < 13:
            return self("Unsqueeze", source, axes=[axis])
        return self("Unsqueeze", source, self.number([axis]))

    def reduced(self, operator: str, source: str, axes: list[int]) -> str:
        if self.opset < 18:
            return self(operator, source, axes=axes, keepdims=1)
        return self(operator, source, self.number(axes), keepdims=1)

    def side(self, source: str, axis: int) -> str:
        """One side of a tensor, a single number."""
        return self("Gather", self("Shape", source), self.number(axis), axis=0)

    def model(self, output: str, sides: tuple[Any, ...] = ("n", 3, "h", "w"), dtype: int = TensorProto.FLOAT,
              outputs: list[onnx.ValueInfoProto] | None = None, given: bool = True) -> onnx.ModelProto:  # fmt: skip
        first, last = {
            "torchscript": ("input", "output"),
            "dynamo": ("x", "painted"),
            "keras": ("input_1:0", "Identity:0"),
        }[self.naming]
        self.nodes.append(helper.make_node("Identity", [output], [last]))
        ends = [helper.make_tensor_value_info(name, dtype, list(sides)) for name in (first, last)]
        if not given:
            ends[1].type.tensor_type.ClearField("shape")
        graph = helper.make_graph(self.nodes, "main_graph", ends[:1], [*(outputs or []), ends[1]], self.weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        if self.opset < 9:
            made.ir_version = 3
            made.graph.input.extend(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims) for tensor in self.weights
            )
        if self.opset > 20:
            made.ir_version = 10
        made.producer_name = "tf2onnx" if self.naming == "keras" else "pytorch"
        return made

    @property
    def content(self) -> str:
        return {"torchscript": "input", "dynamo": "x", "keras": "input_1:0"}[self.naming]


Step = Callable[[Writer, str], str]

# Borders


def pads_of_convolutions(write: Writer, source: str) -> str:
    return write.conv(source, (3, 8), 9)


def same_upper(write: Writer, source: str) -> str:
    return write.conv(source, (3, 8), 4, auto_pad="SAME_UPPER")


def same_lower(write: Writer, source: str) -> str:
    return write.conv(source, (3, 8), 4, auto_pad="SAME_LOWER")


def mirrored(write: Writer, source: str) -> str:
    if write.opset < 11:
        wide = write("Pad", source, mode="reflect", pads=[0, 0, 4, 4, 0, 0, 4, 4])
    else:
        wide = write("Pad", source, write.number([0, 0, 4, 4, 0, 0, 4, 4]), mode="reflect")
    return write.conv(wide, (3, 8), 9, pads=[0] * 4)


def repeated(write: Writer, source: str) -> str:
    wide = write("Pad", source, write.number([0, 0, 4, 4, 0, 0, 4, 4]), mode="edge")
    return write.conv(wide, (3, 8), 9, pads=[0] * 4)


def gray_border(write: Writer, source: str) -> str:
    value = write.number(0.5, np.float32)
    wide = write("Pad", source, write.number([0, 0, 4, 4, 0, 0, 4, 4]), value, mode="constant")
    return write.conv(wide, (3, 8), 9, pads=[0] * 4)


def mirrored_by_axes(write: Writer, source: str) -> str:
    """Opset 18 lets Pad name the axes."""
    wide = write("Pad", source, write.number([4, 4, 4, 4]), "", write.number([2, 3]), mode="reflect")
    return write.conv(wide, (3, 8), 9, pads=[0] * 4)


def torchscript_chain(write: Writer, source: str) -> str:
    """How TorchScript turns (left, right, top, bottom) into ONNX's order."""
    given = write.number([4, 4, 4, 4])
    missing = write("ConstantOfShape", write.number([4]), value=helper.make_tensor("v", TensorProto.INT64, [1], [0]))
    pairs = write("Reshape", write("Concat", given, missing, axis=0), write.number([-1, 2]))
    slicing = [write.number([number]) for number in (-1, -(2**63) + 1, 0, -1)]
    backwards = write("Slice", pairs, *slicing)
    flat = write("Reshape", write("Transpose", backwards, perm=[1, 0]), write.number([-1]))
    wide = write("Pad", source, write("Cast", flat, to=TensorProto.INT64), mode="reflect")
    return write.conv(wide, (3, 8), 9, pads=[0] * 4)


def unsqueeze_chain(write: Writer, source: str) -> str:
    """Numbers one by one."""
    zero, four = write.number(0), write.number(4)
    numbers = [write.unsqueezed(name) for name in (zero, zero, four, four, zero, zero, four, four)]
    wide = write("Pad", source, write("Concat", *numbers, axis=0), mode="reflect")
    return write.conv(wide, (3, 8), 9, pads=[0] * 4)


# Norms, over 8 channels


def instance(write: Writer, source: str) -> str:
    scale, bias = write.weight(np.linspace(0.5, 1.5, 8, dtype=np.float32)), write.weight(np.zeros(8, np.float32))
    return write("InstanceNormalization", source, scale, bias, epsilon=1e-5)


def _scaled(write: Writer, source: str, variance: str, centered: str) -> str:
    deviation = write("Sqrt", write("Add", variance, write.number(1e-5, np.float32)))
    normal = write("Div", centered, deviation)
    return write("Mul", normal, write.weight(np.linspace(0.5, 1.5, 8, dtype=np.float32).reshape(1, 8, 1, 1)))


def written_with_pow(write: Writer, source: str) -> str:
    mean = write.reduced("ReduceMean", source, [2, 3])
    centered = write("Sub", source, mean)
    square = write("Pow", centered, write.number(2, np.float32))
    return _scaled(write, source, write.reduced("ReduceMean", square, [2, 3]), centered)


def written_with_mul(write: Writer, source: str) -> str:
    """Negative axes, and the difference computed twice."""
    mean = write.reduced("ReduceMean", source, [-2, -1])
    other = write("Sub", mean, source)
    square = write("Mul", other, other)
    return _scaled(write, source, write.reduced("ReduceMean", square, [-1, -2]), write("Sub", source, mean))


def written_with_pools(write: Writer, source: str) -> str:
    mean = write("GlobalAveragePool", source)
    centered = write("Sub", source, mean)
    return _scaled(write, source, write("GlobalAveragePool", write("Mul", centered, centered)), centered)


def written_with_second_moments(write: Writer, source: str) -> str:
    mean = write.reduced("ReduceMean", source, [2, 3])
    second = write.reduced("ReduceMean", write("Mul", source, source), [2, 3])
    variance = write("Sub", second, write("Mul", mean, mean))
    return _scaled(write, source, variance, write("Sub", source, mean))


def written_by_torch(write: Writer, source: str) -> str:
    """`x.mean()` and `x.var()`, which finds the mean again, and divides by one position less than there are."""
    mean = write.reduced("ReduceMean", source, [2, 3])
    centered = write("Sub", source, write.reduced("ReduceMean", source, [2, 3]))
    biased = write.reduced("ReduceMean", write("Mul", centered, centered), [2, 3])
    sides = write("Slice", write("Shape", source), write.number([2]), write.number([4]), write.number([0]))
    count = write("Cast", write("ReduceProd", sides, axes=[0], keepdims=0), to=TensorProto.FLOAT)
    less = write("Sub", count, write.number(1, np.float32))
    variance = write("Div", write("Mul", biased, count), less)
    return _scaled(write, source, variance, write("Sub", source, mean))


def written_by_dynamo(write: Writer, source: str) -> str:
    """`x.mean()` and `x.var()`, whose sides are left out first and put in again after."""
    mean = write.reduced("ReduceMean", source, [2, 3])
    centered = write("Sub", source, mean)
    square = write("Mul", centered, centered)
    variance = write("ReduceMean", square, write.number([2, 3]), keepdims=0)
    sides = write("Concat", write("Shape", variance), write.number([1]), write.number([1]), axis=0)
    shaped = write("Expand", write("Reshape", variance, sides), sides)
    return _scaled(write, source, shaped, centered)


def batch(write: Writer, source: str) -> str:
    values = [write.weight(self.astype(np.float32)) for self in (np.ones(8), np.zeros(8), np.full(8, 0.1), np.ones(8))]
    return write("BatchNormalization", source, *values)


def group(write: Writer, source: str) -> str:
    """As torch writes GroupNorm before opset 18: an instance norm over groups in rows."""
    rows = write("Reshape", source, write.number([0, 4, -1]))
    one, none = write.weight(np.ones(4, np.float32)), write.weight(np.zeros(4, np.float32))
    normal = write("InstanceNormalization", rows, one, none, epsilon=1e-5)
    back = write("Reshape", normal, write("Shape", source))
    return write("Mul", back, write.weight(np.linspace(0.5, 1.5, 8, dtype=np.float32).reshape(8, 1, 1)))


def group_operator(write: Writer, source: str) -> str:
    one, none = write.weight(np.ones(8, np.float32)), write.weight(np.zeros(8, np.float32))
    return write("GroupNormalization", source, one, none, num_groups=4)


def none(_: Writer, source: str) -> str:
    return source


# Enlargements, by 2


def upsample(write: Writer, source: str, mode: str = "nearest") -> str:
    if write.opset < 9:
        return write("Upsample", source, mode=mode, scales=[1.0, 1.0, 2.0, 2.0])
    return write("Upsample", source, write.number([1, 1, 2, 2], np.float32), mode=mode)


def upsample_linear(write: Writer, source: str) -> str:
    return upsample(write, source, "linear")


def resize_10(write: Writer, source: str) -> str:
    return write("Resize", source, write.number([1, 1, 2, 2], np.float32), mode="nearest")


def resized(**attributes: Any) -> Step:
    def step(write: Writer, source: str) -> str:
        scales = write.number([1, 1, 2, 2], np.float32)
        return write("Resize", source, "" if write.opset > 12 else write.number([], np.float32), scales, **attributes)

    return step


def resized_by_axes(write: Writer, source: str) -> str:
    """Opset 18 lets Resize name the axes."""
    return write("Resize", source, "", write.number([2, 2], np.float32), mode="nearest", axes=[2, 3],
                 coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip


def resized_to_sizes(**attributes: Any) -> Step:
    """As torch writes `interpolate(scale_factor=2)` at times: sides by Shape, Gather, Mul and Floor."""

    def step(write: Writer, source: str) -> str:
        sides = []
        for axis in (2, 3):
            side = write("Cast", write.side(source, axis), to=TensorProto.FLOAT)
            twice = write("Floor", write("Mul", side, write.number(2, np.float32)))
            sides.append(write.unsqueezed(write("Cast", twice, to=TensorProto.INT64)))
        whole = write("Shape", source)
        start = write("Slice", whole, write.number([0]), write.number([2]), write.number([0]))
        sizes = write("Concat", start, *sides, axis=0)
        roi = "" if write.opset > 12 else write.number([], np.float32)
        scales = "" if write.opset > 12 else write.number([], np.float32)
        return write("Resize", source, roi, scales, sizes, **attributes)

    return step


def resized_by_whole_numbers(write: Writer, source: str) -> str:
    """Sides without a detour through floats."""
    sides = [write.unsqueezed(write("Mul", write.side(source, axis), write.number(2))) for axis in (2, 3)]
    start = [write.unsqueezed(write.side(source, axis)) for axis in (0, 1)]
    return write("Resize", source, "", "", write("Concat", *start, *sides, axis=0), mode="linear")


def transposed(write: Writer, source: str) -> str:
    kernel = write.weight(write.random.normal(0, 0.2, (8, 8, 4, 4)).astype(np.float32))
    return write("ConvTranspose", source, kernel, strides=[2, 2], pads=[1] * 4, kernel_shape=[4, 4])


def transposed_output_padding(write: Writer, source: str) -> str:
    kernel = write.weight(write.random.normal(0, 0.2, (8, 8, 3, 3)).astype(np.float32))
    return write("ConvTranspose", source, kernel, strides=[2, 2], pads=[1] * 4, output_padding=[1, 1])


def transposed_same(write: Writer, source: str) -> str:
    kernel = write.weight(write.random.normal(0, 0.2, (8, 8, 3, 3)).astype(np.float32))
    return write("ConvTranspose", source, kernel, strides=[2, 2], auto_pad="SAME_UPPER")


def shuffled(mode: str) -> Step:
    def step(write: Writer, source: str) -> str:
        return write("DepthToSpace", write.conv(source, (8, 32)), blocksize=2, mode=mode)

    return step


def shuffled_by_reshape(write: Writer, source: str) -> str:
    """As torch wrote PixelShuffle before it knew DepthToSpace."""
    deep = write.conv(source, (8, 32))
    height, width = (write.side(deep, axis) for axis in (2, 3))
    two = write.unsqueezed(write.number(2))
    tall, wide = write.unsqueezed(height), write.unsqueezed(width)
    split = write("Concat", write.number([-1]), write.number([8]), two, two, tall, wide, axis=0)
    turned = write("Transpose", write("Reshape", deep, split), perm=[0, 1, 4, 2, 5, 3])
    double = [write("Mul", side, write.number([2])) for side in (tall, wide)]
    return write("Reshape", turned, write("Concat", write.number([-1]), write.number([8]), *double, axis=0))


def repeated_pixels(write: Writer, source: str) -> str:
    """Nearest neighbors by Reshape and Expand."""
    height, width = (write.unsqueezed(write.side(source, axis)) for axis in (2, 3))
    one, two, eight, batch = (write.number([number]) for number in (1, 2, 8, -1))
    split = write("Reshape", source, write("Concat", batch, eight, height, one, width, one, axis=0))
    grown = write("Expand", split, write("Concat", one, eight, height, two, width, two, axis=0))
    tall, wide = (write("Mul", side, two) for side in (height, width))
    return write("Reshape", grown, write("Concat", batch, eight, tall, wide, axis=0))


def concatenated(write: Writer, source: str) -> str:
    """A U's shortcut: only sides that can be halved twice fit together again."""
    small = write("MaxPool", source, kernel_shape=[2, 2], strides=[2, 2])
    smaller = write("MaxPool", small, kernel_shape=[2, 2], strides=[2, 2])
    again = resized(mode="nearest")(write, write.conv(smaller, (8, 8)))
    back = write.conv(write("Concat", small, again, axis=1), (16, 8))
    return resized(mode="nearest")(write, resized(mode="nearest")(write, back))


def painter(write: Writer, border: Step = mirrored, norm: Step = instance, enlarge: Step | None = None,
            white: float = 1.0, signed: bool = False, **ends: Any) -> onnx.ModelProto:  # fmt: skip
    """Two convolutions, one of them with a stride, an enlargement and one more."""
    enlarge = enlarge or resized(mode="nearest")
    source = write.content
    if white != 1:
        source = write("Div", source, write.number(white, np.float32))
    a = write("Relu", norm(write, border(write, source)))
    b = write("Relu", norm(write, write.conv(a, (8, 8), strides=[2, 2])))
    c = write.conv(write("Add", b, norm(write, write.conv(b, (8, 8)))), (8, 8))
    d = write("Relu", norm(write, enlarge(write, c)))
    painted = write.conv(d, (8, 3))
    painted = write("Tanh", painted) if signed else write("Sigmoid", painted)
    if white != 1:
        painted = write("Mul", painted, write.number(white, np.float32))
    return write.model(painted, **ends)


@dataclass(frozen=True)
class Foreign:
    """A network of somebody else.

    Attributes:
        model: Its graph.
        layout: What it computes on.
        in_tiles: Whether it can be painted in tiles; if not, a message says why.
        multiple: What its free sides must be multiples of.
    """

    model: onnx.ModelProto
    layout: str = "rgb1"
    in_tiles: bool = True
    multiple: int = 2


def _channels_last(model: onnx.ModelProto, sides: tuple[Any, ...] = ("n", "h", "w", 3)) -> onnx.ModelProto:
    """With pixels in rows going in and out, and planes between."""
    graph = model.graph
    first, last = graph.input[0].name, graph.output[-1].name
    for node in graph.node:
        node.input[:] = ["planes_in" if name == first else name for name in node.input]
        node.output[:] = ["planes_out" if name == last else name for name in node.output]
    graph.node.insert(0, helper.make_node("Transpose", [first], ["planes_in"], perm=[0, 3, 1, 2]))
    graph.node.append(helper.make_node("Transpose", ["planes_out"], [last], perm=[0, 2, 3, 1]))
    for value in (graph.input[0], graph.output[-1]):
        value.CopyFrom(helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, list(sides)))
    return model


def keras_painter(write: Writer, sides: tuple[Any, ...] = ("unk__1", "unk__2", "unk__3", 3)) -> onnx.ModelProto:
    """As tf2onnx writes a Keras network: rows of pixels everywhere but around the convolutions."""

    def planes(source: str) -> str:
        return write("Transpose", source, perm=[0, 3, 1, 2])

    def rows(source: str) -> str:
        return write("Transpose", source, perm=[0, 2, 3, 1])

    def norm(source: str) -> str:
        mean = write.reduced("ReduceMean", source, [1, 2])
        centered = write("Sub", source, mean)
        variance = write.reduced("ReduceMean", write("Mul", centered, centered), [1, 2])
        deviation = write("Sqrt", write("Add", variance, write.number(1e-3, np.float32)))
        scale = write.weight(np.linspace(0.5, 1.5, 8, dtype=np.float32))
        return write("Mul", write("Div", centered, deviation), scale)

    wide = write("Pad", write.content, write.number([0, 4, 4, 0, 0, 4, 4, 0]), mode="reflect")
    a = write("Relu", norm(rows(write.conv(planes(wide), (3, 8), 9, pads=[0] * 4))))
    b = write("Relu", norm(rows(write.conv(planes(a), (8, 8), strides=[2, 2], auto_pad="SAME_LOWER"))))
    roi = "" if write.opset > 12 else write.number([], np.float32)
    way = "half_pixel" if write.opset > 12 else "tf_half_pixel_for_nn"
    scales = write.number([1, 1, 2, 2], np.float32)
    enlarged = write(
        "Resize", planes(b), roi, scales, mode="nearest", nearest_mode="floor", coordinate_transformation_mode=way
    )
    c = rows(enlarged)
    painted = write("Tanh", rows(write.conv(planes(c), (8, 3), 3, auto_pad="SAME_UPPER")))
    return write.model(painted, sides=sides)


def half(model: onnx.ModelProto) -> onnx.ModelProto:
    """All of it in float16."""
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for node in model.graph.node:
        for entry in node.attribute:
            if entry.name == "value" and entry.t.data_type == TensorProto.FLOAT and entry.t.dims != [4]:
                entry.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(entry.t).astype(np.float16)))
    for value in (model.graph.input[0], *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    return model


def with_features(model: onnx.ModelProto) -> onnx.ModelProto:
    """Tells what it found in the picture, too."""
    model.graph.node.append(helper.make_node("GlobalAveragePool", [model.graph.input[0].name], ["features"]))
    model.graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3, 1, 1]))
    return model


def networks() -> dict[str, Foreign]:
    """All of them by name."""
    made: dict[str, Foreign] = {}
    for opset in range(7, 24):
        enlarge = upsample if opset < 10 else resize_10 if opset == 10 else resized(mode="nearest")
        made[f"opset {opset}"] = Foreign(painter(Writer(opset), enlarge=enlarge))
    for naming in ("torchscript", "dynamo", "keras"):
        for constants in ("initializer", "Constant"):
            made[f"names of {naming}, {constants}"] = Foreign(painter(Writer(17, naming, constants)))  # type: ignore[arg-type]
    borders = (pads_of_convolutions, same_upper, same_lower, repeated, gray_border, torchscript_chain, unsqueeze_chain)
    for border in borders:
        made[f"border {border.__name__}"] = Foreign(painter(Writer(13), border=border))
    made["border unsqueeze_chain, opset 11"] = Foreign(painter(Writer(11), border=unsqueeze_chain))
    made["border mirrored_by_axes"] = Foreign(painter(Writer(18), border=mirrored_by_axes))
    norms = (
        *(written_with_pow, written_with_mul, written_with_pools, written_with_second_moments, written_by_torch),
        *(batch, none),
    )
    for norm in norms:
        made[f"norm {norm.__name__}"] = Foreign(painter(Writer(17), norm=norm))
    made["norm written_with_pow, opset 18"] = Foreign(painter(Writer(18), norm=written_with_pow))
    made["norm written_by_dynamo"] = Foreign(painter(Writer(20, "dynamo"), norm=written_by_dynamo))
    made["norm group"] = Foreign(painter(Writer(17), norm=group), in_tiles=False)
    made["norm group_operator"] = Foreign(painter(Writer(21), norm=group_operator), in_tiles=False)
    modes: list[tuple[dict[str, Any], bool]] = [
        ({"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, True),
        ({"mode": "nearest", "nearest_mode": "round_prefer_ceil"}, True),
        ({"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "ceil"}, True),
        ({"mode": "linear"}, True),
        ({"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}, True),
        ({"mode": "linear", "coordinate_transformation_mode": "asymmetric"}, True),
        ({"mode": "linear", "coordinate_transformation_mode": "align_corners"}, False),
        ({"mode": "cubic", "cubic_coeff_a": -0.75, "coordinate_transformation_mode": "pytorch_half_pixel"}, True),
    ]
    for attributes, in_tiles in modes:
        known = " ".join(str(value) for value in attributes.values())
        for name, step in (("scales", resized(**attributes)), ("sizes", resized_to_sizes(**attributes))):
            for opset in (11, 13, 18):
                made[f"resize {known}, {name}, opset {opset}"] = Foreign(
                    painter(Writer(opset), enlarge=step), in_tiles=in_tiles
                )
    made["resize 11, tf_half_pixel_for_nn"] = Foreign(
        painter(
            Writer(11),
            enlarge=resized(
                mode="nearest", nearest_mode="floor", coordinate_transformation_mode="tf_half_pixel_for_nn"
            ),
        )
    )
    made["resize by axes"] = Foreign(painter(Writer(18), enlarge=resized_by_axes))
    made["resize by whole numbers"] = Foreign(painter(Writer(13), enlarge=resized_by_whole_numbers))
    made["upsample linear"] = Foreign(painter(Writer(9), enlarge=upsample_linear))
    for step in (transposed, transposed_output_padding, transposed_same):
        made[f"enlarge {step.__name__}"] = Foreign(painter(Writer(12), enlarge=step))
    made["enlarge DCR"] = Foreign(painter(Writer(13), enlarge=shuffled("DCR")))
    made["enlarge CRD"] = Foreign(painter(Writer(13), enlarge=shuffled("CRD")))
    made["enlarge by reshape"] = Foreign(painter(Writer(13), enlarge=shuffled_by_reshape), in_tiles=False)
    made["enlarge by expand"] = Foreign(painter(Writer(13), enlarge=repeated_pixels), in_tiles=False)
    made["shortcut, multiples of 8"] = Foreign(painter(Writer(13), enlarge=concatenated), multiple=8)
    for white, signed, layout in ((255.0, False, "rgb255"), (255.0, False, "bgr255"), (1.0, True, "rgb-1to1"),
                                  (1.0, True, "bgr-1to1"), (1.0, False, "bgr1")):  # fmt: skip
        made[f"layout {layout}"] = Foreign(painter(Writer(13), white=white, signed=signed), layout)
    for sides in ((1, 3, 64, 48), (1, 3, "h", 64), (1, 3, 64, "w"), ("n", 3, 64, 64), (1, 3, "h", "w")):
        made[f"sides {'×'.join(map(str, sides))}"] = Foreign(
            painter(Writer(13), sides=sides),
            in_tiles=sides[2:] == ("h", "w"),
            multiple=1 if all(isinstance(side, int) for side in sides[2:]) else 2,
        )
    made["no shape of the output"] = Foreign(painter(Writer(13), given=False))
    made["rows of pixels"] = Foreign(_channels_last(painter(Writer(13))))
    made["rows of pixels, one size"] = Foreign(
        _channels_last(painter(Writer(13)), (1, 64, 48, 3)), in_tiles=False, multiple=1
    )
    for opset in (11, 13, 15, 18):
        made[f"keras, opset {opset}"] = Foreign(keras_painter(Writer(opset, "keras")), "rgb-1to1")
    made["half"] = Foreign(half(painter(Writer(13))))
    made["half, rows of pixels"] = Foreign(_channels_last(half(painter(Writer(13)))))
    made["two outputs"] = Foreign(with_features(painter(Writer(13))), in_tiles=True)
    return made


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in networks().items():
        onnx.save(network.model, folder / f"{name.replace(' ', '_').replace(',', '')}.onnx")
