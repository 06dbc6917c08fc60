"""What every command shares: how it complains."""

import unicodedata

import typer

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
