"""Runs the application with uvicorn, until a signal ends it."""

import asyncio
import logging
import socket
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from fststyle.serve.app import Application
from fststyle.serve.settings import Limits

# Seconds from the first byte of a request, or from the connection, until all of its headers must be there.
_HEADERS = 15.0

# Seconds that a connection may stay without a request.
_KEEP_ALIVE = 20

# Of a request's headers.
_HEADER_BYTES = 32_000


class _Protocol(H11Protocol):
    """Closes connections that do not ask for anything, and those of an address that has too many."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Half of all: a proxy has all that the limits let in, and one client cannot shut out the others.
        if self.limit_concurrency is not None and 2 * self._of_this_address() > self.limit_concurrency:
            transport.abort()
        else:
            self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._rest()

    def _of_this_address(self) -> int:
        others = [other.client for other in self.connections if isinstance(other, _Protocol)]
        return sum((other or "")[:1] == (self.client or "")[:1] for other in others)

    def _watch(self) -> None:
        """Between two answers, wait for the headers of a request, but not for ever."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._rest()
        elif self._patience is None:
            self._patience = self.loop.call_later(_HEADERS, self._give_up)

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        self.transport.close()


class Server(uvicorn.Server):
    """Lets listeners go when it is told to end; it would wait for their connections otherwise."""

    def __init__(self, application: Application, limits: Limits) -> None:
        self._application = application
        # A form that is no form is answered with a sentence; whoever sends it must not fill the log.
        logging.getLogger("python_multipart").setLevel(logging.ERROR)
        most = 2 * (limits.workers + limits.waiting + limits.listeners) + 64
        super().__init__(
            uvicorn.Config(
                application,
                http=_Protocol,
                ws="none",
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=most,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=30,
                h11_max_incomplete_event_size=_HEADER_BYTES,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._application.jobs.news.close()
        super().handle_exit(sig, frame)

    def run_at(self, listener: socket.socket) -> None:
        """Serve until a signal comes."""
        self.run(sockets=[listener])
