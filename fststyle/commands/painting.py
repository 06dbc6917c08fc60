"""What commands show while pictures are painted, in this process or on a cluster, and what they say at the end."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from fststyle.commands.console import complain, plain, show_origin
from fststyle.system.counts import counted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Line(NamedTuple):
    """What became of one picture."""

    source: str
    target: str | None
    """A path or URL; None is standard output."""
    failed: bool
    skipped: bool


class Bar:
    """Pictures done, on a terminal only; what fails is said at once."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, pictures: int) -> None:
        """Show the bar, unless there is only one picture."""
        if pictures > 1:
            from rich.console import Console
            from rich.progress import Progress

            console = Console(stderr=True)
            self._progress = Progress(console=console, transient=True, disable=not console.is_terminal)
            self._task = self._progress.add_task("stylizing", total=pictures)
            self._progress.start()

    def advance(self, error: Exception | str | None, *, skipped: bool) -> None:
        """Count a picture, and say why it failed if it did."""
        if skipped:
            return
        if error is not None:
            if isinstance(error, Exception):
                show_origin(error)
            complain("error", error)
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)


def summarize(lines: Sequence[Line], how: str, seconds: float) -> None:
    """Say on standard error what was done, and end with status 1 if anything was not."""
    if skipped := sum(line.skipped for line in lines):
        them = "it" if skipped == 1 else "them"
        typer.echo(
            f"{counted(skipped, 'picture')} {'was' if skipped == 1 else 'were'} there already, painted with whatever "
            f"settings; without --skip-existing this command paints {them} anew",
            err=True,
        )
    lines = [line for line in lines if not line.skipped]
    good = [line for line in lines if not line.failed]
    if len(lines) == len(good) == 1:
        if (target := good[0].target) is not None:
            typer.echo(f"{plain(target)} ({seconds:.1f} s {how})", err=True)
        return
    if good:
        places = {_folder(line.target) for line in good if line.target is not None}
        where = places.pop() if len(places) == 1 else f"{len(places)} folders"
        typer.echo(f"{counted(len(good), 'picture')} in {plain(where)} ({seconds:.1f} s {how})", err=True)
    bad = [line.source for line in lines if line.failed]
    if not bad:
        return
    if len(lines) > 1:
        complain("error", f"{len(bad)} of {len(lines)} pictures failed: {', '.join(bad)}")
    raise typer.Exit(1)


@contextmanager
def silent_stdout() -> Iterator[None]:
    """Ray prints there what its own processes say, such as a paragraph for each worker that died."""
    with open(os.devnull, "w", encoding="utf-8") as nobody, redirect_stdout(nobody):  # noqa: PTH123 -- no path
        yield


def _folder(target: str) -> str:
    return target.rpartition("/")[0] if "://" in target else str(Path(target).parent)
