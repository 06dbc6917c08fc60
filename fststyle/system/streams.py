"""Standard input, output and error of a process that a daemon or launcher may have started without them."""

import io
import os
import sys
from contextlib import suppress
from typing import Any, cast

from fststyle.errors import FststyleError

_REMEDIES = {"stdin": "standard input is closed; name a file", "stdout": "standard output is closed; name a file"}


def prepare_streams() -> None:
    """Open what is closed, and let nothing fail because a message cannot be shown.

    Of a process of our own: file names need not be UTF-8, and a terminal need not know every letter.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        # A file opened later would get the free number, and what libraries write to standard error would go into it.
        with suppress(OSError):
            _fill(number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115, PTH123
    cast(Any, sys.stdout).reconfigure(errors="backslashreplace")
    if _number_of(sys.stderr) == 2 and not (os.name == "nt" and sys.stderr.isatty()):  # letters of Windows' console
        raw = io.BufferedWriter(_Unheard(2, "w", closefd=False))
        encoding = sys.stderr.encoding
        sys.stderr = io.TextIOWrapper(raw, encoding, errors="backslashreplace", line_buffering=True)
    else:
        cast(Any, sys.stderr).reconfigure(errors="backslashreplace")


def require_stream(name: str) -> None:
    """Refuse to read from "stdin", or write to "stdout", if the process was started without it.

    Raises:
        FststyleError: It was.
    """
    stream = getattr(sys, name)
    if stream is None or getattr(stream, "name", None) == os.devnull:
        raise FststyleError(_REMEDIES[name])


def abandon_stdout() -> None:
    """Nobody reads standard output any more: what is left in its buffer goes nowhere, rather than fail at the end."""
    number = _number_of(sys.stdout)
    if number is not None:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)


class _Unheard(io.FileIO):
    """Standard error, whether or not it can be written: its reader may have gone, its disk may be full."""

    def write(self, data: Any, /) -> int:
        with suppress(OSError):
            if (written := super().write(data)) is not None:
                return written
        return memoryview(data).nbytes


def _fill(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
        os.set_inheritable(opened, True)


def _number_of(stream: Any) -> int | None:
    try:
        number: int = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return number
