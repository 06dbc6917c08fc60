"""Sound of any kind -> AAC, for files that cannot hold it as it is."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph

_RATES = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
_BITS = 96_000  # a second and channel
_SAMPLES = 1024  # in a packet


class AacEncoder:
    """Decodes packets and encodes them again; gaps become silence.

    Attributes:
        stream: The stream that was added for it.
    """

    def __init__(self, container: Any, source: Any) -> None:
        self._decoder = source.codec_context
        rate = self._decoder.sample_rate if self._decoder.sample_rate in _RATES else 48000
        channels = self._decoder.channels if self._decoder.channels in _LAYOUTS else 2
        self.stream: Any = container.add_stream("aac", rate=rate, layout=_LAYOUTS[channels])
        self.stream.bit_rate = _BITS * channels
        self.stream.time_base = self.stream.codec_context.time_base = Fraction(1, rate)
        self._form = f"sample_fmts=fltp:sample_rates={rate}:channel_layouts={_LAYOUTS[channels]}"
        self._graph: Graph | None = None
        self._kind: tuple[str, str, int] | None = None

    def __call__(self, packet: "av.Packet[Any] | None") -> Iterable["av.Packet[Any]"]:
        """Packets of AAC; None is the end."""
        packets: list[av.Packet[Any]] = []
        for frame in self._frames(packet):
            packets += self._encoded(frame)
        if packet is None:
            for frame in self._pulled(None):
                packets += self._encoded(frame)
            packets += self._encoded(None)
        return packets

    def _frames(self, packet: "av.Packet[Any] | None") -> Iterator[av.AudioFrame]:
        try:
            decoded = self._decoder.decode(packet)
        except av.FFmpegError:
            return  # what is missing becomes silence
        for frame in decoded:
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind != self._kind:
                yield from self._pulled(None)
                self._kind, self._graph = kind, self._graph_for(frame)
            yield from self._pulled(frame)

    def _graph_for(self, frame: av.AudioFrame) -> Graph:
        graph = Graph()
        nodes: list[Any] = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base,
            ),
            graph.add("aresample", "async=1"),
            graph.add("aformat", self._form),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        graph.set_audio_frame_size(_SAMPLES)
        return graph

    def _pulled(self, frame: av.AudioFrame | None) -> Iterator[av.AudioFrame]:
        if self._graph is None:
            return
        self._graph.push(frame)
        while True:
            try:
                made: Any = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield made

    def _encoded(self, frame: av.AudioFrame | None) -> list["av.Packet[Any]"]:
        packets: list[av.Packet[Any]] = self.stream.codec_context.encode(frame)
        for packet in packets:
            packet.time_base = self.stream.codec_context.time_base
        return packets
