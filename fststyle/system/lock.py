"""A lock on a file that ends with the process that has it, however that ends."""

from typing import BinaryIO


def lock_file(file: BinaryIO, *, wait: bool = False) -> None:
    """Lock an open file against other processes.

    Not the `filelock` package: its locks are flock's, which the processes that read photos inherit. These may live on
    after a killed training, and would keep the next one out.

    Args:
        file: Open for writing; to close any handle of the file in this process unlocks it.
        wait: Until no other process has it. On Windows nothing waits.

    Raises:
        OSError: Another process has it, or the file system knows no locks.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
