"""Who works in a folder: one server in that of its jobs, one process in that of a job.

A process of a server that was killed may still be writing its checkpoint.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fststyle.errors import FststyleError
from fststyle.system.files import reason_of
from fststyle.system.lock import lock_file


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The folder, which is made if it is not there, is this server's; the lock ends with the process.

    Raises:
        FststyleError: Another server works there, or the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+b")
    except OSError as error:
        raise FststyleError(f"{folder} cannot be used ({reason_of(error)}); choose another --output") from error
    with file:
        try:
            _lock(file, wait=False)
        except (BlockingIOError, PermissionError) as error:
            raise FststyleError(f"another server works in {folder}; give another --output") from error
        except OSError as error:
            raise FststyleError(f"{folder} cannot be locked ({reason_of(error)}); choose another --output") from error
        yield


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is this process's, as soon as no other works in it; the lock ends with the process."""
    with (folder / ".lock").open("a+b") as file:
        _lock(file, wait=True)
        yield


def is_held(folder: Path) -> bool:
    """Whether another process works there."""
    with (folder / ".lock").open("a+b") as file:
        try:
            _lock(file, wait=False)
        except OSError:
            return True
    return False


def _lock(file: BinaryIO, *, wait: bool) -> None:
    """On Windows nothing is locked; there `train` and `video` refuse to work where another process does."""
    if os.name != "nt":
        lock_file(file, wait=wait)
