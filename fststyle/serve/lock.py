"""Who works in a job's folder: a process of a server that was killed may still be writing its checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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
    try:
        import fcntl
    except ModuleNotFoundError:
        return
    # Not flock: that lock would live on in processes that read photos for a training.
    fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
