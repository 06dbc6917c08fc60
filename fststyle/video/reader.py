"""A video file as a stream of frames, upright RGB with their times, and of the packets that are copied."""

import math
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from fststyle.system.cores import usable_cores
from fststyle.video.clip import Clip, Cut, Frame, Wanted, every, nothing_left, shrunk, warn_of_transparency
from fststyle.video.color import ToRgb, refuse_hdr, refuse_other_matrix
from fststyle.video.decoding import Beginning, Decoder, Shown, frame_rate, has_alpha, undecodable
from fststyle.video.length import Length
from fststyle.video.part import Part
from fststyle.video.siting import says_nothing
from fststyle.video.source import copied_streams, opened, picture_stream
from fststyle.video.span import Span, origin
from fststyle.video.timing import at_rate, fine
from fststyle.video.upright import Orientation

# For decoding. A damaged frame among the last ones costs as many others as there are threads, so they are few.
_THREADS = min(4, usable_cores())


class _Timed(NamedTuple):
    """A frame on the output's clock; `duration` is 0 where the rate is made constant."""

    image: av.VideoFrame
    pts: int
    duration: int


class VideoReader:
    """A file that is open for reading; a context manager.

    Attributes:
        clip: What is known of it.
    """

    def __init__(self, path: Path, cut: Cut) -> None:
        self._path = path
        self._name = str(path)
        self._cut = cut
        with opened(path) as container, warnings.catch_warnings(action="ignore"):
            beginning = Beginning.of(container, picture_stream(container, self._name), self._name)
        self._opened = ExitStack()
        self._container = self._opened.enter_context(opened(path))
        try:
            self._stream = picture_stream(self._container, self._name)
            self._stream.thread_type = "AUTO"
            self._stream.codec_context.thread_count = _THREADS
            pictures = Fraction(beginning.pts or 0) * self._stream.time_base
            self._span = Span.of(cut, origin(self._container.start_time, pictures))
            self._length = Length(path, self._container, self._stream)
            self._decoding_delay = beginning.decoding_delay
            self.clip = self._look(beginning.frame)
        except BaseException:
            self._opened.close()
            raise

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def items(self, wanted: Wanted = every) -> Iterator["Frame | av.Packet[Any]"]:
        """Frames, and packets of the copied streams, in the order of the file.

        Args:
            wanted: Which frames are given with their pixels; asked just before each is given.

        Raises:
            VideoError: Not one frame can be decoded, or none lies in the cut.
        """
        to_rgb = ToRgb(left=says_nothing(self._path, self._stream.codec_context.name))
        number, packets = 0, []
        last: tuple[av.VideoFrame | None, NDArray[np.uint8] | None] = (None, None)

        decoder = Decoder(self._stream, self._name, self._decoding_delay)
        every_tick = self._cut.rate is not None
        part = Part(self._path, self._container, decoder, self.clip.copied, self._span, every_tick=every_tick)

        def decoded() -> Iterator[Shown]:
            for item in part.items():
                if isinstance(item, av.Packet):
                    packets.append(item)
                else:
                    yield item

        for frame, pts, duration in self._timed(part.lasting(decoded())):
            yield from packets
            packets.clear()
            if not wanted(number):
                rgb = None
            elif last[0] is frame and last[1] is not None:
                rgb = last[1]
            else:
                rgb = to_rgb(frame, self.clip.width, self.clip.height)
            last = frame, rgb
            yield Frame(rgb, pts, duration or None)
            number += 1
        yield from packets
        if not number:
            is_cut = self._cut.start is not None or self._cut.end is not None
            raise nothing_left(self._name, self._cut, self._length.seconds) if is_cut else undecodable(self._name)

    def _look(self, first: av.VideoFrame) -> Clip:
        """What the file says, and what only its first frame knows."""
        stream, name = self._stream, self._name
        refuse_hdr(int(stream.codec_context.color_trc), name)
        refuse_hdr(int(first.color_trc), name)
        refuse_other_matrix(int(first.colorspace), name)
        # The decoders of VP8 and VP9 leave it out; of others, `Decoder` sees it.
        if stream.metadata.get("alpha_mode") == "1" and not has_alpha(first):
            warn_of_transparency(name)
        width, height = first.width, first.height
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if Orientation.of(first).transposed:
            width, height, aspect = height, width, 1 / aspect
        width, height = shrunk(width, height, self._cut.max_side)
        rate = self._cut.rate or frame_rate(stream)
        base, _ = fine(Fraction(stream.time_base), self._span.zero)
        return Clip(
            width=width,
            height=height,
            time_base=base if self._cut.rate is None else 1 / rate,
            rate=rate,
            frames=self._count(rate),
            pixel_aspect=aspect if aspect > 0 else Fraction(1),
            primaries=int(first.color_primaries),
            transfer=int(first.color_trc),
            copied=tuple(copied_streams(self._container, name)),
            metadata=tuple(self._container.metadata.items()),
            chapters=tuple(self._span.chapters(self._container.chapters())),
        )

    def _count(self, rate: Fraction) -> int | None:
        whole = self._length.seconds
        if self._cut == Cut(max_side=self._cut.max_side) and self._length.frames is not None:
            return self._length.frames
        end = self._cut.end if whole is None else min(whole, self._cut.end or whole)
        return None if end is None else max(1, math.ceil((end - (self._cut.start or 0)) * rate))

    def _timed(self, frames: Iterator[Shown]) -> Iterator[_Timed]:
        """Frames at their own times, or at a constant rate."""
        zero, rate = self._span.zero, self._cut.rate
        unit, factor = fine(Fraction(self._stream.time_base), zero)
        shift = round(zero / unit)
        timed = (_Timed(image, pts * factor - shift, duration * factor) for image, pts, duration in frames)
        if self._span.start is not None:  # the frame that is on the screen then may have begun before
            timed = (_Timed(image, max(0, pts), duration + min(0, pts)) for image, pts, duration in timed)
        if rate is None:
            return timed
        seconds = ((image, pts * unit, duration * unit) for image, pts, duration in timed)
        return (_Timed(image, tick, 0) for image, tick in at_rate(seconds, rate))
