"""One video from file to file: painted beside its place, continued where a run was interrupted, renamed when whole."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av

from fststyle.errors import FststyleError, VideoError
from fststyle.pictures.formats import WRITE_SUFFIXES
from fststyle.system.file_kinds import Kind
from fststyle.system.files import is_file, is_there, reason_of, refuse_inputs, refuse_other_kind
from fststyle.video.animation import AnimationReader, is_webp
from fststyle.video.clip import Clip, Cut
from fststyle.video.copies import SOUNDS
from fststyle.video.numbering import is_pictures
from fststyle.video.partial import Partial, State, in_words
from fststyle.video.pictures import PicturesReader
from fststyle.video.pipes import PipeReader, PipeWriter
from fststyle.video.reader import VideoReader
from fststyle.video.run import FrameFunction, Progress, paint
from fststyle.video.writer import CODECS, SUFFIXES, VideoWriter

STREAM = "-"


@dataclass(frozen=True)
class Job:
    """What is to be made of what.

    Attributes:
        source: A video, a folder or pattern of pictures, or "-".
        target: A file of `SUFFIXES`, or "-".
        cut: Which part, how large, at which rate.
        codec: One of `CODECS`.
        crf: Its quality; None for its own.
        raw: (width, height) of bare RGB frames on standard input; if that is not the input, on standard output.
        raw_output: Write bare RGB to standard output, not y4m.
        resume: Go on with what an earlier run left.
        restart: Throw it away.
        identity: What else must be the same for a run to be continued.
        overlap: Read and write in threads of their own.
        sound: What is done with sound, one of `SOUNDS`: it is copied, encoded to AAC, or left out.
    """

    source: str
    target: str
    cut: Cut = field(default_factory=Cut)
    codec: str = "h264"
    crf: int | None = None
    raw: tuple[int, int] | None = None
    raw_output: bool = False
    resume: bool = False
    restart: bool = False
    identity: dict[str, Any] = field(default_factory=dict)
    overlap: bool = True
    sound: str = "copy"

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise ValueError(f"codec must be one of {', '.join(CODECS)}, not {self.codec!r}")
        if self.sound not in SOUNDS:
            raise ValueError(f"sound must be one of {', '.join(SOUNDS)}, not {self.sound!r}")
        if self.crf is not None and not 0 <= self.crf <= 51:
            raise ValueError(f"crf must lie in 0..51, not {self.crf}")
        if self.crf is not None and CODECS[self.codec].crf is None:
            raise ValueError(f"{self.codec} loses nothing, whatever the crf; leave it out")
        if self.raw is not None and STREAM not in (self.source, self.target):
            raise ValueError("bare RGB goes through standard input or output only; leave --raw out, or name one as -")
        if self.target == STREAM:
            if self.resume or self.restart:
                raise ValueError("nothing is kept of what went to standard output; leave --resume and --restart out")
            return
        suffix = Path(self.target).suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(
                f"cannot write videos called '*{suffix}'; use one of {', '.join(SUFFIXES)}"
                + ("; a picture is painted with fststyle stylize" if suffix in WRITE_SUFFIXES else "")
            )
        if self.codec == "ffv1" and suffix != ".mkv":
            raise ValueError(f"ffv1 goes into .mkv, not {suffix}; change the name")
        if self.resume and self.source == STREAM:
            raise ValueError("standard input cannot be read again; a run from it cannot be resumed")

    @property
    def way_on(self) -> str:
        """What to do after an interruption, for messages."""
        if self.source == STREAM:
            return "send everything again, with --restart"
        return "go on with --resume, or throw it away with --restart"


@dataclass(frozen=True)
class Done:
    """What became of a job.

    Attributes:
        frames: How many the file has.
        seconds: The last one's time.
        resumed: How many of them an earlier run had painted.
        path: The file; None is standard output.
        whole: Whether it is the whole video; if not, `path` is what there is of it.
    """

    frames: int
    seconds: Fraction
    resumed: int
    path: Path | None
    whole: bool


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
        with _reader(job, stdin) as reader:
            if job.target == STREAM:
                _check_size(job, reader.clip)
                pipe = PipeWriter(stdout, reader.clip, raw=job.raw_output)
                begun(reader.clip, 0)
                progress = paint(reader, pipe, function, painted=painted, stop=stop, overlap=job.overlap)
                pipe.close()
                return Done(progress.frames, progress.seconds, 0, None, not stop())
            return _to_file(job, reader, function, begun, painted, stop)
    except av.FFmpegError as error:
        raise _unconverted(job, error) from error


def _reader(job: Job, stdin: BinaryIO) -> VideoReader | AnimationReader | PicturesReader | PipeReader:
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
    partial = Partial(Path(job.target), _identity(job))
    _refuse_input(job, partial)
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
            raise _unconverted(job, error, left) from error
        if isinstance(error, OSError):
            raise VideoError(
                f"cannot write {partial.target} ({reason_of(error)}); make room or choose another place{left}"
            ) from error
        raise


def _unconverted(job: Job, error: av.FFmpegError, left: str = "") -> VideoError:
    source = "standard input" if job.source == STREAM else job.source
    return VideoError(
        f"FFmpeg cannot convert {source} ({error.strerror or error}); make an H.264 video of it first{left}"
    )


def _refuse_input(job: Job, partial: Partial) -> None:
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


def _identity(job: Job) -> dict[str, Any]:
    source = Path(job.source)
    facts: dict[str, Any] = {"input": job.source}
    if is_file(source):
        status = source.stat()
        facts["input"] = [source.name, status.st_size, status.st_mtime_ns]
    cut = {key: None if value is None else str(value) for key, value in asdict(job.cut).items()}
    encoder = {"codec": job.codec, "crf": job.crf, "sound": job.sound, "cores": os.cpu_count(), "PyAV": av.__version__}
    # As it will come back from JSON.
    return facts | {key.replace("_", "-"): value for key, value in (cut | encoder | job.identity).items()}


def describe(done: Done) -> str:
    """One line for people."""
    what = f"{done.frames:,} frames, {in_words(done.seconds)}"
    return f"{done.path} ({what})" if done.whole else f"{done.path} plays up to {in_words(done.seconds)}"
