"""`fststyle video`: a video painted, with its sound, its times, and nothing lost."""

import hashlib
import json
import shlex
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from fststyle.commands.console import explained, show_origin
from fststyle.commands.options import (
    Grain,
    KeepColor,
    LayoutName,
    Mask,
    Network,
    PassesOption,
    Scale,
    Strength,
    controls_of,
    required_output,
    sides,
)
from fststyle.errors import FststyleError
from fststyle.system.extras import extra

if TYPE_CHECKING:
    from fststyle.paint.stylizer import Layout
    from fststyle.video.clip import Clip
    from fststyle.video.run import Progress

_HELP_CARRY = "How much paint moves along with things. Default: 0.4, or 0.2 for a network trained for videos."


def video(
    model: Network,
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN", help="A video, or a folder or quoted pattern of frames; - reads y4m from standard input."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Argument(
            metavar="OUT", help=".mp4, .mov, .m4v or .mkv; - writes y4m to standard output.", show_default=False
        ),
    ] = None,
    into: Annotated[
        str | None, typer.Option("--output", "-o", help="The same as the OUT argument.", show_default=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="Start here: 12.5, 1:30 or 1:02:03.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Stop before this time.", show_default=False)] = None,
    max_side: Annotated[
        int | None, typer.Option(min=1, help="Shrink the video first, to at most this many pixels a side.")
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="RATE", help="Constant frame rate. Default: each frame keeps its time; 25 for a folder of frames."
        ),
    ] = None,
    codec: Annotated[
        str, typer.Option(metavar="h264|hevc|ffv1", help="Video codec; ffv1 is lossless and needs .mkv.")
    ] = "h264",
    crf: Annotated[
        int | None, typer.Option(min=0, max=51, help="Quality; lower is better. Default: 18, for hevc 20.")
    ] = None,
    sound: Annotated[
        str, typer.Option(metavar="copy|aac|none", help="Copy the sound, encode it, or leave it out.")
    ] = "copy",
    strength: Strength = 1.0,
    scale: Scale = 1.0,
    passes: PassesOption = "auto",
    keep_color: KeepColor = False,
    mask: Mask = None,
    grain: Grain = 0.0,
    follow: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="How fast the paint adapts to the scene; 1 paints each frame on its own.",
            show_default=False,
        ),
    ] = None,
    carry: Annotated[float | None, typer.Option(min=0, max=1, help=_HELP_CARRY, show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Discard an interrupted run and start anew.")] = False,
    raw: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHxHEIGHT",
            help="Read or write bare RGB bytes on standard input and output.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|directml|coreml", help="Where to run the network.")
    ] = "auto",
    layout: LayoutName = "rgb1",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. Default: one per core.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print progress, warnings and errors as JSON lines on standard error.")
    ] = False,
) -> None:
    """Paint a video; sound, subtitles and frame times are kept."""
    from fststyle.paint.frames import FrameStylizer, Steadiness
    from fststyle.paint.stylizer import Stylizer
    from fststyle.system.signals import SignalWatch
    from fststyle.system.streams import require_stream

    with extra("video"):
        from fststyle.video.clip import Cut
        from fststyle.video.convert import STREAM, Job, convert, describe
        from fststyle.video.timing import parse_rate, parse_time

    example = f"fststyle video {shlex.quote(str(model))} {shlex.quote(source)} -o painted.mp4"
    target = required_output(output, into, example)
    shown: _Bar | _Events = _Events() if as_json else _Bar()
    with shown:
        steadiness = Steadiness(follow=Steadiness.follow if follow is None else follow, carry=carry)
        controls = controls_of(strength, scale, keep_color, mask, grain, passes)
        stylizer = Stylizer.load(model, device, layout=cast("Layout", layout), threads=threads)
        job = Job(
            source,
            target,
            Cut(
                None if start is None else parse_time(start),
                None if end is None else parse_time(end),
                max_side,
                None if fps is None else parse_rate(fps),
            ),
            codec=codec,
            crf=crf,
            sound=sound,
            raw=None if raw is None else sides(raw, "--raw"),
            raw_output=raw is not None,
            resume=resume,
            restart=restart,
            identity={
                "network": hashlib.sha256(stylizer.network.model.data).hexdigest(),
                "layout": layout,
                **controls.facts(),
                "follow": steadiness.follow,
                "carry": steadiness.carried(stylizer.network.model.card),
            },
        )
        for name, path in (("stdin", source), ("stdout", target)):
            if path == STREAM:
                require_stream(name)
        function = FrameStylizer(stylizer, steadiness, controls)
        with SignalWatch() as watch:
            done = convert(
                job,
                function,
                stdin=sys.stdin.buffer,
                stdout=sys.stdout.buffer,
                begun=shown.begin,
                painted=shown.advance,
                stop=lambda: watch.received is not None,
            )
    facts = {"frames": done.frames, "seconds": float(done.seconds), "path": str(done.path or STREAM)}
    if as_json:
        shown.tell("done" if done.whole else "interrupted", **facts)
    elif done.path is not None:
        typer.echo(describe(done) if done.whole else f"interrupted: {describe(done)}; {job.way_on}", err=True)
    if not done.whole:
        raise typer.Exit(128 + (watch.received or 2))


class _Bar:
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
        self._speed = _Speed()

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, clip: "Clip", done: int) -> None:
        self._task = self._progress.add_task("", total=clip.frames, completed=done, speed="")

    def advance(self, progress: "Progress") -> None:
        speed = f"{self._speed():.1f} fps"
        self._progress.update(self._task, completed=progress.frames, speed=speed)

    def tell(self, event: str, **facts: Any) -> None:
        """People are told in a line of its own."""


class _Events:
    """One JSON object a line: begin, progress about once a second, warning; then done, interrupted or error."""

    _every = 1.0  # seconds

    def __enter__(self) -> "_Events":
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
        self._total, self._told, self._speed = clip.frames, 0.0, _Speed()
        self.tell("begin", width=clip.width, height=clip.height, fps=float(clip.rate), frames=clip.frames, resumed=done)

    def advance(self, progress: "Progress") -> None:
        speed = self._speed()
        if time.monotonic() - self._told < self._every:
            return
        self._told = time.monotonic()
        left = None if self._total is None or not speed else max(0, self._total - progress.frames) / speed
        facts = {"frames": progress.frames, "seconds": float(progress.seconds), "fps": round(speed, 2)}
        self.tell("progress", **facts, seconds_left=None if left is None else round(left, 1))

    def tell(self, event: str, **facts: Any) -> None:
        typer.echo(json.dumps({"event": event, **facts}), err=True)


class _Speed:
    """Frames a second since it was made, one call a frame."""

    def __init__(self) -> None:
        self._start, self._frames = time.monotonic(), 0

    def __call__(self) -> float:
        self._frames += 1
        return self._frames / max(time.monotonic() - self._start, 1e-6)
