"""Parts that hand each other 16-bit floats in the place of 32-bit ones: half the memory, and half of what is copied.

Inside a part everything stays as it is. So does what norms measure: it is given beside what is handed on.
"""

from dataclasses import replace

import onnx
from onnx import TensorProto, helper

from fststyle.graph.parts import Part, Parts

_WHOLE = "/float32"


def in_halves(cut: Parts, content: str) -> Parts:
    """The same parts, with float16 for every float32 between them.

    A part whose norm normalizes such a tensor has a `source` that is none of its `gives`: another output, which is read
    once and not handed on.

    Args:
        cut: The parts of a network.
        content: The name of the photo, which stays as it is.
    """
    halved: set[str] = set()
    parts = tuple(_halved(part, content, halved) for part in cut.parts)
    sizes = {name: size / 2 if name in halved else size for name, size in cut.sizes.items()}
    strides = cut.strides | {name + _WHOLE: cut.strides[name] for name in halved}
    return replace(cut, parts=parts, strides=strides, sizes=sizes)


def _halved(part: Part, content: str, halved: set[str]) -> Part:
    """One of them; the names of its halves join `halved`."""
    model = onnx.ModelProto.FromString(part.data)
    graph = model.graph
    taken = [value for value in graph.input if value.name in part.takes and value.name != content and _is_float(value)]
    given = [value for value in graph.output if part.source is not None and _is_float(value)]
    names = {value.name for value in (*taken, *given)}
    halved |= names
    for node in graph.node:
        for ends in (node.input, node.output):
            ends[:] = [name + _WHOLE if name in names else name for name in ends]
    nodes = list(graph.node)
    before = [_cast(value.name, value.name + _WHOLE, TensorProto.FLOAT) for value in taken]
    after = [_cast(value.name + _WHOLE, value.name, TensorProto.FLOAT16) for value in given]
    del graph.node[:]
    graph.node.extend([*before, *nodes, *after])
    source = part.source
    if source is not None and source in {value.name for value in given}:
        whole = onnx.ValueInfoProto()
        whole.CopyFrom(next(value for value in given if value.name == source))
        whole.name = source = source + _WHOLE
        graph.output.append(whole)
    for value in (*taken, *given):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    return replace(part, data=bytes(model.SerializeToString()), source=source)


def _is_float(value: onnx.ValueInfoProto) -> bool:
    return bool(value.type.tensor_type.elem_type == TensorProto.FLOAT)


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=kind)
