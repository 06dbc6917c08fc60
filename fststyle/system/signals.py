"""Ctrl-C and SIGTERM that let the step in progress finish."""

import signal
import threading
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SignalWatch:
    """Between entering and leaving, the first signal is only noted; then a Ctrl-C raises KeyboardInterrupt at once.

    A second SIGTERM does nothing: schedulers send it to a process and again to its group, and nobody means more by it.
    Python hears signals in its main thread only, so in another one nothing is watched.

    Attributes:
        received: The number of the first signal, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
