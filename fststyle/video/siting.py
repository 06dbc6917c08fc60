"""Where the colors of a frame lie, for codecs whose decoders do not say: at the left, as players take them.

FFmpeg's scaler takes frames that say nothing as centered. H.264, HEVC and MPEG-2 say "left" themselves. VP9, AV1, FFV1
and others say nothing, and players show them as they show H.264. Read as centered and written as left, their colors
would move by half a pixel with every painting.
"""

from pathlib import Path
from typing import Any

import av
from av.filter import Graph

_SILENT = frozenset(
    ("vp8", "vp9", "av1", "libdav1d", "ffv1", "prores", "dnxhd", "vc1", "wmv1", "wmv2", "wmv3", "flv1", "vp6", "vp6f")
)

# Matroska's ChromaSitingHorz, a number of one byte: it is passed on to the frames.
_STATED = b"\x55\xb7\x81"
_HEAD = 65536  # bytes of a file that are searched for it


def says_nothing(path: Path, codec: str) -> bool:
    """Whether neither the decoder of this name nor the header of a Matroska file says where colors lie."""
    if codec not in _SILENT:
        return False
    with path.open("rb") as file:
        return _STATED not in file.read(_HEAD)


class Left:
    """Frames with their colors at the left; one object for one clip."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form: tuple[Any, ...] = ()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The same pixels; what a frame is besides its pixels and colors may be lost."""
        form = (frame.format.name, frame.width, frame.height, frame.colorspace, frame.color_range)
        if self._graph is None or form != self._form:
            self._form, self._graph = form, Graph()
            source = self._graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            sited, sink = self._graph.add("setparams", "chroma_location=left"), self._graph.add("buffersink")
            source.link_to(sited)
            sited.link_to(sink)
            self._graph.configure()
        self._graph.push(frame)
        pulled = self._graph.pull()
        assert isinstance(pulled, av.VideoFrame)  # noqa: S101 -- the graph holds pictures only
        return pulled
