"""What the page needs to make a style of a painting: the predictor, the body, and where the numbers go in its files.

With the places of its tensors, the page can fill in a body without reading ONNX. Its card goes behind the file.
"""

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.style_numbers import Numbers, style_numbers
from fststyle.model.defaults import STYLE_SIZE
from fststyle.model.file import heading_of, read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures import painting
from fststyle.predict.new_style import BODY, MOST_PIXELS, PREDICTOR, STRANGE, predicted_card
from fststyle.web.networks import WebNetwork, runnable

LICENCE = """\
style/predictor.onnx: CC BY 4.0. Its convolutions are derived from VGG-19 by Karen Simonyan and Andrew Zisserman (Visual
Geometry Group, Oxford).
style/body.onnx: MIT licence.
"""


def looking() -> dict[str, Any]:
    """How the page looks at a painting."""
    return {
        "size": STYLE_SIZE,
        "small": painting.SMALL,
        "narrow": painting.MOST_PIXELS,
        "most": MOST_PIXELS,
        "strange": STRANGE,
    }


def web_predictor() -> WebNetwork:
    """The predictor. Its entry holds the `body`: a network as the page runs it, and how to fill it in.

    Raises:
        ModelFileError: The package is broken.
    """
    file = read_model(str(BODY))
    made = runnable(Stylizer(file, "cpu"), "style/body")
    model = _plain(file.data)
    data, predictor = model.SerializeToString(deterministic=True), PREDICTOR.read_bytes()
    numbers = style_numbers(model)
    body = made.entry | {
        "bytes": len(data),
        "numbers": _numbers(data, numbers),
        "weights": _weights(data, model),
        "card": predicted_card("", "").to_metadata(),
    }
    files = made.files | {body["file"]: data, "style/predictor.onnx": predictor}
    parts = body["parts"]
    parts["numbers"] = [
        [part["at"] + at, *which]
        for part in parts["parts"]
        for at, *which in _numbers(files[parts["file"]][part["at"] : part["at"] + part["bytes"]], numbers)
    ]
    return WebNetwork({"file": "style/predictor.onnx", "bytes": len(predictor), "body": body}, files)


def _plain(data: bytes) -> onnx.ModelProto:
    """A network without its card, the values of all tensors as raw bytes."""
    model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    del model.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    return model


def _numbers(data: bytes, numbers: Numbers) -> list[list[int]]:
    """Where numbers lie in a file that has some of them: of each tensor the first byte, the first number, how many."""
    starts = accumulate((values.size for values in numbers.values()), initial=0)
    places = _places(data, numbers)
    return [
        [places[name][0], start, values.size]
        for (name, values), start in zip(numbers.items(), starts, strict=False)
        if name in places
    ]


def _weights(data: bytes, model: onnx.ModelProto) -> list[list[str | int]]:
    """What the fingerprint of the weights is taken of: of each tensor the heading, the first byte, how many bytes."""
    tensors = sorted(model.graph.initializer, key=lambda tensor: tensor.name)
    places = _places(data, [tensor.name for tensor in tensors])
    return [[heading_of(tensor), *places[tensor.name]] for tensor in tensors]


def _places(data: bytes, names: Iterable[str]) -> Mapping[str, tuple[int, int]]:
    """First byte and length of those tensors of a network that have these names.

    Raises:
        ModelFileError: They are not raw bytes of the file.
    """
    model = onnx.ModelProto.FromString(data)
    wanted, random = set(names), np.random.default_rng(0)
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in wanted]
    values = [tensor.raw_data for tensor in tensors]
    for tensor in tensors:
        tensor.raw_data = random.bytes(len(tensor.raw_data))
    marked = bytearray(model.SerializeToString(deterministic=True))
    places = {tensor.name: (marked.find(tensor.raw_data), len(tensor.raw_data)) for tensor in tensors}
    for (at, length), value in zip(places.values(), values, strict=True):
        marked[at : at + length] = value
    if marked != data:
        raise ModelFileError("the package's body is broken; install fststyle again")
    return places
