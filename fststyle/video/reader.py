"""A video file as a stream of frames, upright RGB with their times, and of the packets that are copied."""

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from fststyle.video.clip import Clip, Cut, Frame, nothing_left, shrunk, warn_of_transparency
from fststyle.video.color import ToRgb, refuse_hdr
from fststyle.video.decoding import Beginning, Decoder, Shown, frame_rate, undecodable
from fststyle.video.length import Length
from fststyle.video.seeking import on_screen, place_to_read_from, seek
from fststyle.video.source import copied_streams, opened, picture_stream
from fststyle.video.span import Span, origin
from fststyle.video.timing import at_rate, fine
from fststyle.video.upright import Orientation

# For decoding. A damaged frame among the last ones costs as many others as there are threads, so they are few.
_THREADS = min(4, os.cpu_count() or 1)

# Seconds by which a file may end earlier than it says.
_CUT_OFF = Fraction(1, 2)

# Seconds for which nothing may be shown when a part begins between two frames.
_BLINK = Fraction(1, 10)

# Seconds of pictures behind the part, after which no sound or subtitle of it is to be expected.
_INTERLEAVING = 10


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
        self._failure: av.FFmpegError | None = None
        self._waiting: set[int] = set()
        self._seen = Fraction(0)
        self._before: Shown | None = None
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

    def items(self, skip: int = 0) -> Iterator["Frame | av.Packet[Any]"]:
        """Frames, and packets of the copied streams, in the order of the file.

        Args:
            skip: How many frames to give without their pixels, which is quicker.

        Raises:
            VideoError: Not one frame can be decoded, or none lies in the cut.
        """
        to_rgb, number, packets = ToRgb(), 0, []
        last: tuple[av.VideoFrame | None, NDArray[np.uint8] | None] = (None, None)

        def decoded() -> Iterator[Shown]:
            for item in self._taken():
                if isinstance(item, av.Packet):
                    packets.append(item)
                else:
                    yield item

        for frame, pts, duration in self._timed(self._lasting(decoded())):
            yield from packets
            packets.clear()
            if number < skip:
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
        if stream.metadata.get("alpha_mode") == "1":  # of VP8 and VP9, whose decoders leave it out
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

    def _taken(self) -> Iterator["Shown | av.Packet[Any]"]:
        """Frames on the file's clock that lie in the span, and packets of its copied streams on the output's."""
        decoder = Decoder(self._stream, self._name, self._decoding_delay)
        self._waiting = {self._stream.index, *(stream.index for stream in self.clip.copied)}
        if self._span.start is not None:
            yield from self._on_screen(self._span.start)
            self._seek(self._span.start)
        for packet in self._packets():
            index = packet.stream.index  # not stream_index: it is 0 in the packets that drain the decoders
            if index not in self._waiting:
                if self._is_far_behind(packet):
                    return
                continue
            if index == self._stream.index:
                yield from self._shown(decoder(packet))
            elif packet.pts is not None or packet.dts is not None:
                yield from self._copied(packet)
            if not self._waiting:
                return
        yield from self._shown_already(None)
        self._warn_if_cut_off()

    def _is_far_behind(self, packet: "av.Packet[Any]") -> bool:
        seconds = None if packet.dts is None else packet.dts * packet.time_base
        return seconds is not None and self._span.is_behind(Fraction(seconds - _INTERLEAVING))

    def _shown(self, frames: Iterator[Shown]) -> Iterator[Shown]:
        """Those in the span."""
        base = Fraction(self._stream.time_base)
        for shown in frames:
            self._seen = max(self._seen, (shown.pts + shown.duration) * base)
            if self._span.is_before(shown.pts * base):
                self._before = shown
                continue
            yield from self._shown_already(shown.pts)
            if self._span.is_behind(shown.pts * base):
                self._waiting.discard(self._stream.index)
                return
            yield shown

    def _shown_already(self, ends: int | None) -> Iterator[Shown]:
        """The frame before the span, if it is to be seen in it: at a constant rate, or for longer than a blink.

        Args:
            ends: When the next frame is shown, in units of the stream's time base; None if there is none.
        """
        before, self._before = self._before, None
        if before is None or self._span.start is None:
            return
        base = Fraction(self._stream.time_base)
        begins = before.pts * base
        lasts = self._length.of_last(begins, before.duration * base) if ends is None else ends * base - begins
        seen = begins + lasts - self._span.start
        if seen > (_BLINK if self._cut.rate is None else 0):
            yield before

    def _lasting(self, frames: Iterator[Shown]) -> Iterator[Shown]:
        """The last frame is shown as long as the file says, but not beyond the span."""
        base, last = Fraction(self._stream.time_base), None
        for shown in frames:
            if last is not None:
                yield last
            last = shown
        if last is None:
            return
        begins = last.pts * base
        lasts = self._length.of_last(begins, last.duration * base)
        yield last._replace(duration=max(1, round(self._span.within(begins, lasts) / base)))

    def _copied(self, packet: "av.Packet[Any]") -> Iterator["av.Packet[Any]"]:
        """The packet, if it is in the span."""
        begins = Fraction(packet.pts if packet.pts is not None else packet.dts or 0) * packet.time_base
        self._seen = max(self._seen, begins + (packet.duration or 0) * packet.time_base)
        if self._span.is_behind(begins):
            self._waiting.discard(packet.stream.index)
        elif not self._span.is_before(begins) and not (packet.is_discard and self._span.is_hidden(begins)):
            yield self._span.placed(packet)

    def _on_screen(self, start: Fraction) -> Iterator["av.Packet[Any]"]:
        """Subtitles that are shown already when the span begins."""
        subtitles = [stream.index for stream in self.clip.copied if stream.type == "subtitle"]
        for packet in on_screen(self._path, self._stream.index, subtitles, start) if subtitles else []:
            packet.stream = self._container.streams[packet.stream_index]
            yield self._span.placed(packet, start)

    def _seek(self, start: Fraction) -> None:
        sounds = [stream.index for stream in self.clip.copied if stream.type == "audio"]
        place = place_to_read_from(self._path, self._stream.index, sounds, start)
        if place is not None:
            with suppress(av.FFmpegError):  # what cannot be sought is read from its beginning
                seek(self._container, place)

    def _packets(self) -> Iterator["av.Packet[Any]"]:
        """Up to where the file can be read; what the decoder still holds is asked for there, too."""
        try:
            yield from self._container.demux(self._stream, *self.clip.copied)
        except av.FFmpegError as error:
            self._failure = error
            last: av.Packet[Any] = av.Packet()
            last.stream = self._stream
            yield last

    def _warn_if_cut_off(self) -> None:
        """At the end of the file."""
        if self._failure is not None:
            warnings.warn(
                f"{self._name} is cut off at {float(self._seen):.1f} s ({self._failure.strerror}); "
                "what comes before is painted",
                stacklevel=2,
            )
            return
        promised = self._length.promised(self.clip.copied)
        if self._span.end is None and promised is not None and promised - self._seen > _CUT_OFF:
            begin = self._span.zero - (self._cut.start or 0)
            ends, wanted = float(self._seen - begin), float(promised - begin)
            warnings.warn(f"{self._name} is cut off: it ends at {ends:.1f} of {wanted:.1f} s", stacklevel=2)
