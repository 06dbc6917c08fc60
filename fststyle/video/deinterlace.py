"""Whole pictures from interlaced frames: ffmpeg's bwdif, one picture a frame; other frames are left as they are."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

import av

from fststyle.system.warn import warn

_Tag = TypeVar("_Tag")


class Deinterlacer(Generic[_Tag]):
    """Starts at the first interlaced frame; from there on, frames come out one frame late."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._filter: _Bwdif | None = None
        self._tags: deque[_Tag] = deque()
        self._warned = False

    def __call__(self, frame: av.VideoFrame, tag: _Tag) -> Iterator[tuple[av.VideoFrame, _Tag]]:
        """The frames that are ready, each with the tag that it came with."""
        if self._filter is not None and self._filter.form != _form(frame):
            yield from self.rest()
        if self._filter is None:
            if not frame.interlaced_frame:
                yield frame, tag
                return
            self._warn()
            self._filter = _Bwdif(frame)
        self._tags.append(tag)
        yield from self._tagged(self._filter(frame))

    def rest(self) -> Iterator[tuple[av.VideoFrame, _Tag]]:
        """What is still held back."""
        if self._filter is not None:
            yield from self._tagged(self._filter(None))
            self._filter = None

    def _tagged(self, frames: list[av.VideoFrame]) -> Iterator[tuple[av.VideoFrame, _Tag]]:
        return ((frame, self._tags.popleft()) for frame in frames)

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            warn(f"{self._name} is interlaced; it is deinterlaced, one picture a frame")


class _Bwdif:
    def __init__(self, frame: av.VideoFrame) -> None:
        self.form = _form(frame)
        self._graph = graph = av.filter.Graph()  # its filters do not keep it alive
        width, height, pixels, matrix, color_range = self.form
        buffer = f"video_size={width}x{height}:pix_fmt={pixels}:colorspace={matrix}:range={color_range}"
        self._source = graph.add("buffer", f"{buffer}:time_base=1/1000")  # no times are read from the filter
        bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        self._sink = graph.add("buffersink")
        self._source.link_to(bwdif)
        bwdif.link_to(self._sink)
        graph.configure()

    def __call__(self, frame: av.VideoFrame | None) -> list[av.VideoFrame]:
        """The frames that are ready; None asks for the last ones."""
        self._source.push(frame)
        ready = []
        while True:
            try:
                ready.append(self._sink.pull())
            except (av.BlockingIOError, av.EOFError):
                return ready  # type: ignore[return-value]


def _form(frame: av.VideoFrame) -> tuple[int, int, str, int, int]:
    return frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range)
