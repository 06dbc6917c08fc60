"""Paths as a shell takes them, for the commands that messages show."""

import os
import shlex
from pathlib import Path

_NAMED_ESCAPES = {"\\": "\\\\", "'": "\\'"}


def for_shell(path: Path | str) -> str:
    """A path as one word to copy: quoted, and with a folder before a dash, which would begin an option.

    "-" alone is a stream, and stays. Letters that a terminal cannot show, such as line breaks, become escapes of bash
    and zsh.
    """
    text = str(path)
    if text.startswith("-") and text != "-":
        text = f"./{text}"
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_escaped(letter) for letter in text) + "'"


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return _NAMED_ESCAPES.get(letter, letter)
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))
