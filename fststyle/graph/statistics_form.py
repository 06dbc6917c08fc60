"""Graphs whose instance norms take their statistics as inputs, or give them as outputs.

Instance norm uses the mean and the variance of every channel over the whole picture. That is why a network cannot be
run tile by tile, and why its brightness pumps between the frames of a video. This module takes the bytes of any
exported network and makes graphs that read these statistics, report them, or both. It needs no torch.

    form = StatisticsForm.read(data)                      # the bytes of an ONNX file
    measuring = form.build(measured=form.every)           # content -> stylized, measured_mean, measured_variance
    given = form.build(given=True)                        # content, mean, variance -> stylized
    both = form.build(given=True, measured=form.every)    # content, mean, variance -> all three

The statistics of all norms are concatenated in two vectors (`statistics.py`).
"""

from collections.abc import Sequence
from typing import Self

import onnx
from onnx import TensorProto, helper

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph
from fststyle.graph.norms import find_norms
from fststyle.graph.statistics import CORES, MEAN, MEASURED_COUNT, MEASURED_MEAN, MEASURED_VARIANCE, VARIANCE
from fststyle.graph.statistics_nodes import StatisticsNodes

# A network may have tensors of these names inside; torch calls them by what computes them.
_OURS = (MEAN, VARIANCE, CORES, MEASURED_MEAN, MEASURED_VARIANCE, MEASURED_COUNT)


class StatisticsForm:
    """A network's graph, its instance norms found.

    Attributes:
        graph: Folded, otherwise as in the file.
        norms: In the order in which they are computed.
    """

    def __init__(self, graph: Graph) -> None:
        graph.rename({name: f"network/{name}" for name in _OURS})
        self.graph = graph
        self.norms = find_norms(graph)
        self._opset = graph.opset

    @classmethod
    def read(cls, data: bytes) -> Self:
        """From the bytes of a file that `read_model` accepts."""
        return cls(Graph.read(data))

    @property
    def every(self) -> range:
        """The numbers of all norms, for `measured`."""
        return range(len(self.norms))

    def part(self, number: int) -> slice:
        """Where the channels of a norm lie in `Statistics`."""
        start = sum(norm.channels for norm in self.norms[:number])
        return slice(start, start + self.norms[number].channels)

    def build(
        self,
        *,
        given: bool = False,
        measured: Sequence[int] = (),
        cores: bool = False,
        picture: bool = True,
    ) -> bytes:
        """Write a graph with the weights of the network.

        Args:
            given: Add inputs `mean` and `variance`, float32 of shape (channels of all norms,), which the norms use for
                all items of a batch. Otherwise each norm uses its own statistics over positions and batch.
            measured: Numbers of the norms whose own statistics are added as outputs `measured_mean` and
                `measured_variance`, one norm after the other.
            cores: Add an input `cores`, int64 of shape (norms, 4): top, left, bottom and right of the positions over
                which each norm takes its statistics, in the norm's own tensor. Bottom and right are exclusive and may
                lie beyond the end. A third output, `measured_count`, int64 of shape (measured norms,), gives the number
                of these positions.
            picture: Whether the picture is an output too. If not, the graph ends at the last norm it measures.

        Returns:
            The bytes of a model. Inputs that its outputs do not depend on are left out of it.

        Raises:
            ModelFileError: `cores` is asked of a graph older than opset 10.
        """
        if cores and self._opset < 10:
            raise ModelFileError(
                f"this network has opset {self._opset}, which cannot cut out a part; export it with 10 or more"
            )
        builder = StatisticsNodes(self.graph, self.norms, given=given, cores=cores)
        outputs = [self.graph.model.graph.output[0]] if picture else []
        if measured:
            builder.tell(list(measured))
            outputs += [_vector(MEASURED_MEAN, None), _vector(MEASURED_VARIANCE, None)]
            if cores:
                outputs.append(helper.make_tensor_value_info(MEASURED_COUNT, TensorProto.INT64, [len(measured)]))
        channels = sum(norm.channels for norm in self.norms)
        inputs = [*self.graph.model.graph.input, _vector(MEAN, channels), _vector(VARIANCE, channels)]
        inputs.append(helper.make_tensor_value_info(CORES, TensorProto.INT64, [len(self.norms), 4]))
        model = self.graph.derived(builder.nodes(), inputs, outputs, builder.constants)
        return bytes(model.SerializeToString())


def _vector(name: str, length: int | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [length])
