"""`fststyle live`: a camera painted, as a camera that other programs see."""

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from fststyle.commands.options import (
    BlendOption,
    Device,
    Grain,
    KeepColor,
    LayoutName,
    Mask,
    MixOption,
    OptionalNetwork,
    PassesOption,
    Scale,
    Strength,
    StyleOption,
    StyleSize,
    Threads,
    controls_of,
    sides,
)
from fststyle.commands.painters import Painter
from fststyle.system.counts import counted
from fststyle.system.extras import extra

if TYPE_CHECKING:
    from fststyle.paint.stylizer import Layout
    from fststyle.video.live import Counts

_STDOUT = "-"


def live(
    model: OptionalNetwork = None,
    camera: Annotated[
        str, typer.Option(metavar="NUMBER|FILE", help="A camera's number or device, or a video that plays like one.")
    ] = "0",
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DEVICE|-",
            help="The virtual camera; - writes y4m to standard output. Default: the first virtual camera.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Stop after this time.", show_default=False)] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="Ask the camera for pictures of this size.", show_default=False),
    ] = None,
    max_side: Annotated[
        int | None, typer.Option(min=16, help="Shrink pictures first, to at most this many pixels a side.")
    ] = None,
    fps: Annotated[
        str | None, typer.Option(metavar="RATE", help="Frames a second of the output. Default: the camera's.")
    ] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Swap left and right.")] = False,
    blend: BlendOption = None,
    mix: MixOption = None,
    style: StyleOption = None,
    style_size: StyleSize = None,
    strength: Strength = 1.0,
    scale: Scale = 1.0,
    keep_color: KeepColor = False,
    mask: Mask = None,
    grain: Grain = None,
    passes: PassesOption = "1",
    carry: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="How much paint moves along with things; takes time.", show_default=False),
    ] = None,
    device: Device = "auto",
    layout: LayoutName = "rgb1",
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON lines on standard error.")] = False,
) -> None:
    """Paint a camera live, as a virtual camera for calls and streams; pictures that come too fast are dropped."""
    from fststyle.paint.frames import FrameStylizer, Steadiness
    from fststyle.paint.stylizer import Opening
    from fststyle.system.signals import SignalWatch
    from fststyle.system.streams import abandon_stdout, require_stream

    with extra("video"):
        from fststyle.video.camera import Camera
        from fststyle.video.live import run_live
        from fststyle.video.timing import parse_rate, parse_time
        from fststyle.video.virtual_camera import sink_for

    chosen = Painter(model, blend, style, style_size)
    chosen.check(mix, layout)
    if model is None and chosen.instead is None:
        raise typer.BadParameter("name a network: fststyle live udnie_tiny", param_hint="MODEL")
    if model is not None and chosen.instead is not None:
        raise typer.BadParameter(f"{chosen.instead} already; leave {model} out")
    asked = None if size is None else sides(size, "--size")
    wanted = None if fps is None else parse_rate(fps)
    seconds = None if end is None else float(parse_time(end))
    if output == _STDOUT:
        require_stream("stdout")
    painter = chosen.open(device, Opening(layout=cast("Layout", layout), threads=threads))
    paint = FrameStylizer(
        painter, Steadiness(carry=carry), controls_of(strength, scale, keep_color, mask, grain or 0.0, passes, mix)
    )
    shown = _Shown(as_json)
    with SignalWatch() as watch, Camera(camera, asked, max_side, mirror=mirror) as source:
        rate = wanted or source.rate
        sink = sink_for(output, sys.stdout.buffer, source.width, source.height, rate)
        shown.begin(source.width, source.height, float(rate), sink.name)
        counts = run_live(
            source,
            paint,
            sink,
            rate,
            seconds=seconds,
            stop=lambda: watch.received is not None,
            told=shown.advance,
        )
    if counts.gone:
        abandon_stdout()
    shown.end(counts)


class _Shown:
    """The counter: a line that is written over on a terminal, or JSON lines; elsewhere only the line at the end."""

    _every = 1.0  # seconds

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._terminal = sys.stderr.isatty() and not as_json
        self._told = time.monotonic()

    def begin(self, width: int, height: int, rate: float, where: str) -> None:
        if self._json:
            self._tell("begin", width=width, height=height, fps=round(rate, 3), output=where)
        else:
            typer.echo(f"{width}×{height} at {rate:.4g} fps to {where}; Ctrl-C ends it", err=True)

    def advance(self, counts: "Counts") -> None:
        if time.monotonic() - self._told < self._every:
            return
        self._told = time.monotonic()
        if self._json:
            self._tell("progress", **self._facts(counts))
        elif self._terminal:
            line = f"{counts.fps:.1f} fps, {1000 * counts.delay:.0f} ms behind, {counts.dropped:,} dropped"
            typer.echo(f"\r{line:<60}", err=True, nl=False)

    def end(self, counts: "Counts") -> None:
        if self._json:
            self._tell("done", **self._facts(counts))
            return
        if self._terminal:
            typer.echo(f"\r{'':<60}\r", err=True, nl=False)
        mean = counts.painted / counts.seconds if counts.seconds else 0.0
        gone = "; the reader has gone" if counts.gone else ""
        typer.echo(
            f"{counted(counts.painted, 'picture')} in {counts.seconds:.1f} s, {mean:.1f} fps, "
            f"{counts.dropped:,} dropped{gone}",
            err=True,
        )

    @staticmethod
    def _facts(counts: "Counts") -> dict[str, Any]:
        return {
            "painted": counts.painted,
            "dropped": counts.dropped,
            "seconds": round(counts.seconds, 2),
            "fps": round(counts.fps, 2),
            "delay": round(counts.delay, 4),
            "gone": counts.gone,
        }

    @staticmethod
    def _tell(event: str, **facts: Any) -> None:
        typer.echo(json.dumps({"event": event, **facts}), err=True)
