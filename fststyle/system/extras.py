"""Turns a missing optional dependency into an install hint."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from fststyle.errors import FststyleError


@contextmanager
def extra(name: Literal["train", "video", "heif", "cluster", "serve", "hub", "live"]) -> Iterator[None]:
    """For imports that need an extra: a package that is missing is named with the way to get it.

    Raises:
        FststyleError: It is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("fststyle"):
            raise
        raise FststyleError(
            f"this needs {error.name}, which is not installed; pip install 'fststyle[{name}]'"
        ) from error
