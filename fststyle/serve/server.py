"""Runs the application with uvicorn, until a signal ends it."""

import asyncio
import socket
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from fststyle.serve.app import Application
from fststyle.serve.settings import Limits

# Seconds until the first line and the headers of a connection's first request must be there.
_HEADERS = 15.0

# Seconds that a connection may stay without a request.
_KEEP_ALIVE = 20

# Of a request's headers.
_HEADER_BYTES = 32_000


class _Protocol(H11Protocol):
    """Closes connections that never ask for anything."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(_HEADERS, self._look)

    def _look(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """Lets listeners go when it is told to end; it would wait for their connections otherwise."""

    def __init__(self, application: Application, limits: Limits) -> None:
        self._application = application
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
