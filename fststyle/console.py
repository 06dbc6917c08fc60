"""What every command shares: how it complains, and how it says that the training wing is not installed."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from fststyle.errors import FststyleError

_STEERING = {"Cc", "Zl", "Zp"}  # control characters and line separators
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # what turns the direction of writing


def plain(text: object) -> str:
    """Text in one line that cannot steer the terminal, whatever a file's name or its author put in."""
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in _STEERING or unicodedata.bidirectional(letter) in _TURNING
        else letter
        for letter in str(text)
    )


def complain(kind: str, message: object) -> None:
    """One line on standard error."""
    typer.echo(f"{kind}: {plain(message)}", err=True)


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
