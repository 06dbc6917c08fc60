"""The form in which a graph runs fastest on a processor. It paints the same picture as the file that it came from."""

import onnx

from fststyle.graph.byte_ends import ByteEnds
from fststyle.graph.early_borders import cut_borders_early
from fststyle.graph.late_pixels import make_pixels_late
from fststyle.graph.normal_form import opset_of

_LEAST_OPSET = 18


def for_cpu(data: bytes, content: str, stylized: str) -> bytes:
    """The bytes of a model of ours, or of a graph derived from one, as a session should have them.

    Args:
        data: It takes float32 pixels in 0..1, (batch, 3, height, width), or tensors that another such graph made.
        content: The picture that it takes, if this graph takes one.
        stylized: The picture that it gives, if this graph gives one.

    Returns:
        A model that takes uint8 pixels, (batch, height, width, 3), and may give such, too; or, of an older opset, one
        with the same ends.
    """
    model = onnx.ModelProto.FromString(data)
    make_pixels_late(model)
    cut_borders_early(model, content, stylized)
    if opset_of(model) >= _LEAST_OPSET:
        ends = ByteEnds(model, content, stylized)
        if any(value.name == content for value in model.graph.input):
            ends.take_bytes()
        if any(value.name == stylized for value in model.graph.output):
            ends.give_bytes()
    return bytes(model.SerializeToString())
