"""A video in groups of pictures that several processes paint, and the file that is made of them.

A file of ours has a key frame at the beginning of each group, and each group is compressed by itself. So groups that
were painted elsewhere and are joined here give, byte for byte, the file that one process writes.
"""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.video.clip import Clip, Frame
from fststyle.video.codecs import CODECS, GroupEncoder
from fststyle.video.color import FromRgb
from fststyle.video.convert import open_reader, refuse_input, unconverted
from fststyle.video.job import Done, Job, identity_of
from fststyle.video.partial import Partial
from fststyle.video.run import paint
from fststyle.video.writer import VideoWriter


class Compressed(NamedTuple):
    """A compressed frame.

    Attributes:
        data: As its encoder gave it.
        pts: In units of the clip's time base.
        key: Whether it is a key frame.
    """

    data: bytes
    pts: int
    key: bool


class GroupReader:
    """The frames of a video, group by group, forwards as cheaply as if all were read once; a context manager.

    Attributes:
        clip: What is known of it.
        group: Frames in a group; the last may have less.
    """

    def __init__(self, job: Job) -> None:
        self._reader = open_reader(job, io.BytesIO())
        self.clip: Clip = self._reader.clip
        self.group = GroupEncoder(CODECS[job.codec], self.clip, job.crf).group
        self._job = job
        self._first = 0
        self._next = 0
        self._frames = self._begun()

    def __enter__(self) -> "GroupReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._frames.close()
        self._reader.__exit__()

    def __call__(self, number: int) -> Iterator[Frame]:
        """The frames of a group, counted from 0; none behind the end."""
        first = number * self.group
        if first < self._next:  # of a worker that was lost, perhaps
            self._frames.close()
            self._reader.__exit__()
            self._reader = open_reader(self._job, io.BytesIO())
            self._next, self._frames = 0, self._begun()
        self._first = first
        while self._next < first + self.group:
            frame = next(self._frames, None)
            if frame is None:
                return
            self._next += 1
            if self._next > first:
                yield frame

    def _begun(self) -> "Any":
        def wanted(number: int) -> bool:
            return self._first <= number < self._first + self.group

        return (item for item in self._reader.items(wanted) if isinstance(item, Frame))


def compress(job: Job, clip: Clip, frames: Sequence[tuple[NDArray[np.uint8], Frame]]) -> list[Compressed]:
    """One group of pictures, (H, W, 3) each, compressed as `VideoWriter` does it.

    Raises:
        VideoError: The encoder fails.
    """
    codec = CODECS[job.codec]
    convert = FromRgb(codec.pixel_format)
    try:
        encoder = GroupEncoder(codec, clip, job.crf)
        for rgb, frame in frames:
            encoder.add(convert(rgb), frame)
        packets = encoder.packets()
    except (av.FFmpegError, OSError) as error:
        size = f"{clip.width}×{clip.height}"
        raise VideoError(f"{codec.encoder} fails at {size} ({error}); choose another --codec or --max-side") from error
    return [Compressed(bytes(packet), packet.pts, packet.is_keyframe) for packet in packets]


def check_output(job: Job, clip: Clip) -> None:
    """Find out before the work whether the output can be written and can hold the sound.

    Args:
        job: What is made of what.
        clip: Of a reader that is open.

    Raises:
        FststyleError: It cannot.
    """
    partial = Partial(Path(job.target), {})
    refuse_input(job, partial)
    try:
        writer = VideoWriter(partial.path, clip, job.codec, job.crf, sound=job.sound)
        writer.give_up()
    finally:
        with suppress(OSError):
            partial.path.unlink(missing_ok=True)


def join(
    job: Job, groups: Iterator[list[Compressed]], stop: Callable[[], bool] = lambda: False, *, resumed: int = 0
) -> Done:
    """Write the output: the groups in their order, and sound and subtitles of the input, once.

    Args:
        job: What is made of what.
        groups: All of them.
        stop: Asked before every frame; True ends it there, and leaves no file.
        resumed: How many frames an earlier run had painted.

    Raises:
        VideoError: The input cannot be read, the output not be written, or the groups are not those of this input.
    """
    partial = Partial(Path(job.target), identity_of(job))
    partial.path.unlink(missing_ok=True)
    try:
        with open_reader(job, io.BytesIO()) as reader:
            writer = _Joiner(partial.path, reader.clip, job, groups)
            try:
                progress = paint(reader, writer, _Nobody(), done=sys.maxsize, stop=stop, overlap=job.overlap)
                writer.close()
            except BaseException:
                writer.give_up()
                raise
        if stop():
            partial.discard()
            return Done(progress.frames, progress.seconds, resumed, None, False)
        _refuse_more(job, groups)
        partial.finish()
    except av.FFmpegError as error:
        raise unconverted(job, error) from error
    except BaseException:
        with suppress(OSError):
            partial.path.unlink(missing_ok=True)
        raise
    return Done(progress.frames, progress.seconds, resumed, partial.target, True)


class _Joiner(VideoWriter):
    """Takes each group as it was compressed elsewhere; what is written, and in which order, is the same."""

    def __init__(self, path: Path, clip: Clip, job: Job, groups: Iterator[list[Compressed]]) -> None:
        super().__init__(path, clip, job.codec, job.crf, sound=job.sound)
        self._groups = groups
        self._times: list[Frame] = []
        self._source = job.source

    def write(self, rgb: NDArray[np.uint8] | None, frame: Frame) -> None:  # noqa: ARG002 -- the writer's
        """Add the next frame at its time; its picture comes with its group."""
        if len(self._times) == self.group:
            self._join(next_pts=frame.pts)
        self._times.append(frame)

    def close(self) -> None:
        """As the writer does."""
        if self._times:
            self._join(next_pts=None)
        super().close()

    def _join(self, next_pts: int | None) -> None:
        frames, self._times = self._times, []
        packets = next(self._groups, [])
        if [packet.pts for packet in packets] != [frame.pts for frame in frames]:
            raise _changed(self._source)
        made = []
        for packet in packets:
            again: av.Packet[Any] = av.Packet(packet.data)
            again.pts, again.is_keyframe = packet.pts, packet.key
            made.append(again)
        self.flush_packets(made, frames, next_pts)


def _refuse_more(job: Job, groups: Iterator[list[Compressed]]) -> None:
    if next(groups, None) is not None:
        raise _changed(job.source)


def _changed(source: str) -> VideoError:
    return VideoError(f"{source} has changed while it was painted; start anew with --restart")


class _Nobody:
    """No frame is painted while groups are joined."""

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return rgb

    def state(self) -> dict[str, NDArray[Any]]:
        """None."""
        return {}

    def restore(self, state: Any) -> None:
        """Nothing."""
