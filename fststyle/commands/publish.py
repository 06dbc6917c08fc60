"""`fststyle publish`: a network on Hugging Face's hub."""

from typing import Annotated

import typer

from fststyle.commands.console import say
from fststyle.commands.options import Network


def publish(
    model: Network,
    repo: Annotated[
        str, typer.Argument(metavar="USER/NAME", help="The hub's repository; it is created if it is not there.")
    ],
    private: Annotated[bool, typer.Option("--private", help="Only you may see it, if it is created.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put a new version where there is one. The hub keeps the earlier ones.")
    ] = False,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Of the commit.", show_default=False)] = None,
) -> None:
    """Put a network on Hugging Face's hub, with a page and a preview made from it."""
    from fststyle.hub.publish import publish

    done = publish(model, repo, private=private, replace=replace, message=message)
    say(f"{done.url} (commit {done.commit[:8]})")
    say(f"next: fststyle stylize {done.name} photo.jpg")
