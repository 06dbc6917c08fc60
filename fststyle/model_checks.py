"""What is refused in an ONNX file before onnxruntime sees it.

onnxruntime runs whatever it is given: it opens files that a graph points at, and a loop can hold it for ever. A style
network is a straight run of convolutions and needs none of that.
"""

from collections.abc import Iterator

import onnx

from fststyle.errors import ModelFileError

# What torch, TensorFlow and Caffe exports of convolutional networks use, quantized ones included.
ALLOWED_OPERATORS = frozenset(
    """
    Abs Add And AveragePool BatchNormalization Cast CastLike Ceil Clip Concat Constant ConstantOfShape Conv
    ConvTranspose DepthToSpace DequantizeLinear Div Dropout Elu Equal Erf Exp Expand Flatten Floor Gather Gelu Gemm
    GlobalAveragePool GlobalMaxPool Greater GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization
    LayerNormalization LeakyRelu Less Log MatMul Max MaxPool Mean Min Mish Mod Mul Neg Not Or PRelu Pad Pow
    QLinearConv QuantizeLinear Range Reciprocal ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape
    Resize Round Selu Shape Sigmoid Sign Size Slice Softmax Softplus SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Tile
    Transpose Unsqueeze Upsample Where
    """.split(),  # noqa: SIM905 -- a hundred quoted names would hide the list
)
# Experimental operators of ONNX 1.0, which onnxruntime still runs; Johnson's published networks need them.
ALLOWED_OPERATORS |= {"Affine", "Crop", "ImageScaler"}

_ONNX_DOMAINS = {"", "ai.onnx"}


def check_graph(model: onnx.ModelProto, name: str) -> None:
    """Refuse whatever is not a plain network from one picture to one picture; `name` stands in the message.

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
    _check_ends(model.graph, name)


def image_ends(graph: onnx.GraphProto) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Inputs and outputs; old files list their weights among the inputs, which are left out here."""
    weights = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in weights], list(graph.output)


def shape_of(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """The sides of a tensor, None where they are free."""
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims)


def _check_ends(graph: onnx.GraphProto, name: str) -> None:
    inputs, outputs = image_ends(graph)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(
            f"{name} takes {len(inputs)} inputs and gives {len(outputs)} outputs, not one picture each; "
            "choose a feed-forward network of a single style"
        )
    for value, verb in ((inputs[0], "takes"), (outputs[0], "gives")):
        tensor = value.type.tensor_type
        shape = shape_of(value)
        # Some exporters leave the output's shape open; then its first picture will tell.
        if verb == "gives" and not tensor.HasField("shape"):
            shape = (None,) * 4
        channels = 3 if tensor.elem_type == onnx.TensorProto.UINT8 else 1
        is_image = len(shape) == 4 and shape[0] in (None, 1) and shape[channels] in (None, 3)
        if tensor.elem_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8) or not is_image:
            sides = "×".join("?" if side is None else str(side) for side in shape)
            kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
            raise ModelFileError(
                f"{name} {verb} {kind} of {sides or 'no shape'}, not a float32 picture of 1×3×height×width; "
                "export it again in this form"
            )
    if inputs[0].type.tensor_type.elem_type != outputs[0].type.tensor_type.elem_type:
        raise ModelFileError(f"{name} takes bytes and gives floats, or the other way round; export it again")


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
