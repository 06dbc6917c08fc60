"""Paintings one after the other in a few threads: how many may wait, for how long, and who still waits for them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from fststyle.runtime.stopping import Stop, StoppedError
from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Limits

_Answer = TypeVar("_Answer")

# Of larger pictures only one is painted at a time: each may take half of the memory that is free when it begins.
_LARGE_PIXELS = 4_000_000


class Queue:
    """Threads that paint, and a bounded number of requests that wait for them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.workers, "paint")
        self._inside = 0
        self._large = threading.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place in the queue, from before the upload until the answer is there.

        Raises:
            RefusedError: All are taken.
        """
        if self._inside >= self._limits.workers + self._limits.waiting:
            raise RefusedError(429, "too many pictures are waiting; try again in a moment", {"Retry-After": "2"})
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def do(self, work: Callable[[Stop], _Answer], gone: Awaitable[None]) -> _Answer:
        """Do some work in a thread, as long as somebody waits for it.

        Args:
            work: Looks at the `Stop` now and then; networks do so by themselves.
            gone: Returns when nobody waits any more.

        Raises:
            RefusedError: It took too long, or nobody waits.
        """
        stop = Stop()

        def heard() -> _Answer:
            stop.check()
            with stop.heard():
                return work(stop)

        done = asyncio.get_running_loop().run_in_executor(self._threads, heard)
        leaving = asyncio.ensure_future(gone)
        both: set[asyncio.Future[Any]] = {done, leaving}
        try:
            await asyncio.wait(both, timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = leaving.done()
            leaving.cancel()
            if not done.done():
                stop.set()
        # Until the thread has let go, it is not free for others.
        try:
            return await done
        except StoppedError:
            if left:
                raise RefusedError(499, "nobody waits for this painting any more") from None
            seconds = f"{self._limits.seconds:g}"
            raise RefusedError(
                503,
                f"this takes longer than the {seconds} seconds allowed; try a smaller picture",
                {"Retry-After": "5"},
            ) from None

    @contextmanager
    def turn(self, pixels: int, stop: Stop) -> Iterator[None]:
        """Inside `work`: for a large picture, wait until no other large one is painted."""
        if pixels <= _LARGE_PIXELS:
            yield
            return
        while not self._large.acquire(timeout=0.1):
            stop.check()
        try:
            yield
        finally:
            self._large.release()

    def close(self) -> None:
        """Take no more work."""
        with suppress(RuntimeError):
            self._threads.shutdown(wait=False, cancel_futures=True)
