"""What every command shares: how it complains, and how it says that the training wing is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from fststyle.errors import FststyleError


def complain(kind: str, message: object) -> None:
    """One line on standard error."""
    typer.echo(f"{kind}: {message}", err=True)


@contextmanager
def training_extra() -> Iterator[None]:
    """For imports of the training wing: a package that is missing there is named with the way to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("fststyle"):
            raise
        raise FststyleError(
            f"this needs {error.name}, which is not installed; pip install 'fststyle[train]'"
        ) from error
