"""A network cut at its instance norms, for programs that paint large pictures without changing graphs.

Every part ends with the tensor that the next norm normalizes. A program runs a part over tiles, keeps what it gives as
whole tensors, takes the mean and the variance of every channel of the norm's tensor, and goes on with the next part.
So every norm sees all of the picture, and nothing is computed twice but the halos of the tiles.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import onnx
from onnx import TensorProto, helper

from fststyle.errors import ModelFileError
from fststyle.graph.nodes import attribute, needed
from fststyle.graph.receptive_field import Fields, alignment, needs_alignment, reach, receptive_fields
from fststyle.graph.statistics import MEAN, VARIANCE
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.graph.statistics_nodes import StatisticsNodes

# Tiles begin at multiples of it, whatever the network.
_MULTIPLE = 8


@dataclass(frozen=True)
class Part:
    """A graph from some tensors of a network to others.

    Attributes:
        data: The bytes of a model. Its norms take the inputs `mean` and `variance`, float32 of shape (channels of all
            norms,); what follows them in the network may hold anything.
        takes: The tensors with positions that it reads, the photo's among them if it is read.
        gives: The tensors that it makes.
        source: The one of these that the next norm normalizes; None for the last part, which gives the painting.
        channels: Of that norm. If the source has more, so many in a row are one of the norm's.
        before: Pixels of the photo that a tile needs above it and to its left, a multiple of `Parts.align`.
        after: The same below it and to its right.
        step: What the norm normalizes is the source, less `zero`, times this.
        zero: As said.
    """

    data: bytes
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    source: str | None
    channels: int
    before: int
    after: int
    step: float = 1.0
    zero: int = 0

    @property
    def halo(self) -> int:
        """What a tile needs on every side, if all sides get the same."""
        return max(self.before, self.after)


@dataclass(frozen=True)
class Parts:
    """All parts of a network, in the order in which they are run.

    Position i of a tensor of stride s belongs to the pixels from s·i on. A tensor may be longer than the photo says;
    the last tile has the rest.

    Attributes:
        parts: At least one.
        align: Tiles begin at multiples of this many pixels.
        strides: Vertical and horizontal, in pixels, of every tensor that is taken or given.
        sizes: Bytes per pixel of the photo of each of these tensors.
        held: Bytes per pixel of the photo that the tensors before and after a part take at most.
        columns: Bytes per pixel of the photo that a convolution of 8-bit numbers spreads its input into, at most; those
            of floats do so in small pieces.
    """

    parts: tuple[Part, ...]
    align: int
    strides: dict[str, tuple[int, int]]
    sizes: dict[str, float]
    held: float
    columns: float

    @classmethod
    def read(cls, data: bytes, *, stored: bool = False) -> "Parts":
        """From the bytes of a file that `read_model` accepts.

        Args:
            data: Of the file.
            stored: End parts before a norm's input is only dequantized, or put from channels to pixels: bytes take a
                quarter of the floats. Otherwise `step` and `zero` are of no interest, and `channels` are the source's.

        Raises:
            ModelFileError: It cannot be painted in tiles.
        """
        return _Cutter(StatisticsForm.read(data), stored=stored).parts()


class _Source(NamedTuple):
    """As `Part` says."""

    name: str
    step: float
    zero: int


class _Cutter:
    def __init__(self, form: StatisticsForm, *, stored: bool) -> None:
        self._form = form
        self._graph = form.graph
        if needs_alignment(self._graph):
            raise ModelFileError("this network pads what its strides do not divide; it is not cut into parts")
        self._fields = receptive_fields(self._graph, form.norms)
        self._align = math.lcm(alignment(self._fields), _MULTIPLE)
        builder = StatisticsNodes(self._graph, form.norms, given=True, cores=False)
        self._nodes = needed(builder.nodes(), {self._graph.output_name})
        self._constants = builder.constants
        makers = {name: node for node in self._nodes for name in node.output}
        self._sources = [self._source(norm.source, makers if stored else {}) for norm in form.norms]

    def parts(self) -> Parts:
        cuts = [[], *self._cuts(), [self._graph.output_name]]
        made = []
        done: list[onnx.NodeProto] = []
        for number, gives in enumerate(cuts[1:]):
            made.append(self._part(done, cuts[number], gives, number))
            done = needed(self._nodes, set(gives))
        names = sorted({name for part in made for name in (*part.takes, *part.gives)})
        sizes = {name: self._bytes(name) for name in names}
        held = [sum(sizes[name] for name in cut) for cut in cuts[1:-1]] or [0.0]
        most = max(sum(pair) for pair in zip([0.0, *held], [*held, 0.0], strict=True))
        strides = {name: self._strides(name) for name in names}
        return Parts(tuple(made), self._align, strides, sizes, most, self._columns())

    def _columns(self) -> float:
        makers = {name: node.op_type for node in self._nodes for name in node.output}
        found = [0.0]
        for node in self._nodes:
            if node.op_type == "Conv" and makers.get(node.input[0]) == "DequantizeLinear":
                kernel = math.prod(attribute(node, "kernel_shape", ()))
                vertical, horizontal = (float(field.stride) for field in self._fields[node.output[0]])
                found.append(self._channels(node.input[0]) * kernel / (vertical * horizontal))
        return max(found)

    def _source(self, name: str, makers: dict[str, onnx.NodeProto]) -> _Source:
        """What holds the numbers of a norm's input, back to what is no mere change of form."""
        step, zero = 1.0, 0
        while (node := makers.get(name)) is not None and name in self._fields:
            if node.op_type == "DequantizeLinear" and step == 1:
                scale, middle = (self._graph.constant(node, position) for position in (1, 2))
                if scale is None or scale.size > 1 or (len(node.input) > 2 and middle is None):
                    break
                step, zero = float(scale.item()), 0 if middle is None else int(middle.item())
            elif node.op_type != "DepthToSpace" or attribute(node, "mode", "DCR") != "CRD":
                break
            name = node.input[0]
        return _Source(name, step, zero)

    def _cuts(self) -> Iterator[list[str]]:
        """What is alive when a norm's tensor is known: that, and what was computed for it and is read later."""
        before: set[str] = set()
        for source in self._sources:
            before |= {name for node in needed(self._nodes, {source.name}) for name in node.output}
            alive = [
                name
                for name in dict.fromkeys(
                    name for node in self._nodes if node.output[0] not in before for name in node.input
                )
                if name in before and name in self._fields
            ]
            yield [source.name, *(name for name in alive if name != source.name)]

    def _part(self, done: list[onnx.NodeProto], takes: list[str], gives: list[str], number: int) -> Part:
        # Sizes are computed again from the photo's; a tile has its own.
        known = {name for node in done for name in node.output if name in self._fields}
        kept = needed([node for node in self._nodes if node.output[0] not in known], set(gives))
        read = {name for node in kept for name in node.input}
        alive = [name for name in takes if name in read]
        content = self._graph.model.graph.input[0]
        infos = [*self._graph.model.graph.input, *(self._info(name) for name in alive)]
        channels = sum(norm.channels for norm in self._form.norms)
        infos += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [channels]) for name in (MEAN, VARIANCE)]
        # A tensor that is only handed on keeps its place in the program; no graph gives back its own input.
        made = [name for name in gives if name not in takes]
        outputs = [
            self._graph.model.graph.output[0] if name == self._graph.output_name else self._info(name) for name in made
        ]
        model = self._graph.derived(kept, infos, outputs, self._constants)
        seen = [content.name] if content.name in {value.name for value in model.graph.input} else []
        data = bytes(model.SerializeToString())
        before, after = self._reach(kept, [*alive, *seen], made)
        if number == len(self._sources):
            return Part(data, (*seen, *alive), tuple(made), None, 0, before, after)
        source = self._sources[number]
        channels = self._form.norms[number].channels
        return Part(data, (*seen, *alive), tuple(made), source.name, channels, before, after, source.step, source.zero)

    def _reach(self, nodes: list[onnx.NodeProto], takes: list[str], gives: list[str]) -> tuple[int, int]:
        """How far a tile's tensors reach beyond what is wanted of the tensors made of them."""
        pairs = [reach(self._graph, nodes, self._fields, name, made) for name in takes for made in gives]
        before, after = (max((pair[side] for pair in pairs), default=0) for side in (0, 1))
        return math.ceil(before / self._align) * self._align, math.ceil(after / self._align) * self._align

    def _info(self, name: str) -> onnx.ValueInfoProto:
        shape = self._graph.shapes.get(name, (None, None, None, None))
        return helper.make_tensor_value_info(name, self._graph.types.get(name, TensorProto.FLOAT), list(shape))

    def _bytes(self, name: str) -> float:
        vertical, horizontal = self._strides(name)
        size = helper.tensor_dtype_to_np_dtype(self._graph.types.get(name, TensorProto.FLOAT)).itemsize
        return self._channels(name) * size / (vertical * horizontal)

    def _channels(self, name: str) -> int:
        shape = self._graph.shapes.get(name, ())
        return int(shape[1]) if len(shape) == 4 and shape[1] else 64

    def _strides(self, name: str) -> tuple[int, int]:
        fields: Fields = self._fields[name]
        if any(field.stride.denominator != 1 for field in fields):
            raise ModelFileError("this network computes on more positions than the photo has; it is not cut into parts")
        return int(fields[0].stride), int(fields[1].stride)
