"""What `fststyle video` shows while it paints: a bar for people, lines of JSON for programs."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from fststyle.commands.console import explained, show_origin
from fststyle.errors import FststyleError

if TYPE_CHECKING:
    from fststyle.video.clip import Clip
    from fststyle.video.run import Progress


class Bar:
    """Frames done, frames a second, time left; on a terminal only."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("painting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._speed = Speed()

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, clip: "Clip", done: int) -> None:
        """Show it."""
        self._task = self._progress.add_task("", total=clip.frames, completed=done, speed="")

    def advance(self, progress: "Progress") -> None:
        """Count what is painted."""
        speed = f"{self._speed():.1f} fps"
        self._progress.update(self._task, completed=progress.frames, speed=speed)

    def tell(self, event: str, **facts: Any) -> None:
        """People are told in a line of its own."""


class Events:
    """One JSON object a line: begin, progress about once a second, warning; then done, interrupted or error."""

    _every = 1.0  # seconds

    def __enter__(self) -> "Events":
        import warnings

        self._previous: Callable[..., None] = warnings.showwarning
        warnings.showwarning = lambda message, *_, **__: self.tell("warning", message=str(message))
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        import warnings

        warnings.showwarning = self._previous
        if isinstance(error, (FststyleError, ValueError, OSError)) and not isinstance(error, BrokenPipeError):
            show_origin(error)
            self.tell("error", message=explained(error))
            raise typer.Exit(1) from error

    def begin(self, clip: "Clip", done: int) -> None:
        """Tell what is known of the video, and how many frames are there."""
        self._total, self._told, self._speed = clip.frames, 0.0, Speed()
        self.tell("begin", width=clip.width, height=clip.height, fps=float(clip.rate), frames=clip.frames, resumed=done)

    def advance(self, progress: "Progress") -> None:
        """Tell how far it is, about once a second."""
        speed = self._speed()
        if time.monotonic() - self._told < self._every:
            return
        self._told = time.monotonic()
        left = None if self._total is None or not speed else max(0, self._total - progress.frames) / speed
        facts = {"frames": progress.frames, "seconds": float(progress.seconds), "fps": round(speed, 2)}
        self.tell("progress", **facts, seconds_left=None if left is None else round(left, 1))

    def tell(self, event: str, **facts: Any) -> None:
        """One line."""
        typer.echo(json.dumps({"event": event, **facts}), err=True)


class Speed:
    """Frames a second since it was made, one call a frame."""

    def __init__(self) -> None:
        self._start, self._frames = time.monotonic(), 0

    def __call__(self) -> float:
        """That, with one more."""
        self._frames += 1
        return self._frames / max(time.monotonic() - self._start, 1e-6)
