"""Many pictures through one stylizer: which file goes where, and one after the other.

A bad file becomes a result with an error in it; the others go on.
"""

import glob
import io
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import FststyleError, ImageError
from fststyle.files import is_file, is_folder, is_there, place_of
from fststyle.images import (
    WRITE_SUFFIXES,
    encode_picture,
    find_images,
    fit_longer_side,
    format_of,
    read_picture,
    write_picture,
)
from fststyle.picture import Picture

_STREAM = "-"

# While a larger picture is worked on, none is read ahead: two of them may not fit.
_READ_AHEAD_PIXELS = 16_000_000


class Painter(Protocol):
    """A `Stylizer` or a `Blend`."""

    def __call__(
        self,
        image: NDArray[np.uint8],
        *,
        strength: float,
        keep_color: bool,
        scale: float,
        mask: NDArray[np.uint8] | None,
        grain: float,
    ) -> NDArray[np.uint8]:
        """Paint (H, W, 3)."""


@dataclass(frozen=True)
class Job:
    """One picture.

    Attributes:
        source: None is standard input.
        target: None is standard output.
        suffix: Format to write, ".png".
        problem: Why it must not be done; None if it may.
    """

    source: Path | None
    target: Path | None
    suffix: str
    problem: str | None = None


@dataclass(frozen=True)
class Settings:
    """What is done to every picture.

    Attributes:
        max_side: Shrink to this many pixels first; None keeps the size.
        strength: As for `Controls`, like the next four.
        keep_color: The photo's own colors.
        scale: Of the brush.
        mask: Where to paint; the same for every picture, enlarged or shrunk to it.
        grain: Of what the network sees.
        quality: As for `encode_picture`.
    """

    max_side: int | None = None
    strength: float = 1.0
    keep_color: bool = False
    scale: float = 1.0
    mask: NDArray[np.uint8] | None = None
    grain: float = 0.0
    quality: int = 95


@dataclass(frozen=True)
class Result:
    """What became of a job; `seconds` is its own time for reading, painting and writing."""

    job: Job
    seconds: float
    error: FststyleError | None = None


def plan(
    inputs: Sequence[str],
    output: str | None,
    *,
    style: str,
    suffix: str | None = None,
    also_read: Sequence[Path] = (),
) -> list[Job]:
    """Say where each picture goes.

    One picture goes to the file or folder `output`, several into the folder `output`, a folder's pictures keep their
    place below it. Without `output`, `cat.jpg` becomes `cat_<style>.jpg` and `cats/` becomes `cats_<style>/` in the
    current folder. Of a folder, what an earlier run has put where this one writes is left out. A job that would
    overwrite any input, or the output of an earlier job, carries a `problem`.

    Args:
        inputs: Files, folders, patterns such as "photos/*.jpg", or "-" for standard input.
        output: A file, a folder, or "-" for standard output.
        style: For names, where no output is given.
        suffix: Format to write, ".png"; None keeps each picture's own, or PNG where we cannot write that.
        also_read: Files that are no pictures to paint and must not be overwritten either: a mask, the networks.

    Raises:
        ImageError: An input does not exist, or holds no pictures.
        ValueError: Inputs and output do not fit together.
    """
    if suffix is not None and suffix not in WRITE_SUFFIXES:
        raise ValueError(
            f"format must be one of {', '.join(known[1:] for known in WRITE_SUFFIXES)}, not {suffix[1:]!r}"
        )
    if _STREAM in inputs or output == _STREAM:
        return _refuse_overwriting([_plan_stream(inputs, output, suffix)], also_read)
    # The name comes out of the network's file and must not lead to another folder.
    style = re.sub(r"[^\w-]+", "_", style).strip("_") or "stylized"
    into = None if output is None else Path(output)
    found = [(source, below) for text in inputs for source, below in _expand(text, into, style)]
    if into is not None and len(inputs) == len(found) == 1 and found[0][1] is None and _names_a_file(output, into):
        return _refuse_overwriting([_into_file(found[0][0], into, suffix)], also_read)
    if into is not None and (is_file(into) or into.suffix.lower() in WRITE_SUFFIXES):
        raise ValueError(f"{len(found)} pictures cannot go into the one file {into}; name a folder")
    jobs = []
    for source, below in found:
        ending = suffix or (source.suffix if source.suffix.lower() in WRITE_SUFFIXES else ".png")
        if below is not None:  # found in the folder `below`
            target = (into or _own_folder(below, style)) / source.relative_to(below).with_suffix(ending)
        elif into is not None:
            target = into / f"{source.stem}{ending}"
        else:
            target = Path(f"{source.stem}_{style}{ending}")
        jobs.append(Job(source, target, ending))
    return _refuse_overwriting(jobs, also_read)


def shard(jobs: Sequence[Job], number: int, of: int) -> list[Job]:
    """Every `of`-th job from the `number`-th on, counted from 1: what one of several machines does.

    Raises:
        ValueError: There is no such part.
    """
    if not 1 <= number <= of:
        raise ValueError(f"a shard is i/n with i from 1 to n, not {number}/{of}")
    return list(jobs[number - 1 :: of])


def parse_shard(text: str) -> tuple[int, int]:
    """Read "2/8".

    Raises:
        ValueError: It is not two numbers.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if match is None:
        raise ValueError(f"a shard reads like 2/8, not {text!r}")
    return int(match[1]), int(match[2])


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
        begun = _read(waiting[0], settings, stdin)
        yield _write(_painted(begun, painter, settings), settings, stdout)
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


@dataclass(frozen=True)
class _Begun:
    """A job between two steps; once there is an error there is no picture."""

    job: Job
    seconds: float
    picture: Picture | None = None
    error: FststyleError | None = None


def _read(job: Job, settings: Settings, stdin: BinaryIO) -> _Begun:
    start = time.perf_counter()
    try:
        if job.problem is not None:
            raise ImageError(job.problem)
        picture = read_picture(io.BytesIO(stdin.read()) if job.source is None else job.source)
        if settings.max_side is not None:
            rgb = fit_longer_side(picture.rgb, settings.max_side)
            alpha = None if picture.alpha is None else fit_longer_side(picture.alpha, settings.max_side)
            picture = Picture(rgb, alpha)
    except FststyleError as error:
        return _Begun(job, time.perf_counter() - start, error=error)
    return _Begun(job, time.perf_counter() - start, picture)


def _painted(begun: _Begun, painter: Painter, settings: Settings) -> _Begun:
    if begun.picture is None:
        return begun
    start = time.perf_counter()
    picture, error = None, None
    try:
        stylized = painter(
            begun.picture.rgb,
            strength=settings.strength,
            keep_color=settings.keep_color,
            scale=settings.scale,
            mask=settings.mask,
            grain=settings.grain,
        )
        picture = Picture(stylized, begun.picture.alpha)
    except FststyleError as caught:
        error = caught
    return _Begun(begun.job, begun.seconds + time.perf_counter() - start, picture, error)


def _write(painted: _Begun, settings: Settings, stdout: BinaryIO) -> Result:
    job, picture = painted.job, painted.picture
    if picture is None:
        return Result(job, painted.seconds, painted.error)
    start = time.perf_counter()
    error = None
    try:
        if job.target is not None:
            write_picture(job.target, picture.rgb, picture.alpha, quality=settings.quality)
        else:
            _write_stream(encode_picture(picture.rgb, picture.alpha, job.suffix, quality=settings.quality), stdout)
    except FststyleError as caught:
        error = caught
    return Result(job, painted.seconds + time.perf_counter() - start, error)


def _write_stream(data: bytes, stdout: BinaryIO) -> None:
    try:
        stdout.write(data)
        stdout.flush()
    except OSError as error:
        raise ImageError(f"standard output was closed ({error.strerror or error}); write to a file with -o") from error


def _plan_stream(inputs: Sequence[str], output: str | None, suffix: str | None) -> Job:
    if len(inputs) != 1:
        raise ValueError("standard input and output carry one picture; name a single input")
    source = None if inputs[0] == _STREAM else Path(inputs[0])
    if output in (None, _STREAM):
        return Job(source, None, suffix or ".png")
    target = Path(output)
    if not _names_a_file(output, target):
        raise ValueError(f"a picture from standard input has no name to use in the folder {target}; name a file")
    return _into_file(source, target, suffix)


def _into_file(source: Path | None, target: Path, suffix: str | None) -> Job:
    """One picture into a file, whose name says the format."""
    if format_of(target.suffix) != format_of(suffix or target.suffix):
        raise ValueError(f"the output {target} is not a {suffix} file; drop the format or change the name")
    return Job(source, target, target.suffix)


def _names_a_file(output: str | None, path: Path) -> bool:
    return output is not None and bool(path.suffix) and not output.endswith(("/", "\\")) and not is_folder(path)


def _own_folder(folder: Path, style: str) -> Path:
    """Where a folder's pictures go if nobody says where."""
    return Path(f"{folder.resolve().name}_{style}")


def _expand(text: str, into: Path | None, style: str) -> Iterator[tuple[Path, Path | None]]:
    """Yield each picture with the folder it was looked for in, None if it was named itself."""
    path = Path(text)
    if is_folder(path):
        # A second run over the same folder must not take up the first one's results.
        target = (into or _own_folder(path, style)).resolve()
        written = target if path.resolve() in target.parents else None
        pictures = [found for found in find_images(path) if written is None or written not in found.resolve().parents]
        if not pictures:
            raise ImageError(f"{path} holds no pictures; name a folder with {', '.join(WRITE_SUFFIXES)} files")
        yield from ((found, path) for found in pictures)
    elif not is_there(path) and glob.has_magic(text):
        matches = sorted(match for match in map(Path, glob.glob(text, recursive=True)) if not is_folder(match))  # noqa: PTH207
        if not matches:
            raise ImageError(f"no file matches {text}; check the pattern")
        yield from ((match, None) for match in matches)
    else:
        yield path, None


def _refuse_overwriting(jobs: list[Job], also_read: Sequence[Path]) -> list[Job]:
    read = {place_of(path) for path in (*(job.source for job in jobs), *also_read) if path is not None}
    taken: dict[object, Path | None] = {}
    checked = []
    for job in jobs:
        problem = None
        if job.target is not None:
            place = place_of(job.target)
            if place in read:
                name = job.source or "standard input"
                problem = f"{name} would overwrite the input {job.target}; choose another output"
            elif place in taken:
                problem = f"{job.source} and {taken[place]} would both become {job.target}; stylize them separately"
            taken.setdefault(place, job.source)
        checked.append(Job(job.source, job.target, job.suffix, problem))
    return checked
