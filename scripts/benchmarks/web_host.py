"""A static host on loopback that can be as slow as a phone's connection; Chromium throttles pages, not workers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, ClassVar

ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
_PIECE = 8192


class _Line:
    """One connection for all: what is sent waits for what was sent before."""

    def __init__(self, bits_per_second: float, latency: float) -> None:
        self._rate = bits_per_second / 8
        self.latency = latency
        self._free = 0.0
        self._lock = threading.Lock()

    def wait(self, count: int) -> None:
        with self._lock:
            self._free = max(self._free, time.monotonic()) + count / self._rate
            until = self._free
        time.sleep(max(0.0, until - time.monotonic()))


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript", ".mjs": "text/javascript"}
    further: ClassVar[dict[str, str]] = {}
    line: ClassVar[_Line | None] = None

    def do_GET(self) -> None:
        if self.line is not None:
            time.sleep(self.line.latency)
        super().do_GET()

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        with suppress(ConnectionError):  # the browser was closed
            while piece := source.read(_PIECE):
                if self.line is not None:
                    self.line.wait(len(piece))
                outputfile.write(piece)

    def end_headers(self) -> None:
        for name, value in self.further.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def host(
    folder: Path, headers: dict[str, str], bits_per_second: float | None = None, latency: float = 0
) -> Iterator[str]:
    """Serve a folder; the address is given.

    Args:
        folder: Of the site.
        headers: Sent with every file.
        bits_per_second: Of everything together; None is as fast as it goes.
        latency: Of every request, in seconds.
    """
    line = None if bits_per_second is None else _Line(bits_per_second, latency)
    handler = type("Host", (_Handler,), {"further": headers, "line": line})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
