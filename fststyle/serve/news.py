"""Tells listeners which jobs have changed; a slow listener gets the latest state, not all that it missed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fststyle.serve.refusals import RefusedError


class Listener:
    """Whoever wants to know."""

    def __init__(self) -> None:
        self._changed: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._closed = False

    def tell(self, job: str) -> None:
        """A job has changed."""
        self._changed[job] = None
        self._woken.set()

    def close(self) -> None:
        """There will be nothing more."""
        self._closed = True
        self._woken.set()

    async def changes(self) -> AsyncIterator[str]:
        """The ids of jobs that have changed, until the server ends."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._changed:
                job = next(iter(self._changed))
                del self._changed[job]
                yield job
            if self._closed:
                return


class News:
    """All who listen."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._listeners: set[Listener] = set()
        self._closed = False

    @contextmanager
    def listener(self) -> Iterator[Listener]:
        """One more.

        Raises:
            RefusedError: There are too many.
        """
        if self._closed:
            raise RefusedError(503, "the server is ending")
        if len(self._listeners) >= self._most:
            raise RefusedError(429, "too many listen to the server's events; close some pages", {"Retry-After": "30"})
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def tell(self, job: str) -> None:
        """A job has changed, or is gone."""
        for listener in self._listeners:
            listener.tell(job)

    def close(self) -> None:
        """Let all listeners go: a server does not end before its connections do."""
        self._closed = True
        for listener in self._listeners:
            listener.close()
