"""An object store in memory."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def store() -> Iterator[Any]:
    """fsspec's own; it is empty."""
    memory = pytest.importorskip("fsspec").filesystem("memory")
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
