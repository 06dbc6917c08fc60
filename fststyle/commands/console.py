"""What every command shares: how it reports and complains."""

import errno
import logging
import traceback
import unicodedata
from contextvars import ContextVar

import typer

from fststyle.system.files import reason_of
from fststyle.system.streams import abandon_stdout

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)

_STEERING = {"Cc", "Zl", "Zp"}  # control characters and line separators
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # what turns the direction of writing

_ABOUT_THE_PATH = {
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
}


def plain(text: object) -> str:
    """Text in one line that cannot steer the terminal, whatever a file's name or its author put in."""
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in _STEERING or unicodedata.bidirectional(letter) in _TURNING
        else letter
        for letter in str(text)
    )


def explained(error: Exception) -> str:
    """What an error says and, of what the system refuses, where and what to do; our own say so themselves."""
    if not isinstance(error, OSError):
        return str(error)
    reason = reason_of(error)
    where = f"{error.filename}: " if error.filename else ""
    if isinstance(error, FileNotFoundError) and not where:
        where = "the current folder: "  # it was removed
    remedy = "; make room" if reason.startswith("disk full") else ""
    if error.errno in _ABOUT_THE_PATH:
        remedy = "; check the path and its permissions"
    return f"{where}{reason}{remedy}"


def show_origin(error: Exception) -> None:
    """Where it comes from, with --debug."""
    if DEBUG.get():
        traceback.print_exception(error)


def say(text: object) -> None:
    """One line on standard output about work that is done; nobody need be there to read it."""
    try:
        typer.echo(plain(text))
    except OSError:
        abandon_stdout()


def complain(kind: str, message: object) -> None:
    """One line on standard error."""
    typer.echo(f"{kind}: {plain(message)}", err=True)


class Notes(logging.Handler):
    """Says what the package logs, that a file is being fetched for example, as one line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:  # noqa: D102
        complain("note", record.getMessage())


def show_notes() -> None:
    """From now on, in this process."""
    log = logging.getLogger("fststyle")
    log.setLevel(logging.INFO)
    if not any(isinstance(handler, Notes) for handler in log.handlers):
        log.addHandler(Notes())
