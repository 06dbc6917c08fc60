"""`fststyle video`: a video painted, with its sound, its times, and nothing lost."""

import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fststyle.commands.options import (
    BlendOption,
    Device,
    Grain,
    KeepColor,
    LayoutName,
    Mask,
    MixOption,
    On,
    OptionalNetwork,
    PassesOption,
    Scale,
    Strength,
    StyleOption,
    StyleSize,
    Threads,
    Workers,
    controls_of,
    on_ray,
    refuse_network_beside,
    required_output,
    sides,
)
from fststyle.commands.painters import Painter
from fststyle.commands.video_progress import Bar, Events
from fststyle.commands.video_work import Told, fingerprint, video_on_ray, warn_of_late_styles
from fststyle.system.extras import extra
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.paint.stylizer import Layout
    from fststyle.video.clip import Clip

_HELP_CARRY = "How much paint moves along with things. Default: 0.4, or 0.2 for a larger network trained for videos."


def video(
    model: OptionalNetwork = None,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="IN",
            help="A video, or a folder or quoted pattern of frames; - reads y4m from standard input.",
            show_default=False,
        ),
    ] = None,
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
        int | None, typer.Option(min=0, max=51, help="Quality; lower is better. Default: 19, for hevc 20.")
    ] = None,
    sound: Annotated[
        str, typer.Option(metavar="copy|aac|none", help="Copy the sound, encode it, or leave it out.")
    ] = "copy",
    blend: BlendOption = None,
    mix: MixOption = None,
    style: StyleOption = None,
    style_size: StyleSize = None,
    morph: Annotated[
        str | None,
        typer.Option(
            metavar="a,b|a:0,b:10",
            help="Move from style to style of a network that has several: over the whole video, or by these seconds.",
            show_default=False,
        ),
    ] = None,
    strength: Strength = 1.0,
    scale: Scale = 1.0,
    passes: PassesOption = "1",
    keep_color: KeepColor = False,
    mask: Mask = None,
    grain: Grain = None,
    follow: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="How fast the paint adapts to the scene; 1 paints each frame on its own.",
            show_default=False,
        ),
    ] = None,
    measure_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="FRAMES",
            help="Share instance-norm statistics among at most so many frames; 1 measures each.",
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
    device: Device = "auto",
    layout: LayoutName = "rgb1",
    threads: Threads = None,
    on: On = None,
    workers: Workers = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print progress, warnings and errors as JSON lines on standard error.")
    ] = False,
) -> None:
    """Paint a video; sound, subtitles and frame times are kept."""
    from fststyle.paint.frames import FrameStylizer, Steadiness, share_threads
    from fststyle.paint.morph import parse_morph
    from fststyle.paint.stylizer import Opening
    from fststyle.system.memory import keep_freed_memory
    from fststyle.system.signals import SignalWatch
    from fststyle.system.streams import require_stream

    keep_freed_memory(in_one_arena=True)  # frame after frame needs as much, in each of the threads it goes through
    with extra("video"):
        from fststyle.video.convert import STREAM, Job, convert, describe
        from fststyle.video.timing import parse_cut

    asked = Painter(model, blend, style, style_size)
    asked.check(mix, layout, morph)
    source, output = _arguments(asked, model, source, output)
    target = required_output(output, into, f"fststyle video {asked.words} {for_shell(source)} -o painted.mp4")
    shown: Bar | Events = Events() if as_json else Bar()
    with shown:
        steadiness = Steadiness(
            follow=Steadiness.follow if follow is None else follow,
            carry=carry,
            measure_every=Steadiness.measure_every if measure_every is None else measure_every,
        )
        controls = controls_of(strength, scale, keep_color, mask, grain or 0.0, passes, mix)
        changes = None if morph is None else parse_morph(morph)
        at_once, threads_each = share_threads(device, threads, steadiness)
        opening = Opening(layout=cast("Layout", layout), threads=threads_each)
        painter = asked.open(device, opening)
        job = Job(
            source,
            target,
            parse_cut(start, end, max_side, fps),
            codec=codec,
            crf=crf,
            sound=sound,
            raw=None if raw is None else sides(raw, "--raw"),
            raw_output=raw is not None,
            resume=resume,
            restart=restart,
            identity={
                "network": fingerprint(painter),
                "layout": layout,
                **controls.facts(),
                **({} if changes is None else {"morph": str(changes)}),
                "follow": steadiness.follow,
                "measure_every": steadiness.measure_every,
                "carry": steadiness.carried(*(part.card for part, _ in painter.parts)),
            },
        )
        for name, path in (("stdin", source), ("stdout", target)):
            if path == STREAM:
                require_stream(name)
        with SignalWatch() as watch:
            function = FrameStylizer(painter, steadiness, controls, changes, at_once)

            def begun(clip: "Clip", frames: int) -> None:
                shown.begin(clip, frames)
                warn_of_late_styles(changes, clip.last)

            told: Told = {
                "begun": begun,
                "painted": shown.advance,
                "stop": lambda: watch.received is not None,
            }
            if on_ray(on, workers):
                opening["threads"] = threads or 1
                done = video_on_ray(job, painter, device, opening, controls, steadiness, changes, workers, told)
            else:
                done = convert(job, function, stdin=sys.stdin.buffer, stdout=sys.stdout.buffer, **told)
            if source == STREAM and done.whole:  # nobody knew how long it is
                warn_of_late_styles(changes, float(done.seconds))
    facts = {"frames": done.frames, "seconds": float(done.seconds), "path": str(done.path or STREAM)}
    if as_json:
        shown.tell("done" if done.whole else "interrupted", **facts)
    elif done.path is not None:
        typer.echo(describe(done) if done.whole else f"interrupted: {describe(done)}; {job.way_on}", err=True)
    if not done.whole:
        raise typer.Exit(128 + (watch.received or 2))


def _arguments(asked: Painter, model: str | None, source: str | None, output: str | None) -> tuple[str, str | None]:
    """Input and output; with --blend or --style the first word is the input already.

    Raises:
        BadParameter: There are too few words, or too many.
    """
    if model is None:
        raise typer.BadParameter(f"name the video: fststyle video {asked.words} in.mp4 out.mp4", param_hint="IN")
    if asked.instead is None:
        if source is None:
            raise typer.BadParameter("name the video after the network", param_hint="IN")
        return source, output
    refuse_network_beside(model, asked.instead)
    if output is not None:
        with_it = "--blend" if asked.blend is not None else "--style"
        raise typer.BadParameter(f"with {with_it} there is one input and one output; leave {output} out")
    return model, source
