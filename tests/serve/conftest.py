import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from serving import run_fake_commands, serving

from fststyle.serve.app import Application
from fststyle.serve.settings import Limits, Settings

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
    return lambda limits=None, **given: serving(settings(limits, **given))


@pytest.fixture
def fake_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run a program that only waits, and reports as `fststyle train --json` does."""
    run_fake_commands(monkeypatch)
