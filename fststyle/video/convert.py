"""One video from file to file: painted beside its place, continued where a run was interrupted, renamed when whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av

from fststyle.errors import FststyleError, VideoError
from fststyle.system.file_kinds import Kind
from fststyle.system.files import is_there, reason_of, refuse_inputs, refuse_other_kind
from fststyle.video.animation import AnimationReader, is_webp
from fststyle.video.clip import Clip
from fststyle.video.job import STREAM, Done, Job, describe, identity_of
from fststyle.video.numbering import is_pictures
from fststyle.video.partial import Partial, State
from fststyle.video.pictures import PicturesReader
from fststyle.video.pipes import PipeReader, PipeWriter
from fststyle.video.reader import VideoReader
from fststyle.video.run import FrameFunction, Progress, paint
from fststyle.video.writer import VideoWriter

__all__ = ["STREAM", "Done", "Job", "convert", "describe"]


def convert(
    job: Job,
    function: FrameFunction,
    *,
    stdin: BinaryIO,
    stdout: BinaryIO,
    begun: Callable[[Clip, int], None] = lambda *_: None,
    painted: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Done:
    """Do a job.

    Args:
        job: What is to be made of what.
        function: What is done to every frame.
        stdin: For "-".
        stdout: For "-".
        begun: Told what is known of the video and how many frames are there already.
        painted: Told after every frame.
        stop: Asked before every frame; True ends the run there, with a file that plays.

    Raises:
        VideoError: The input cannot be read, or the output not be written.
    """
    try:
        with open_reader(job, stdin) as reader:
            if job.target == STREAM:
                _check_size(job, reader.clip)
                pipe = PipeWriter(stdout, reader.clip, raw=job.raw_output)
                begun(reader.clip, 0)
                progress = paint(reader, pipe, function, painted=painted, stop=stop, overlap=job.overlap)
                pipe.close()
                return Done(progress.frames, progress.seconds, 0, None, not stop())
            return _to_file(job, reader, function, begun, painted, stop)
    except av.FFmpegError as error:
        raise unconverted(job, error) from error


def open_reader(job: Job, stdin: BinaryIO) -> VideoReader | AnimationReader | PicturesReader | PipeReader:
    if job.source == STREAM:
        return PipeReader(stdin, job.cut, job.raw)
    if is_pictures(job.source):
        return PicturesReader(job.source, job.cut)
    if is_webp(Path(job.source)):
        return AnimationReader(Path(job.source), job.cut)
    return VideoReader(Path(job.source), job.cut)


def _check_size(job: Job, clip: Clip) -> None:
    if job.raw is not None and job.source != STREAM and job.raw != (clip.width, clip.height):
        raise VideoError(
            f"{job.source} is painted at {clip.width}×{clip.height} pixels, not {job.raw[0]}×{job.raw[1]}; "
            f"say --raw {clip.width}x{clip.height}, or shrink it with --max-side"
        )


def _to_file(
    job: Job,
    reader: VideoReader | AnimationReader | PicturesReader | PipeReader,
    function: FrameFunction,
    begun: Callable[[Clip, int], None],
    painted: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Done:
    partial = Partial(Path(job.target), identity_of(job))
    refuse_input(job, partial)
    done = _begin(job, partial)
    if done:
        function.restore(partial.states[done])
    waiting: dict[int, State] = {}

    def keep(frames: int) -> None:
        if frames in waiting:
            partial.remember(frames, waiting.pop(frames))

    begun(reader.clip, done)
    earlier = partial.earlier()
    with _leaving(job, partial):
        writer = VideoWriter(partial.path, reader.clip, job.codec, job.crf, keep, job.sound, earlier)
        try:
            progress = paint(
                reader,
                writer,
                function,
                done=done,
                painted=painted,
                remember=waiting.__setitem__,
                stop=stop,
                overlap=job.overlap,
            )
            whole = not stop()
            writer.close()
            earlier.close()
            if whole:
                partial.finish()
        except BaseException:
            writer.give_up()
            raise
    return Done(progress.frames, progress.seconds, done, partial.target if whole else partial.path, whole)


@contextmanager
def _leaving(job: Job, partial: Partial) -> Iterator[None]:
    """After a failure, keep what a run can go on from, and say so; remove what none can."""
    try:
        yield
    except BaseException as error:
        left = ""
        if is_there(partial.state_path):
            left = f"; {partial.path} keeps what is painted: {job.way_on}"
        else:
            partial.discard()
        if isinstance(error, FststyleError):
            if not left or "--resume" in str(error) or "--restart" in str(error):
                raise
            raise type(error)(f"{error}{left}") from error
        if isinstance(error, av.FFmpegError):
            raise unconverted(job, error, left) from error
        if isinstance(error, OSError):
            raise VideoError(
                f"cannot write {partial.target} ({reason_of(error)}); make room or choose another place{left}"
            ) from error
        raise


def unconverted(job: Job, error: av.FFmpegError, left: str = "") -> VideoError:
    source = "standard input" if job.source == STREAM else job.source
    return VideoError(
        f"FFmpeg cannot convert {source} ({error.strerror or error}); make an H.264 video of it first{left}"
    )


def refuse_input(job: Job, partial: Partial) -> None:
    if job.source != STREAM:
        for path in (partial.target, *partial.paths):
            refuse_inputs(path, Path(job.source))
    refuse_other_kind(partial.target, Kind.VIDEO, VideoError)


def _begin(job: Job, partial: Partial) -> int:
    """How many frames are there; throws them away where that is asked for."""
    if job.restart:
        partial.discard()
    if job.resume:
        return partial.recall()
    if is_there(partial.state_path):
        raise VideoError(f"{partial.path} is there from an interrupted run; {job.way_on}")
    partial.discard()
    return 0
