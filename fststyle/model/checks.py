"""What is refused in an ONNX file before onnxruntime sees it.

onnxruntime runs whatever it is given: it opens files that a graph points at, and a loop can hold it for ever. A style
network is a straight run of convolutions and needs none of that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper, numpy_helper

from fststyle.errors import ModelFileError

# What torch, TensorFlow and Caffe exports of convolutional networks use, quantized ones included.
ALLOWED_OPERATORS = frozenset(
    """
    Abs Add And AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Conv
    ConvInteger ConvTranspose DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp
    Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater
    GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LayerNormalization
    LeakyRelu Less LessOrEqual Log LpNormalization MatMul MatMulInteger Max MaxPool Mean MeanVarianceNormalization
    Min Mish Mod Mul Neg Not Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization Range
    Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize
    Round Selu Shape Sigmoid Sign Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish
    Tanh ThresholdedRelu Tile Transpose Unsqueeze Upsample Where
    """.split(),  # noqa: SIM905 -- a hundred quoted names would hide the list
)
# Experimental operators of ONNX 1.0, which onnxruntime still runs; Johnson's published networks need them.
ALLOWED_OPERATORS |= {"Affine", "Crop", "ImageScaler"}

_PIXELS: dict[int, str] = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16", TensorProto.UINT8: "uint8"}

_MOST_CHANNELS = 4

# What leaves every value as it is and only moves it.
_MOVING = {"Cast", "Crop", "Identity", "DepthToSpace", "Slice", "Squeeze", "Transpose", "Unsqueeze"}

_ONNX_DOMAINS = {"", "ai.onnx"}


def check_graph(model: onnx.ModelProto, name: str) -> "tuple[PictureForm, PictureForm | None]":
    """Refuse whatever is not a plain network from one picture to one picture; `name` stands in the message.

    Returns:
        How the picture goes in and how it comes out; None where the file leaves that open.

    Raises:
        ModelFileError: Of what is refused, the first thing found.
    """
    if model.functions:
        raise ModelFileError(f"{name} defines functions of its own; export it again with them inlined")
    domains = {entry.domain for entry in model.opset_import} | {node.domain for node in model.graph.node}
    if foreign := sorted(domains - _ONNX_DOMAINS):
        raise ModelFileError(
            f"{name} needs operators from {foreign[0]}; export it again with standard ONNX operators only"
        )
    for node in model.graph.node:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise ModelFileError(
                f"{name} holds a graph within its graph ({node.op_type}); export the network without loops or branches"
            )
        if node.op_type not in ALLOWED_OPERATORS:
            raise ModelFileError(
                f"{name} uses the operator {node.op_type}, which style networks do not need; "
                "export it again without, or get it from someone you trust"
            )
    for tensor in _tensors(model.graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ModelFileError(
                f"{name} keeps its weights in another file; save it with onnx.save(…, save_as_external_data=False)"
            )
    return _check_ends(model.graph, name)


@dataclass(frozen=True)
class PictureForm:
    """How a tensor holds pictures.

    Attributes:
        dtype: "float32", "float16" or "uint8".
        channels_last: (batch, height, width, 3); else (batch, 3, height, width).
    """

    dtype: str
    channels_last: bool


def form_of(value: onnx.ValueInfoProto) -> PictureForm | None:
    """None if the tensor does not hold one picture in color; a batch may be free, but not fixed at more than one."""
    dtype = _PIXELS.get(value.type.tensor_type.elem_type)
    shape = shape_of(value)
    if dtype is None or len(shape) != 4 or shape[0] not in (None, 1):
        return None
    # A free side may be the channels' only if the other does not say how many there are: 1 of gray, 4 with alpha.
    first = shape[1] == 3 or (shape[1] is None and (shape[3] is None or shape[3] > _MOST_CHANNELS))
    last = shape[3] == 3 or (shape[3] is None and shape[1] in (None, 3))
    if first and last:
        # Where the sides do not tell, because all are free: floats come in planes, bytes in pixels.
        named = [position for position in (1, 3) if shape[position] == 3]
        return PictureForm(dtype, named == [3] or (named != [1] and dtype == "uint8"))
    return PictureForm(dtype, last) if first or last else None


def image_ends(graph: onnx.GraphProto) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Inputs and outputs; old files list their weights among the inputs, which are left out here.

    Of several outputs, those that are no pictures are left out if one is.
    """
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    pictures = [value for value in graph.output if len(inputs) == 1 and _may_have_sides_of(value, inputs[0])]
    return inputs, pictures if len(pictures) == 1 else list(graph.output)


def _may_have_sides_of(picture: onnx.ValueInfoProto, content: onnx.ValueInfoProto) -> bool:
    """Whether it is a picture and has no fixed side where `content` has a free one or another."""
    sides = []
    for value in (picture, content):
        if (form := form_of(value)) is None:
            return False
        sides.append(shape_of(value)[1:3] if form.channels_last else shape_of(value)[2:])
    return all(one in (None, other) for one, other in zip(*sides, strict=True))


def last_range(graph: onnx.GraphProto, output: str) -> str | None:
    """The range that the last operator keeps its values to, as layouts name it: "1", "255" or "-1to1"."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {
        node.output[0]: entry.t for node in graph.node if node.op_type == "Constant" for entry in node.attribute
    }
    node = makers.get(output)
    while node is not None and node.op_type in _MOVING and node.input:
        node = makers.get(node.input[0])
    if node is None:
        return None
    if node.op_type == "Clip":
        limits = [
            helper.get_attribute_value(entry)
            for name in ("min", "max")
            for entry in node.attribute
            if entry.name == name
        ]
        if not limits:
            limits = [
                float(numpy_helper.to_array(constants[name]).ravel()[0])
                for name in node.input[1:3]
                if name in constants and numpy_helper.to_array(constants[name]).size == 1
            ]
        return {(0, 1): "1", (0, 255): "255", (-1, 1): "-1to1"}.get(tuple(limits))
    return {"Tanh": "-1to1", "Sigmoid": "1"}.get(node.op_type)


def shape_of(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """The sides of a tensor, None where they are free."""
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims)


def _check_ends(graph: onnx.GraphProto, name: str) -> tuple[PictureForm, PictureForm | None]:
    inputs, outputs = image_ends(graph)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(
            f"{name} takes {len(inputs)} inputs and gives {len(outputs)} outputs, not one picture each; "
            "choose a feed-forward network of a single style"
        )
    takes = require_form(inputs[0], f"{name} takes")
    # Some exporters leave the output's shape open; then its first picture will tell.
    tensor = outputs[0].type.tensor_type
    if not tensor.HasField("shape") and tensor.elem_type in _PIXELS:
        return takes, None
    return takes, require_form(outputs[0], f"{name} gives")


def require_form(value: onnx.ValueInfoProto, what: str = "the network takes") -> PictureForm:
    """As `form_of`, of what must be a picture; the message begins with `what`.

    Raises:
        ModelFileError: It is none.
    """
    form = form_of(value)
    if form is not None:
        return form
    sides = "×".join("?" if side is None else str(side) for side in shape_of(value))
    kind = TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
    raise ModelFileError(
        f"{what} {kind} of {sides or 'no shape'}, not one picture of 1×3×height×width or 1×height×width×3 in float32, "
        "float16 or uint8; export it again in this form"
    )


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
