"""Which picture goes where, if some of them lie in object stores; on the file system `jobs.plan` decides."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fststyle.cluster.places import find_pictures, joined, normal, objects_below
from fststyle.errors import ImageError
from fststyle.jobs.plan import plan
from fststyle.pictures.files import WRITE_SUFFIXES, format_of, suffix_to_write
from fststyle.system.files import is_file, place_of
from fststyle.system.urls import is_url

# Stands for the output while local pictures are planned that go to an object store; nothing is written there.
_NOWHERE = Path(os.sep, "fststyle", "nowhere")


@dataclass(frozen=True)
class Task:
    """One picture; both names are absolute paths or URLs, since workers have folders of their own.

    Attributes:
        source: Where it is read.
        target: Where its painting is written; None if that is not known, because of a problem.
        suffix: Format to write, ".png".
        problem: Why it must not be done; None if it may.
    """

    source: str
    target: str | None
    suffix: str
    problem: str | None = None


def plan_tasks(
    inputs: Sequence[str],
    output: str | None,
    *,
    style: str,
    suffix: str | None = None,
    also_read: Sequence[Path] = (),
) -> list[Task]:
    """Say where each picture goes, by the rules of `jobs.plan`, for paths and URLs alike.

    A picture in an object store needs an output. Paintings of earlier runs are known by their mark on the file system
    only; in an object store what lies below the output is left out.

    Args:
        inputs: Files, folders, patterns; paths or URLs.
        output: A file or folder; path or URL.
        style: For names, where no output is given.
        suffix: Format to write; None keeps each picture's own.
        also_read: Files that must not be overwritten either.

    Raises:
        ImageError: The only input holds no pictures; one of several becomes a task with that problem.
        ValueError: Inputs and output do not fit together.
    """
    if "-" in inputs or output == "-":
        raise ValueError("workers have no standard input and output; name files or folders")
    if not any(map(is_url, (*inputs, output or ""))):
        jobs = plan(inputs, output, style=style, suffix=suffix, also_read=also_read)
        return [
            Task(_absolute(job.source), None if job.target is None else _absolute(job.target), job.suffix, job.problem)
            for job in jobs
        ]
    if output is None:
        raise ValueError("pictures in an object store have no folder for their paintings beside them; name one with -o")
    if suffix is not None and suffix not in WRITE_SUFFIXES:
        raise ValueError(
            f"format must be one of {', '.join(known[1:] for known in WRITE_SUFFIXES)}, not {suffix[1:]!r}"
        )
    into = normal(output) if is_url(output) else _absolute(Path(output))
    tasks: list[Task] = []
    for text in inputs:
        try:
            tasks += _remote(text, into, suffix) if is_url(text) else _local(text, into, suffix, style)
        except ImageError as error:
            if len(inputs) == 1:
                raise
            tasks.append(Task(text, None, ".png", str(error)))
    if len(inputs) == len(tasks) == 1 and not output.endswith("/") and Path(into).suffix.lower() in WRITE_SUFFIXES:
        tasks = [_into_file(tasks[0], into, suffix)]
    return _without_conflicts(tasks, also_read)


def done_before(tasks: Sequence[Task]) -> set[int]:
    """The numbers of the tasks whose paintings are there; each folder of an object store is listed once."""
    folders = {task.target.rpartition("/")[0] for task in tasks if task.target is not None and is_url(task.target)}
    shortest = [folder for folder in folders if not any(folder.startswith(f"{other}/") for other in folders)]
    there: set[str] = set().union(*(objects_below(folder) for folder in shortest))
    return {
        number
        for number, task in enumerate(tasks)
        if task.problem is None
        and task.target is not None
        and (task.target in there if is_url(task.target) else is_file(Path(task.target)))
    }


def _absolute(path: Path | None) -> str:
    return str(Path(os.path.abspath(path or "")))  # noqa: PTH100 -- links stay as they are


def _remote(url: str, into: str, suffix: str | None) -> Iterator[Task]:
    """Pictures in an object store."""
    found, folder = find_pictures(url)
    written = None if folder is None or not into.startswith(f"{folder}/") else f"{into.rstrip('/')}/"
    for source in found:
        if written is not None and source.startswith(written):
            continue
        below = source.rpartition("/")[2] if folder is None else source[len(folder) + 1 :]
        ending = suffix or suffix_to_write(Path(below))
        yield Task(source, joined(into, str(Path(below).with_suffix(ending).as_posix())), ending)


def _local(text: str, into: str, suffix: str | None, style: str) -> Iterator[Task]:
    """Pictures on the file system."""
    for job in plan([text], str(_NOWHERE), style=style, suffix=suffix):
        below = None if job.target is None else job.target.relative_to(_NOWHERE).as_posix()
        yield Task(_absolute(job.source), None if below is None else joined(into, below), job.suffix, job.problem)


def _into_file(task: Task, target: str, suffix: str | None) -> Task:
    ending = Path(target).suffix
    if format_of(ending) != format_of(suffix or ending):
        raise ValueError(f"the output {target} is not a {suffix} file; drop the format or change the name")
    return replace(task, target=target, suffix=ending)


def _without_conflicts(tasks: list[Task], also_read: Sequence[Path]) -> list[Task]:
    """With a problem for each that would overwrite an input, or the painting of an earlier one."""
    read = {_place(task.source) for task in tasks} | {place_of(path) for path in also_read}
    taken: dict[object, str] = {}
    checked = []
    for task in tasks:
        problem = task.problem
        if task.target is not None and problem is None:
            place = _place(task.target)
            if place in read:
                problem = f"painting {task.source} would overwrite the input {task.target}; choose another output"
            elif place in taken:
                problem = f"{task.source} and {taken[place]} would both become {task.target}; paint them separately"
            taken.setdefault(place, task.source)
        checked.append(replace(task, problem=problem))
    return checked


def _place(name: str) -> object:
    return name if is_url(name) else place_of(Path(name))
