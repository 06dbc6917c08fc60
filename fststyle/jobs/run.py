"""Many pictures through one stylizer, one after the other.

A bad file becomes a result with an error in it; the others go on.
"""

import io
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import FststyleError, ImageError
from fststyle.jobs.plan import Job, parse_shard, plan, shard
from fststyle.paint.controls import Controls
from fststyle.pictures.files import encode_picture, read_picture, refuse_size, write_picture
from fststyle.pictures.picture import Picture
from fststyle.system.file_kinds import Kind
from fststyle.system.files import refuse_other_kind
from fststyle.system.ranges import is_whole, shown

__all__ = ["Job", "Painter", "Result", "Settings", "parse_shard", "plan", "run", "shard"]

# While a larger picture is worked on, none is read ahead: two of them may not fit.
_READ_AHEAD_PIXELS = 16_000_000


class Painter(Protocol):
    """A `Stylizer` or a `Blend`."""

    def __call__(self, image: NDArray[np.uint8], controls: Controls, /) -> NDArray[np.uint8]:
        """Paint (H, W, 3)."""


@dataclass(frozen=True)
class Settings:
    """What is done to every picture.

    Attributes:
        max_side: Shrink to this many pixels first; None keeps the size.
        controls: The same for every picture; a mask is enlarged or shrunk to it.
        quality: As for `encode_picture`.

    Raises:
        ValueError: A value is out of its range.
    """

    max_side: int | None = None
    controls: Controls = field(default_factory=Controls)
    quality: int = 95

    def __post_init__(self) -> None:
        if self.max_side is not None and not is_whole(self.max_side, 1):
            raise ValueError(f"max_side must be a whole number of at least 1, not {shown(self.max_side)}")
        if not is_whole(self.quality, 1, 100):
            raise ValueError(f"quality must be a whole number in 1..100, not {shown(self.quality)}")


@dataclass(frozen=True)
class Result:
    """What became of a picture.

    Attributes:
        job: Which picture it was, and where it went.
        seconds: For reading, painting and writing it.
        error: Why it was not painted; None if it was.
        skipped: Whether it was left out because its output was there already.
    """

    job: Job
    seconds: float
    error: FststyleError | None = None
    skipped: bool = False


def run(
    jobs: Iterable[Job],
    painter: Painter,
    settings: Settings,
    *,
    stdin: BinaryIO,
    stdout: BinaryIO,
) -> Iterator[Result]:
    """Do the jobs in their order: while one is painted, the next is read and the one before is written."""
    waiting = list(jobs)
    if len(waiting) == 1:
        # Nothing to overlap, and no second picture in memory.
        yield _write(_painted(_read(waiting[0], settings, stdin), painter, settings), settings, stdout)
        return
    written: Future[Result] | None = None
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        ahead = reader.submit(_read, waiting[0], settings, stdin) if waiting else None
        for number in range(len(waiting)):
            begun = (ahead or reader.submit(_read, waiting[number], settings, stdin)).result()
            more = number + 1 < len(waiting)
            small = begun.picture is None or begun.picture.rgb[:, :, 0].size <= _READ_AHEAD_PIXELS
            ahead = reader.submit(_read, waiting[number + 1], settings, stdin) if more and small else None
            painted = _painted(begun, painter, settings)
            if written is not None:
                yield written.result()
            written = writer.submit(_write, painted, settings, stdout)
            if not small:
                written.result()
            del begun, painted
        if written is not None:
            yield written.result()


@dataclass
class _Begun:
    """A job between two steps; once there is an error there is no picture."""

    job: Job
    seconds: float = 0.0
    picture: Picture | None = None
    error: FststyleError | None = None

    def step(self, what: str, do: Callable[[Any], Picture | None], remedy: str) -> "_Begun":
        """Do the next part of the job with its picture; whatever goes wrong becomes its error, and the others go on.

        The picture is handed over here so that no frame that an error keeps has it among its variables.
        """
        start = time.perf_counter()
        try:
            self.picture = do(self.picture)
        except Exception as error:  # noqa: BLE001 -- nobody knows what decoders, networks and encoders raise
            self.picture, self.error = None, _explained(error, self.job, what, remedy)
        self.seconds += time.perf_counter() - start
        return self


def _read(job: Job, settings: Settings, stdin: BinaryIO) -> _Begun:
    def read(_: None) -> Picture:
        if job.problem is not None:
            raise ImageError(job.problem)
        if job.target is not None:
            refuse_other_kind(job.target, Kind.PICTURE, ImageError)
        source = io.BytesIO(stdin.read()) if job.source is None else job.source
        if settings.max_side is None:
            picture = read_picture(source)
        else:
            # Twice as large as what it is shrunk to: the JPEG decoder's own shrinking is coarser.
            picture = read_picture(source, min_side_hint=2 * settings.max_side).fitted(settings.max_side)
        refuse_size(job.suffix, *picture.rgb.shape[:2])
        return picture

    return _Begun(job).step("read", read, "save it again as PNG or JPEG")


def _painted(begun: _Begun, painter: Painter, settings: Settings) -> _Begun:
    if begun.picture is None:
        return begun

    def paint(photo: Picture) -> Picture:
        return photo.painted(painter(photo.to_paint(), settings.controls))

    return begun.step("painted", paint, "try --max-side, or another network")


def _write(painted: _Begun, settings: Settings, stdout: BinaryIO) -> Result:
    job = painted.job
    if painted.picture is None:
        return Result(job, painted.seconds, painted.error)

    def write(picture: Picture) -> None:
        quality = settings.quality
        if job.target is not None:
            write_picture(job.target, picture.rgb, picture.alpha, quality=quality, painting=True)
            return
        data = encode_picture(picture.rgb, picture.alpha, job.suffix, quality=quality, painting=True)
        _write_stream(data, stdout)

    painted.step("written", write, "choose another --format")
    return Result(job, painted.seconds, painted.error)


def _write_stream(data: bytes, stdout: BinaryIO) -> None:
    try:
        stdout.write(data)
        stdout.flush()
    except OSError as error:
        raise ImageError(f"standard output was closed ({error.strerror or error}); write to a file with -o") from error


def _explained(error: Exception, job: Job, what: str, remedy: str) -> FststyleError:
    """An error of ours, in one line with the picture's name."""
    name = str(job.source or "standard input")
    ours: FststyleError
    if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
        ours = ImageError(
            f"{name} could not be {what}: it takes more memory than there is; shrink it with --max-side, or give "
            "--memory a smaller amount"
        )
    elif isinstance(error, FststyleError):
        ours = error if name in str(error) or job.problem else type(error)(f"{name}: {error}")
    else:
        reason = " ".join(str(error).split()) or "no reason given"
        ours = ImageError(f"{name} could not be {what} ({type(error).__name__}: {reason}); {remedy}")
    if ours is not error:
        ours.__cause__ = error
    _let_go(error)
    return ours


def _let_go(error: BaseException) -> None:
    """Free what the frames of a traceback hold: the pixels of every failed picture would stay until the end."""
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
