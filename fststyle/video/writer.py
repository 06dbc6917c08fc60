"""A video file that plays up to its last second whenever its writer dies, and whose parts are independent.

Every group of pictures is compressed by itself (`codecs.py`). So a file that was interrupted and continued has the same
frames as one that was not. There are no B-frames: the times in the file are those of the frames, without edit lists.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.video.clip import Clip, Frame
from fststyle.video.codecs import CODECS, GroupEncoder, as_encoded
from fststyle.video.color import FromRgb
from fststyle.video.copies import FORMATS, Copies
from fststyle.video.display_size import say_pixel_aspect

_FULL_DISK = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


class VideoWriter:
    """Writes frames and packets to a file; a context manager, which does not close what an exception left.

    Attributes:
        group: After so many frames the file can be continued.
        written: How many frames were handed to the file.
    """

    def __init__(
        self,
        path: Path,
        clip: Clip,
        codec: str = "h264",
        crf: int | None = None,
        on_group: Callable[[int], None] = lambda _: None,
        sound: str = "copy",
        earlier: Iterator["av.Packet[Any]"] = iter(()),  # noqa: B008 -- an empty one is the same for everybody
    ) -> None:
        """Open the file.

        Args:
            path: With one of `copies.FORMATS`; replaced.
            clip: What is to be written.
            codec: One of `CODECS`.
            crf: Quality, lower is better; None is the codec's own.
            on_group: Told the number of frames, each time a group of pictures was handed to the file.
            sound: What is done with sound, one of `copies.SOUNDS`.
            earlier: The compressed frames of an earlier run, for frames that come without pixels.

        Raises:
            VideoError: The file cannot be made, or cannot hold what is to be copied.
        """
        self._path = path
        self._clip = clip
        self._codec = CODECS[codec]
        self._encoder = GroupEncoder(self._codec, clip, crf)
        self._on_group = on_group
        self._convert = FromRgb(self._codec.pixel_format)
        self._sound = sound
        self._pending: list[Frame] = []
        self._earlier = earlier
        self.group = self._encoder.group
        self.written = 0
        self._container = self._open()

    def write(self, rgb: NDArray[np.uint8] | None, frame: Frame) -> None:
        """Add a picture at the time that `frame` has; None takes the next one of the earlier run."""
        if rgb is None:
            self._repeat(frame)
            return
        if len(self._pending) == self.group:
            self._flush(next_pts=frame.pts)
        try:
            self._encoder.add(self._convert(rgb), frame)
        except (av.FFmpegError, OSError) as error:
            raise self._unencodable(error) from error
        self._pending.append(frame)

    def copy(self, packet: "av.Packet[Any]") -> None:
        """Add a packet of one of the clip's copied streams, in the form that the file can hold."""
        for made in self._copies.packets(packet):
            self._mux(made)

    def close(self) -> None:
        """Write what is pending, and the end of the file.

        Raises:
            VideoError: The disk is full, or the file cannot be written.
        """
        if self._pending:
            self._flush(next_pts=None)
        try:
            for packet in self._copies.rest():
                self._mux(packet)
            self._container.close()
            if FORMATS[self._path.suffix.lower()] == "matroska" and self._clip.pixel_aspect != 1:
                context = self._stream.codec_context
                say_pixel_aspect(self._path, context.width, context.height, self._clip.pixel_aspect)
            descriptor = os.open(self._path, os.O_RDWR)  # Windows writes through only what may be written
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except (av.FFmpegError, OSError) as error:
            raise self._problem(error) from error

    def give_up(self) -> None:
        """End the file with what there is, if that is possible."""
        with suppress(VideoError):
            self.close()
        with suppress(av.FFmpegError, OSError):
            self._container.close()

    def _open(self) -> Any:
        suffix = self._path.suffix.lower()
        # FFmpeg's assertions end the program where the end of a subtitle in an MP4 comes long before its pictures.
        subtitles = FORMATS[suffix] != "matroska" and any(stream.type == "subtitle" for stream in self._clip.copied)
        delta = "3000000" if subtitles else "200000"
        options = {"max_interleave_delta": delta, "avoid_negative_ts": "disabled"}
        if FORMATS[suffix] != "matroska":
            # The moov waits for the first fragment: written before, its edit list makes readers of an unfinished file
            # drop all of the first fragment but its key frame. A fragment waits for a fifth of a second at most.
            options |= {"movflags": "hybrid_fragmented+delay_moov", "use_editlist": "1", "frag_duration": "200000"}
        else:
            options |= {"cluster_time_limit": "1000", "flush_packets": "1"}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            container = av.open(
                str(self._path.absolute()),  # as in source.py
                "w",
                format=FORMATS[suffix],
                options=options | {"flush_packets": "1"},
            )
        except (av.FFmpegError, OSError) as error:
            raise self._problem(error) from error
        stream: Any = container.add_stream(self._codec.encoder, options=self._encoder.options())
        self._encoder.settle(stream.codec_context)
        try:
            stream.codec_context.open()
        except av.FFmpegError as error:
            raise self._unencodable(error) from error
        stream.time_base = self._clip.time_base
        self._stream = stream
        self._copies = Copies(container, suffix, self._clip.copied, self._sound)
        container.metadata.update(dict(self._clip.metadata))
        if self._clip.chapters:
            container.set_chapters(list(self._clip.chapters))
        try:
            container.start_encoding()
        except (av.FFmpegError, OSError) as error:
            raise self._problem(error) from error
        return container

    def _flush(self, next_pts: int | None) -> None:
        """Write a group of pictures; the next frame's time says how long the last one is shown."""
        frames, self._pending = self._pending, []
        try:
            packets = self._encoder.packets()
        except (av.FFmpegError, OSError) as error:
            raise self._unencodable(error) from error
        self.flush_packets(packets, frames, next_pts)

    def flush_packets(self, packets: list[Any], frames: list[Frame], next_pts: int | None) -> None:
        """Hand a compressed group of pictures to the file, a packet a frame."""
        ends = [frame.pts for frame in frames[1:]] + [self._end_of(frames[-1], next_pts)]
        for packet, end in zip(packets, ends, strict=True):
            packet.stream, packet.time_base = self._stream, self._clip.time_base
            packet.dts = packet.pts
            packet.duration = end - packet.pts
            self._mux(packet)
            self.written += 1
        self._on_group(self.written)

    def _repeat(self, frame: Frame) -> None:
        packet = next(self._earlier, None)
        if packet is None:
            raise VideoError(f"what an earlier run left of {self._path} is cut off; start anew with --restart")
        base = self._clip.time_base
        # A container may round times to its own units.
        if packet.pts is None or abs(packet.pts * packet.time_base - frame.pts * base) > Fraction(1, 500):
            raise VideoError(f"what an earlier run left of {self._path} has other times; start anew with --restart")
        again: av.Packet[Any] = av.Packet(bytes(packet) if self._codec.crf is None else as_encoded(bytes(packet)))
        again.stream, again.time_base, again.is_keyframe = self._stream, base, packet.is_keyframe
        again.pts = again.dts = frame.pts
        again.duration = round((packet.duration or 0) * packet.time_base / base)
        self._mux(again)
        self.written += 1

    def _end_of(self, frame: Frame, next_pts: int | None) -> int:
        if next_pts is not None:
            return next_pts
        return frame.pts + (frame.duration or max(1, round(1 / (self._clip.rate * self._clip.time_base))))

    def _mux(self, packet: "av.Packet[Any]") -> None:
        try:
            self._container.mux_one(packet)
        except (av.FFmpegError, OSError) as error:
            raise self._problem(error) from error

    def _unencodable(self, error: Exception) -> VideoError:
        reason = getattr(error, "strerror", None) or error
        size = f"{self._clip.width}×{self._clip.height}"
        return VideoError(f"{self._codec.encoder} fails at {size} ({reason}); choose another --codec or --max-side")

    def _problem(self, error: Exception) -> VideoError:
        number, reason = getattr(error, "errno", None), getattr(error, "strerror", None) or str(error)
        if number in _FULL_DISK:
            return VideoError(
                f"the disk is full: {self._path} ({reason}); make room, then --resume, or --restart if from a pipe"
            )
        return VideoError(f"cannot write {self._path} ({reason}); choose another place or format")
