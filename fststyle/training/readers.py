"""The processes that read photos for a training: how they end, and what is said when one ends too early."""

import atexit
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from fststyle.errors import DataError


def leave_signals(_: int) -> None:
    """Let Ctrl-C and SIGTERM be the trainer's business, which has a step to finish; readers end when it does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@atexit.register
def _end_readers() -> None:
    """End the readers that a program leaves behind.

    multiprocessing does so itself when Python ends, but by SIGTERM, which they do not hear, and would wait for ever.
    """
    if hasattr(signal, "SIGCHLD"):  # where torch would take it for an accident, and say so
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()


@contextmanager
def plain_reading_errors() -> Iterator[None]:
    """Around a training: what happens to the processes that read photos is said in one line.

    torch hands their errors on with the traceback as part of the message.

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
            "--data.num_workers 0"
        ) from error
