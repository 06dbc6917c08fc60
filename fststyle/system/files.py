"""Bytes on disk: only regular files are read, no input is overwritten, a file is replaced whole or not at all."""

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from fststyle.errors import FststyleError
from fststyle.system.file_kinds import HEAD_BYTES, Kind, kind_of_content, kind_of_name

# Path's own raise an error where a folder may not be looked into or a name is too long, up to Python 3.13.
is_there, is_folder, is_file = os.path.exists, os.path.isdir, os.path.isfile

_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.tmp")


class NoRegularFileError(OSError):
    """A FIFO, socket or device stands where a file should."""


def require_regular_file(path: Path) -> os.stat_result:
    """Return the file's status; links are followed.

    A FIFO that is called `photo.jpg` would block its reader for ever, hence a check before the file is opened.

    Raises:
        OSError: Nothing is there, or it is a folder.
        NoRegularFileError: It is a FIFO, socket or device.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{path} is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise NoRegularFileError(f"{path} is not a regular file")
    return status


def place_of(path: Path) -> object:
    """Equal for two paths that lead to the same file, by whatever links and spelling.

    Of a file that is not there yet only the path is known. Links are followed, and on Windows small and capital letters
    are one; on a Mac, `a.jpg` and `A.jpg` are two places until one of them is written.
    """
    try:
        status = path.stat()
    except OSError:
        return os.path.normcase(os.path.realpath(path))  # Path.resolve raises over a link to itself
    return status.st_dev, status.st_ino


def named_twice(paths: Iterable[Path]) -> Path | None:
    """The first path that leads to the file of an earlier one and has its name; a link of another name counts apart."""
    seen: set[tuple[object, str]] = set()
    for path in paths:
        key = place_of(path), path.name
        if key in seen:
            return path
        seen.add(key)
    return None


def refuse_inputs(output: Path, *inputs: Path | None) -> None:
    """Refuse an output that is one of the inputs, by whatever name; None is no input.

    Raises:
        FststyleError: It is one.
    """
    if not is_there(output):
        return
    place = place_of(output)
    for path in inputs:
        if path is not None and place_of(path) == place:
            raise FststyleError(f"{output} would overwrite the input {path}; choose another output")


def refuse_other_kind(output: Path, kind: Kind, failure: type[FststyleError] = FststyleError) -> None:
    """Refuse an output whose name, or whose content by now, is of another kind than what will be written there.

    A network goes into `*.onnx` only; other kinds may have any name that stands for none. An empty file may be
    replaced, and what is not a regular file is left to whoever opens it.

    Args:
        output: The file to write.
        kind: What will be written.
        failure: Class of the error.

    Raises:
        FststyleError: It is of another kind; a `failure`.
    """
    named = kind_of_name(output)
    if kind is Kind.NETWORK and named is not kind:
        better = output / "network.onnx" if is_folder(output) else output.with_name(f"{output.stem or 'network'}.onnx")
        raise failure(f"{kind.value} is written to a file named *.onnx, not to {output}; use {better}")
    if named not in (None, kind) and {named, kind} != {Kind.JSON, Kind.JSON_LINES}:
        raise failure(f"{output} is the name of {named.value}, but {kind.value} is written; choose another name")
    if not is_file(output):
        return
    try:
        with output.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise failure(f"{output} exists and cannot be read ({reason_of(error)}); choose another output") from error
    found = kind_of_content(head)
    if head.strip() and found is not kind:
        what = f"is {found.value}" if found is not None else "is something else"
        raise failure(
            f"{output} exists and {what}, so {kind.value} does not replace it; choose another output, or delete it"
        )


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` so that `path` holds either its old content or all of the new one, even after a power cut.

    Missing parent folders are made, the umask is respected, and a link stays a link: its target is replaced.

    Raises:
        OSError: The folder cannot be written, the disk is full, or `path` is there and is not a regular file.
    """
    target = Path(os.path.realpath(path))
    if target.exists():
        require_regular_file(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Same folder, hence same file system: os.replace is atomic only there. A short name: `path` may have 255 bytes.
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        # Unlike tempfile's 0600, "x" gives the permissions that the umask asks for.
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_result(path: Path, data: bytes, kind: Kind, failure: type[FststyleError] = FststyleError) -> None:
    """Like `atomic_write`, but for paths the user chose: errors name a remedy.

    Raises:
        FststyleError: It cannot be written, or is a file of another kind; a `failure`.
    """
    refuse_other_kind(path, kind, failure)
    try:
        atomic_write(path, data)
    except OSError as error:
        raise failure(f"cannot write {path} ({reason_of(error)}); choose another place") from error


def remove_leftovers(folder: Path) -> None:
    """Remove what `atomic_write` could not when its process was killed; nobody else may be writing there."""
    for path in folder.iterdir():
        if _LEFTOVER.fullmatch(path.name):
            path.unlink(missing_ok=True)


def reason_of(error: OSError) -> str:
    """Why nothing could be written, in words that say what to do about it."""
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        path = Path(os.fsdecode(error.filename))
        for place in (path, *path.parents):
            if is_file(place):
                return f"{place} is a file, not a folder"
    reason = error.strerror or str(error)
    return f"disk full: {reason}" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else reason


def replace_marked(page: str, begin: str, end: str, text: str) -> str:
    """A page with `text` in the place of what stands between two marks, which stay; without them, the page as it is."""
    before, first, rest = page.partition(begin)
    _, last, after = rest.partition(end)
    return f"{before}{begin}{text}{end}{after}" if first and last else page
