"""A hub on this machine, and a client of it that reads the environment anew."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_server import TOKEN, Hub, serving

# The client reads the environment when it is imported.
_CONSTANTS = ("ENDPOINT", "HUGGINGFACE_CO_URL_TEMPLATE", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN_PATH")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with serving() as hub:
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        values = (hub.url, template, str(tmp_path / "hub"), False, str(tmp_path / "token"))
        for name, value in zip(_CONSTANTS, values, strict=True):
            monkeypatch.setattr(constants, name, value)
        yield hub


@pytest.fixture
def log_in(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setenv("HF_TOKEN", TOKEN)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on nobody answers."""

    def leave() -> None:
        constants: Any = pytest.importorskip("huggingface_hub.constants")
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")

    return leave
