"""Ends a painting from another thread, at the next operator of its network."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import onnxruntime

from fststyle.errors import FststyleError

_CURRENT: ContextVar["Stop | None"] = ContextVar("stop", default=None)


class StoppedError(FststyleError):
    """A painting was ended before it was done."""


class Stop:
    """Ends what is painted inside `heard`; any thread may call `set`.

    Attributes:
        options: What a session must run with to hear it.
    """

    def __init__(self) -> None:
        self.options = onnxruntime.RunOptions()
        self.options.log_severity_level = 4  # the end that was asked for is no error

    def set(self) -> None:
        """End the painting, now or as soon as it begins."""
        self.options.terminate = True

    def check(self) -> None:
        """Between two parts of some work: end it here if that was asked for.

        Raises:
            StoppedError: It was.
        """
        if self.options.terminate:
            raise StoppedError("the painting was ended before it was done; ask for it again")

    @contextmanager
    def heard(self) -> Iterator[None]:
        """What this thread paints inside can be ended."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


def current_stop() -> Stop | None:
    """What may end a painting of this thread."""
    return _CURRENT.get()
