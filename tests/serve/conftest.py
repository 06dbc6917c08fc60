import io
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from fststyle.serve.app import Application
from fststyle.serve.server import Server
from fststyle.serve.settings import Limits, Settings, listen

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def png(photo: NDArray[np.uint8]) -> bytes:
    """The photo as a file."""
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def settings(tmp_path: Path, identity: Path) -> Callable[..., Settings]:
    """Of a server that offers the network that gives back every byte."""

    def settings(limits: Limits | None = None, **given: Any) -> Settings:
        given = {"folder": tmp_path / "served", "networks": (str(identity),), "device": "cpu", **given}
        return Settings(limits=limits or Limits(workers=2), **given)

    return settings


@pytest.fixture
def client(settings: Callable[..., Settings]) -> Client:
    """Asks an application, without a network between."""

    @asynccontextmanager
    async def client(
        limits: Limits | None = None, headers: dict[str, str] | None = None, **given: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        application = Application(settings(limits, **given))
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with (
            application.api.router.lifespan_context(application.api),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as asking,
        ):
            asking.application = application  # type: ignore[attr-defined]
            yield asking

    return client


@pytest.fixture
def server(settings: Callable[..., Settings]) -> Callable[..., Any]:
    """A real server in a thread; gives (address, application)."""

    @contextmanager
    def server(limits: Limits | None = None, **given: Any) -> Iterator[tuple[str, Application]]:
        limits = limits or Limits(workers=2)
        application = Application(settings(limits, **given))
        listener = listen("127.0.0.1", 0)
        running = Server(application, limits)
        thread = threading.Thread(target=running.run_at, args=(listener,))
        thread.start()
        try:
            until(lambda: running.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", application
        finally:
            application.jobs.news.close()
            running.should_exit = True
            thread.join(20)
            listener.close()
            assert not thread.is_alive()

    return server


@pytest.fixture
def fake_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run a program that only waits, and reports as `fststyle train --json` does."""
    monkeypatch.setattr(
        "fststyle.serve.process.COMMAND", (sys.executable, str(Path(__file__).with_name("fake_command.py")))
    )
    monkeypatch.setattr("fststyle.serve.jobs._LOOK", 0.05)
    monkeypatch.setattr("fststyle.serve.job_api.can", lambda _: True)


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., None]:
    return until


def until(happens: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)
