"""A video file as a stream of frames, upright RGB with their times, and of the packets that are copied."""

import math
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.video.clip import DEFAULT_RATE, Clip, Cut, Frame, nothing_left, shrunk
from fststyle.video.color import ToRgb, quarter_turns, refuse_hdr
from fststyle.video.source import copied_streams, opened, picture_stream
from fststyle.video.timing import Monotonic, at_rate

# A damaged stream is left after so many errors without a picture between them.
_MOST_ERRORS = 100

# Seconds by which a file may end earlier than it says.
_CUT_OFF = Fraction(1, 2)


class VideoReader:
    """A file that is open for reading; a context manager.

    Attributes:
        clip: What is known of it.
    """

    def __init__(self, path: Path, cut: Cut) -> None:
        self._name = str(path)
        self._cut = cut
        self._failure: av.FFmpegError | None = None
        with opened(path) as container:
            first = self._first_frame(container)
        self._opened = ExitStack()
        self._container = self._opened.enter_context(opened(path))
        try:
            self._stream = picture_stream(self._container, self._name)
            self._stream.thread_type = "AUTO"
            self.clip = self._look(first)
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

        def decoded() -> Iterator[tuple[av.VideoFrame, int]]:
            for item in self._decoded():
                if isinstance(item, av.Packet):
                    packets.append(item)
                else:
                    yield item

        for frame, pts in self._timed(decoded()):
            yield from packets
            packets.clear()
            if number < skip:
                rgb = None
            elif last[0] is frame and last[1] is not None:
                rgb = last[1]
            else:
                rgb = to_rgb(frame, self.clip.width, self.clip.height)
            last = frame, rgb
            duration = int(frame.duration) if frame.duration and self._cut.rate is None else None
            yield Frame(rgb, pts, duration)
            number += 1
        yield from packets
        if not number:
            raise nothing_left(self._name, self._cut, self._seconds) if self._is_cut else _undecodable(self._name)

    def _look(self, first: av.VideoFrame) -> Clip:
        """What the file says, and what only its first frame knows."""
        stream, name = self._stream, self._name
        refuse_hdr(int(stream.codec_context.color_trc), name)
        refuse_hdr(int(first.color_trc), name)
        if first.interlaced_frame:
            warnings.warn(f"{name} is interlaced; its fields are painted as one picture", stacklevel=3)
        width, height = first.width, first.height
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if quarter_turns(first) % 2:
            width, height, aspect = height, width, 1 / aspect
        width, height = shrunk(width, height, self._cut.max_side)
        rate = Fraction(stream.average_rate or stream.guessed_rate or DEFAULT_RATE)
        time_base = Fraction(stream.time_base)
        if self._cut.rate is not None:
            rate, time_base = self._cut.rate, 1 / self._cut.rate
        return Clip(
            width=width,
            height=height,
            time_base=time_base,
            rate=rate if 0 < rate <= 1000 else DEFAULT_RATE,
            frames=self._count(rate),
            pixel_aspect=aspect if aspect > 0 else Fraction(1),
            primaries=int(first.color_primaries),
            transfer=int(first.color_trc),
            copied=tuple(copied_streams(self._container, name)),
            metadata=tuple(self._container.metadata.items()),
            chapters=() if self._is_cut else tuple(self._container.chapters()),
        )

    @property
    def _is_cut(self) -> bool:
        return self._cut.start is not None or self._cut.end is not None

    def _first_frame(self, container: InputContainer) -> av.VideoFrame:
        """Of a container of its own: going back would leave out sound that begins before the pictures."""
        errors = 0
        with warnings.catch_warnings(action="ignore"):
            stream = picture_stream(container, self._name)
        with suppress(av.FFmpegError):
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    errors += 1
                    if errors > _MOST_ERRORS:
                        break
                    continue
                if frames:
                    frame: av.VideoFrame = frames[0]
                    return frame
        raise _undecodable(self._name)

    @property
    def _seconds(self) -> Fraction | None:
        """How long it is, if the file says so."""
        return None if self._container.duration is None else Fraction(self._container.duration, 1_000_000)

    def _count(self, rate: Fraction) -> int | None:
        whole = self._seconds
        if not self._is_cut and self._cut.rate is None and self._stream.frames:
            return int(self._stream.frames)
        end = self._cut.end if whole is None else min(whole, self._cut.end or whole)
        return None if end is None else max(1, math.ceil((end - (self._cut.start or 0)) * rate))

    def _timed(self, frames: Iterator[tuple[av.VideoFrame, int]]) -> Iterator[tuple[av.VideoFrame, int]]:
        if self._cut.rate is None:
            return frames
        base = Fraction(self._stream.time_base)
        own = Fraction(self._stream.average_rate or DEFAULT_RATE)
        return at_rate(((frame, pts * base) for frame, pts in frames), self._cut.rate, 1 / own)

    def _decoded(self) -> Iterator["tuple[av.VideoFrame, int] | av.Packet[Any]"]:
        """Frames with mended times that lie in the cut, and packets likewise."""
        base = Fraction(self._stream.time_base)
        origin = (self._stream.start_time or 0) * base if self._is_cut else Fraction(0)
        start = origin + (self._cut.start or 0)
        end = None if self._cut.end is None else origin + self._cut.end
        if self._cut.start:
            with suppress(av.FFmpegError):  # what cannot be sought is read from its beginning
                self._container.seek(int(start * 1_000_000), backward=True)
        own = self._stream.average_rate or DEFAULT_RATE
        place = Monotonic(base, round(1 / (own * base)), self._name)
        waiting = {self._stream.index, *(stream.index for stream in self.clip.copied)}
        size: tuple[int, int] | None = None
        shift = start if self._is_cut else Fraction(0)
        seen = Fraction(0)
        for packet in self._packets():
            index = packet.stream.index  # not stream_index: it is 0 in the packets that drain the decoders
            if index not in waiting:
                continue
            if index != self._stream.index:
                times = [time for time in (packet.pts, packet.dts) if time is not None]
                if not times:
                    continue  # the empty packet at the end
                if packet.dts is not None:
                    seen = max(seen, packet.dts * packet.time_base)
                seconds = times[0] * packet.time_base
                if end is not None and seconds >= end:
                    waiting.discard(index)
                elif not self._is_cut or seconds >= start:
                    yield _shifted(packet, shift)
            else:
                for frame in self._decode(packet):
                    pts = place(frame.pts)
                    seen = max(seen, pts * base)
                    if end is not None and pts * base >= end:
                        waiting.discard(index)
                        break
                    if pts * base < start and self._is_cut:
                        continue
                    if size not in (None, (frame.width, frame.height)):
                        self._warn_of_size(frame)
                    size = frame.width, frame.height
                    yield frame, pts - round(shift / base)
            if not waiting:
                return
        promised = self._seconds or Fraction(0)
        first = Fraction(max(self._container.start_time or 0, 0), 1_000_000)
        if self._failure is not None:
            warnings.warn(
                f"{self._name} is cut off at {float(seen):.1f} s ({self._failure.strerror}); "
                "what comes before is painted",
                stacklevel=2,
            )
        elif end is None and promised - (seen - first) > _CUT_OFF:
            warnings.warn(
                f"{self._name} is cut off: it ends at {float(seen):.1f} of {float(promised):.1f} s", stacklevel=2
            )

    def _packets(self) -> Iterator["av.Packet[Any]"]:
        """Up to where the file can be read; what the decoder still holds is asked for there, too."""
        try:
            yield from self._container.demux(self._stream, *self.clip.copied)
        except av.FFmpegError as error:
            self._failure = error
            last: av.Packet[Any] = av.Packet()
            last.stream = self._stream
            yield last

    def _decode(self, packet: "av.Packet[Any]") -> list[av.VideoFrame]:
        try:
            return list(packet.decode())
        except av.FFmpegError as error:
            at = "" if packet.pts is None else f" at {float(packet.pts * packet.time_base):.1f} s"
            warnings.warn(f"{self._name} is damaged{at} ({error.strerror}); what can be read is painted", stacklevel=2)
            return []

    def _warn_of_size(self, frame: av.VideoFrame) -> None:
        warnings.warn(
            f"{self._name} goes on with frames of {frame.width}×{frame.height}; "
            "they are scaled to the size of the first",
            stacklevel=2,
        )


def _undecodable(name: str) -> VideoError:
    return VideoError(f"{name}: no frame of it can be decoded; download or export it again")


def _shifted(packet: "av.Packet[Any]", shift: Fraction) -> "av.Packet[Any]":
    if shift:
        units = round(shift / Fraction(packet.time_base))
        packet.pts = None if packet.pts is None else packet.pts - units
        packet.dts = None if packet.dts is None else packet.dts - units
    return packet
