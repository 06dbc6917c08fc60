"""How much memory a graph's tensors would take, found out without running it.

A few bytes of ONNX can ask for a terabyte of zeros, and onnxruntime takes what it can get.
"""

import math

import onnx

from fststyle.errors import ModelFileError
from fststyle.model.checks import form_of, image_ends

_SIDE = 64  # of the picture for which sizes are asked, in pixels

# Numbers in one tensor for such a picture. Style networks stay below a hundredth of it.
_MOST_NUMBERS = 2**26


def check_sizes(model: onnx.ModelProto, name: str) -> None:
    """Refuse a graph that makes very much of a small picture; `name` stands in the message.

    Sizes that the graph computes in ways that ONNX's shape inference does not follow stay unknown and are not refused.

    Raises:
        ModelFileError: What an operator gives would be far too large.
    """
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    (content,), (stylized,) = image_ends(asked.graph)
    # What the file itself says of sizes is no proof, and inference would believe it.
    del asked.graph.value_info[:]
    stylized.type.tensor_type.ClearField("shape")
    dims = content.type.tensor_type.shape.dim
    form = form_of(content)
    last = form is not None and form.channels_last
    for dim, least in zip(dims, (1, _SIDE, _SIDE, 3) if last else (1, 3, _SIDE, _SIDE), strict=True):
        if dim.dim_value <= 0:
            dim.dim_value = least
    try:
        inferred = onnx.shape_inference.infer_shapes(asked, data_prop=True)
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return  # nothing that could be run; onnxruntime says why
    height, width = (dim.dim_value for dim in (dims[1:3] if last else dims[2:4]))
    allowed = _MOST_NUMBERS * max(1, height * width // _SIDE**2)
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        numbers = math.prod(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        if numbers > allowed:
            raise ModelFileError(
                f"{name} would make {numbers:,} numbers of a picture of {width}×{height} pixels; get a network from "
                "someone you trust"
            )
