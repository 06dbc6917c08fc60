"""The processes that read photos for a training: how they end, and the error if one ends too early.

They ignore SIGTERM, because a trainer that gets it finishes its step first and still needs photos. Python ends child
processes by SIGTERM and would wait for these forever, so `_end_readers` kills them.
"""

import atexit
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any
from weakref import WeakSet

from torch import Tensor
from torch.utils.data import DataLoader

from fststyle.errors import DataError

# The readers that this process has started. atexit is told when there is a first one, not when this is imported.
_started: WeakSet[BaseProcess] = WeakSet()


class PhotoLoader(DataLoader[Tensor]):
    """Batches of photos, read by processes that end with the program that started them."""

    def __iter__(self) -> Any:
        before = set(multiprocessing.active_children())
        iterator = super().__iter__()
        _end_at_exit(set(multiprocessing.active_children()) - before)
        return iterator

    def state_dict(self) -> dict[str, Any]:
        """Nothing: where reading goes on follows from the steps taken. Lightning asks whether a loader can."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See `state_dict`."""


def leave_signals(_: int) -> None:
    """Ignore Ctrl-C and SIGTERM, as a reader: the trainer handles them, and readers end with it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _end_at_exit(readers: set[BaseProcess]) -> None:
    if readers:
        _started.update(readers)
        atexit.unregister(_end_readers)  # once is enough
        atexit.register(_end_readers, os.getpid())


def _end_readers(pid: int) -> None:
    """Kill the readers that are left when the program ends."""
    if os.getpid() != pid:  # a process that was forked since
        return
    left = [reader for reader in _started if reader.is_alive()]
    if not left:
        return
    watch = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
    if watch is not None:  # torch's, which would take it for an accident
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for reader in left:
        reader.kill()
    for reader in left:
        reader.join()
    if watch is not None:
        signal.signal(signal.SIGCHLD, watch)


@contextmanager
def plain_reading_errors() -> Iterator[None]:
    """Turn errors of the processes that read photos into one line.

    torch puts the traceback of the process into the message.

    Raises:
        DataError: As the process raised it, or because the process was killed.
    """
    try:
        yield
    except DataError as error:
        raise DataError(str(error).rpartition(f"{DataError.__name__}: ")[2].strip()) from error
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise DataError(
            "a process that reads photos was killed, most often because the memory was full; go on with --resume and "
            "--workers 0"
        ) from error
