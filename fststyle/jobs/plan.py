"""Which picture goes where: names, folders and patterns become jobs."""

import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fststyle.errors import ImageError
from fststyle.pictures.files import WRITE_SUFFIXES, find_images, format_of, suffix_to_write
from fststyle.pictures.formats import is_video
from fststyle.pictures.provenance import is_painting
from fststyle.system.counts import counted
from fststyle.system.files import is_file, is_folder, is_there, place_of
from fststyle.system.ranges import is_whole, shown
from fststyle.system.shell import for_shell
from fststyle.system.urls import is_url
from fststyle.system.warn import warn

_STREAM = "-"

_Job = TypeVar("_Job")


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
    current folder. A job that would overwrite any input, or the output of an earlier job, carries a `problem`.

    Of a folder or pattern, what lies where this run writes is left out, and so are paintings of any earlier run, by
    their mark (`provenance`), if there are other pictures besides. A painting that is named itself is painted, unless
    the picture it was made of is named as well: that is what `*.jpg` in a shell does.

    Args:
        inputs: Files, folders, patterns such as "photos/*.jpg", or "-" for standard input.
        output: A file, a folder, or "-" for standard output.
        style: For names, where no output is given.
        suffix: Format to write, ".png"; None keeps each picture's own, or PNG where we cannot write that.
        also_read: Files that are no pictures to paint and must not be overwritten either: a mask, the networks.

    Raises:
        ImageError: The only input holds no pictures; one of several becomes a job with that problem.
        ValueError: Inputs and output do not fit together.
    """
    if suffix is not None and suffix not in WRITE_SUFFIXES:
        raise ValueError(
            f"format must be one of {', '.join(known[1:] for known in WRITE_SUFFIXES)}, not {suffix[1:]!r}"
        )
    if output is not None and is_url(output):
        raise ValueError(f"{output} is no path; to write to an object store, add --on ray")
    if "" in (*inputs, output):
        raise ValueError("an input or the output has an empty name; name a file or folder")
    if _STREAM in inputs or output == _STREAM:
        return _refuse_overwriting([_plan_stream(inputs, output, suffix)], also_read)
    # The name comes out of the network's file and must not lead to another folder.
    style = re.sub(r"[^\w-]+", "_", style).strip("_") or "stylized"
    into = None if output is None else Path(output)
    expanded: list[tuple[Path, Path | None]] = []
    lost: list[Job] = []
    for text in inputs:
        try:
            expanded += _expand(text, into, style)
        except ImageError as error:
            if len(inputs) == 1:
                raise
            lost.append(Job(Path(text), None, ".png", str(error)))
    found = _without_products(expanded)
    if into is not None and len(inputs) == len(found) == 1 and found[0][1] is None and _names_a_file(output, into):
        return _refuse_overwriting([_into_file(found[0][0], into, suffix)], also_read)
    if into is not None and is_there(into) and not (is_file(into) or is_folder(into)):
        raise ValueError(f"{into} is neither a file nor a folder; write to standard output with -o -")
    if into is not None and (is_file(into) or (into.suffix.lower() in WRITE_SUFFIXES and not is_folder(into))):
        if len(found) == 1 and is_file(into):
            raise ValueError(f"{into} is a file, whose name does not say a format; name a folder, or a file like a.png")
        raise ValueError(f"{counted(len(found), 'picture')} cannot go into the one file {into}; name a folder")
    jobs = []
    for source, below in found:
        ending = suffix or suffix_to_write(source)
        if below is not None:  # found in the folder `below`
            target = (into or _own_folder(below, style)) / source.relative_to(below).with_suffix(ending)
        elif into is not None:
            target = into / f"{source.stem}{ending}"
        else:
            target = Path(f"{source.stem}_{style}{ending}")
        jobs.append(Job(source, target, ending, _looks_like_output(source, inputs) if output is None else None))
    return _refuse_overwriting(jobs, also_read) + lost


def shard(jobs: Sequence[_Job], number: int, of: int) -> list[_Job]:
    """Every `of`-th job from the `number`-th on, counted from 1: what one of several machines does.

    Raises:
        ValueError: There is no such part.
    """
    if not is_whole(of, 1) or not is_whole(number, 1, of):
        raise ValueError(f"a shard is i/n with i from 1 to n, not {number}/{of}")
    return list(jobs[number - 1 :: of])


def parse_shard(text: str | tuple[int, int]) -> tuple[int, int]:
    """Read "2/8"; (2, 8) is that already.

    Raises:
        ValueError: It is not two numbers.
    """
    if isinstance(text, tuple) and len(text) == 2:
        return text
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"a shard reads like 2/8, not {shown(text)}")
    return int(match[1]), int(match[2])


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


def _looks_like_output(source: Path, inputs: Sequence[str]) -> str | None:
    """What to say of a last input that does not exist: it may be the output, named as other programs have it."""
    if len(inputs) > 1 and source == Path(inputs[-1]) and not is_there(source):
        return f"{source} does not exist; check the path, or say -o {for_shell(source)} if it is the output"
    return None


def _names_a_file(output: str | None, path: Path) -> bool:
    return output is not None and bool(path.suffix) and not output.endswith(("/", "\\")) and not is_folder(path)


def _own_folder(folder: Path, style: str) -> Path:
    """Where a folder's pictures go if nobody says where."""
    return Path(f"{folder.resolve().name}_{style}")


def _expand(text: str, into: Path | None, style: str) -> Iterator[tuple[Path, Path | None]]:
    """Yield each picture with the folder it was looked for in, None if it was named itself."""
    if re.match(r"https?://", text):
        raise ImageError(f"{text} is a web address; download the picture, then name the file")
    if is_url(text):
        raise ImageError(f"{text} is no path; to read from an object store, add --on ray")
    path = Path(text)
    if is_folder(path):
        # A second run over the same folder must not take up the first one's results.
        target = (into or _own_folder(path, style)).resolve()
        written = target if path.resolve() in target.parents else None
        pictures = [found for found in find_images(path) if written is None or written not in found.resolve().parents]
        pictures = _without_paintings(pictures, text)
        if not pictures:
            remedy = f"name a folder with {', '.join(WRITE_SUFFIXES)} files"
            if any(is_video(found) for found in path.rglob("*")):
                remedy = "paint its videos, one by one, with fststyle video"
            raise ImageError(f"{path} holds no pictures; {remedy}")
        yield from ((found, path) for found in pictures)
    elif not is_there(path) and glob.has_magic(text):
        matches = sorted(match for match in map(Path, glob.glob(text, recursive=True)) if not is_folder(match))  # noqa: PTH207
        if not matches:
            raise ImageError(f"no file matches {text}; check the pattern")
        yield from ((match, None) for match in _without_paintings(matches, text))
    else:
        yield path, None


def _without_paintings(found: list[Path], text: str) -> list[Path]:
    photos = [path for path in found if not (is_file(path) and is_painting(path))]
    if not photos:
        return found
    _warn_of_paintings(text, len(found) - len(photos))
    return photos


def _without_products(found: list[tuple[Path, Path | None]]) -> list[tuple[Path, Path | None]]:
    """Without paintings such as cat_wave.jpg where cat.jpg is named, too."""
    named = {path.with_suffix("") for path, below in found if below is None}
    products = {path for path, below in found if below is None and _is_product(path, named)}
    _warn_of_paintings("the inputs", len(products))
    return [(path, below) for path, below in found if path not in products]


def _is_product(path: Path, named: set[Path]) -> bool:
    stem = path.stem
    origins = {path.with_name(stem[:end]) for end in range(1, len(stem)) if stem[end] == "_"}
    return not origins.isdisjoint(named) and is_file(path) and is_painting(path)


def _warn_of_paintings(where: str, count: int) -> None:
    if count:
        what = "1 painting of an earlier run is" if count == 1 else f"{count} paintings of earlier runs are"
        warn(f"{where}: {what} left out; to paint such a file again, name it alone")


def _refuse_overwriting(jobs: list[Job], also_read: Sequence[Path]) -> list[Job]:
    read = {place_of(path) for path in (*(job.source for job in jobs), *also_read) if path is not None}
    taken: dict[object, Path | None] = {}
    checked = []
    for job in jobs:
        problem = job.problem
        if job.target is not None:
            place = place_of(job.target)
            if place in read:
                name = job.source or "standard input"
                problem = f"painting {name} would overwrite the input {job.target}; choose another output"
            elif place in taken:
                problem = f"{job.source} and {taken[place]} would both become {job.target}; stylize them separately"
            taken.setdefault(place, job.source)
        checked.append(Job(job.source, job.target, job.suffix, problem))
    return checked
