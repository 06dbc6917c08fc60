"""`fststyle serve`: the page and an HTTP API on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from fststyle.commands.console import complain
from fststyle.commands.options import StyleSize, StylesOption, network_names, painting_size, refuse_paintings
from fststyle.system.extras import extra


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            autocompletion=network_names,
            help="Networks to offer: ONNX files, or names from `fststyle models`. Default: all on this machine.",
            show_default=False,
        ),
    ] = None,
    style: StylesOption = None,
    style_size: StyleSize = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen. Others than this machine need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where jobs and trained networks are kept.")
    ] = Path("runs/serve"),
    photos: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Photos to train on. Default: the sample photos.", show_default=False),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="FSTSTYLE_TOKEN",
            metavar="TEXT",
            help="What every request must carry. Default: a new one, or none at 127.0.0.1.",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name by which browsers call the server, such as that of a proxy."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Pictures painted at the same time. Default: one per core.")
    ] = None,
    waiting: Annotated[int, typer.Option(min=0, help="Pictures that may wait; further ones are refused.")] = 32,
    running: Annotated[int, typer.Option(min=1, help="Trainings and videos that run at the same time.")] = 1,
    max_megapixels: Annotated[int, typer.Option(min=1, help="Of a picture that is painted.")] = 50,
    max_megabytes: Annotated[int, typer.Option(min=1, help="Of an uploaded picture.")] = 64,
    max_video_megabytes: Annotated[int, typer.Option(min=1, help="Of an uploaded video.")] = 4000,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for a picture, the waiting included.")] = 120.0,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|directml|coreml", help="Where to run the networks.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of a painting, at most one per core, the default.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Memory limit of a painting, such as 1.5GB.")
    ] = None,
) -> None:
    """Paint and train in the browser, and by HTTP."""
    with extra("serve"):
        from fststyle.serve.app import Application
        from fststyle.serve.server import Server
    from fststyle.serve.lock import claimed
    from fststyle.serve.settings import Limits, Settings, listen, network_url_of, token_for, url_of
    from fststyle.system.cores import usable_cores
    from fststyle.system.memory import parse_bytes

    refuse_paintings(models or ())
    limits = Limits(
        picture_bytes=max_megabytes * 1_000_000,
        pixels=max_megapixels * 1_000_000,
        video_bytes=max_video_megabytes * 1_000_000,
        workers=workers or usable_cores(),
        waiting=waiting,
        running=running,
        seconds=timeout,
    )
    settings = Settings(
        folder=output.absolute(),
        networks=tuple(models or ()),
        styles=tuple(style or ()),
        style_size=painting_size(style, style_size),
        photos=None if photos is None else photos.absolute(),
        names=frozenset(allow_host or ()),
        token=token_for(host, token),
        device=device,
        threads=threads,
        memory=None if memory is None else parse_bytes(memory),
        limits=limits,
    )
    application = Application(settings)
    with claimed(settings.folder), listen(host, port) as listener:
        complain("open", url_of(listener, settings.token))
        if (in_network := network_url_of(listener, settings.token)) is not None:
            complain("from other devices", in_network)
        Server(application, limits).run_at(listener)
