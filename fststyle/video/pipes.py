"""Frames from standard input and to standard output, as y4m or as bare RGB bytes."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.system.warn import warn
from fststyle.video.clip import DEFAULT_RATE, Clip, Cut, Frame, Wanted, every, nothing_left, shrunk
from fststyle.video.color import FromRgb, ToRgb, matrix_by_size
from fststyle.video.timing import at_rate


class PipeReader:
    """Reads y4m, or RGB bytes where a size is given; a context manager like `VideoReader`.

    Attributes:
        clip: What is known of it.
    """

    def __init__(self, pipe: BinaryIO, cut: Cut, size: tuple[int, int] | None = None) -> None:
        """`size` is (width, height) of raw frames of 3 bytes a pixel; their rate is the cut's.

        Raises:
            VideoError: It is no y4m.
        """
        self._cut = cut
        rate = str(cut.rate or DEFAULT_RATE)
        self._container: Any
        try:
            if size is None:
                self._container = av.open(pipe, format="yuv4mpegpipe")
            else:
                options = {"video_size": f"{size[0]}x{size[1]}", "pixel_format": "rgb24", "framerate": rate}
                self._container = av.open(pipe, format="rawvideo", options=options)
        except (av.FFmpegError, OSError) as error:
            raise VideoError(
                f"standard input is not y4m ({error.strerror or error}); "
                "send y4m, or bare RGB with --raw WIDTHxHEIGHT and --fps"
            ) from error
        self._raw = size is not None
        stream: Any = self._container.streams.video[0]
        own = Fraction(stream.average_rate or DEFAULT_RATE)
        wanted = cut.rate or own
        self._own = own
        width, height = stream.codec_context.width, stream.codec_context.height
        width, height = shrunk(width, height, cut.max_side)
        self.clip = Clip(
            width=width,
            height=height,
            time_base=1 / wanted,
            rate=wanted,
            pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
        )

    def __enter__(self) -> "PipeReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def items(self, wanted: Wanted = every) -> Iterator[Frame]:
        """As `VideoReader.items`; times are counted from the start of the cut, and what is cut off ends there."""
        to_rgb = ToRgb()
        for number, (frame, tick) in enumerate(at_rate(self._frames(), self.clip.rate)):
            rgb = to_rgb(frame, self.clip.width, self.clip.height) if wanted(number) else None
            yield Frame(rgb, tick, 1)

    def _frames(self) -> Iterator[tuple[av.VideoFrame, Fraction, Fraction]]:
        start, seconds, given = self._cut.start or Fraction(0), Fraction(0), False
        try:
            for number, frame in enumerate(self._container.decode(video=0)):
                if self._cut.end is not None and seconds >= self._cut.end:
                    break
                if seconds >= start:
                    given = True
                    yield frame, seconds - start, 1 / self._own
                seconds = (number + 1) / self._own
        except (av.FFmpegError, OSError) as error:
            warn(
                f"standard input is cut off at {float(seconds):.1f} s ({error.strerror or error}); "
                "what comes before is painted"
            )
        if not seconds:
            raise VideoError("standard input holds not one whole frame; check what writes it, and --raw")
        if not given:
            raise nothing_left("standard input", self._cut, seconds)


class PipeWriter:
    """Writes y4m or RGB bytes; has the parts of `VideoWriter` that a pipe can have."""

    group = 1

    def __init__(self, pipe: BinaryIO, clip: Clip, *, raw: bool) -> None:
        self._pipe = pipe
        self._raw = raw
        self._container: Any = None
        if raw:
            return
        self._convert = FromRgb("yuv444p", matrix_by_size(clip.width, clip.height))
        self._container = av.open(_Unseekable(pipe), "w", format="yuv4mpegpipe")
        stream: Any = self._container.add_stream("wrapped_avframe", rate=clip.rate)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = clip.width, clip.height, "yuv444p"
        context.sample_aspect_ratio = clip.pixel_aspect
        context.color_range = 1
        self._stream, self._count = stream, 0

    def write(self, rgb: NDArray[np.uint8] | None, frame: Frame) -> None:
        """Add a picture.

        Raises:
            VideoError: Nobody reads any more.
        """
        if rgb is None:
            raise ValueError(f"frame {frame.pts} was not painted; a pipe cannot go on where another ended")
        try:
            if self._raw:
                self._pipe.write(np.ascontiguousarray(rgb).tobytes())
                return
            image = self._convert(rgb)
            image.pts = self._count
            image.time_base = 1 / self._stream.codec_context.framerate
            self._count += 1
            self._container.mux(self._stream.encode(image))
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"standard output was closed ({error.strerror or error}); write to a file") from error

    def copy(self, packet: "av.Packet[Any]") -> None:
        """A pipe of frames carries neither sound nor subtitles."""

    def close(self) -> None:
        """Send what is pending."""
        try:
            if self._container is not None:
                self._container.close()
            self._pipe.flush()
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"standard output was closed ({error.strerror or error}); write to a file") from error


class _Unseekable:
    """Hides that standard output may be a file: y4m is written front to back."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def write(self, data: bytes) -> int:
        return self._pipe.write(data)
