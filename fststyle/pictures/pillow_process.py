"""What Pillow keeps for the whole process, held still while pictures are read."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from PIL import Image, _imaging


class _PillowLimit:
    """Pillow warns at 89 and refuses at 179 megapixels, for the whole process, when a file is opened and again later.

    While pictures are read, what they may have takes its place, for Pillow's warning; it refuses twice as much. Our own
    check comes after the opening, and opening a GIF may already fill a frame, whose size a few bytes say.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._allowed: list[int] = []
        self._before: int | None = None

    @contextmanager
    def moved_to(self, max_pixels: int) -> Iterator[None]:
        with self._lock:
            if not self._allowed:
                self._before = Image.MAX_IMAGE_PIXELS
            self._allowed.append(max_pixels)
            Image.MAX_IMAGE_PIXELS = max(self._allowed)
        try:
            yield
        finally:
            with self._lock:
                self._allowed.remove(max_pixels)
                Image.MAX_IMAGE_PIXELS = max(self._allowed) if self._allowed else self._before


pillow_limit = _PillowLimit()


class _LibtiffHandlers:
    """Libtiff prints on standard error what is wrong with a file, without its name; Pillow raises all the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._before: list[tuple[Any, Any]] = []

    @contextmanager
    def silenced(self) -> Iterator[None]:
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                self._before = [(setter, setter(None)) for setter in _setters()]
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                if self._readers == 0:
                    for setter, before in self._before:
                        setter(before)


def _setters() -> list[Any]:
    """Functions of the libtiff that Pillow has loaded; none where it is linked statically, as on Windows."""
    setters = []
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            setter = getattr(library, name)
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setters.append(setter)
    return setters


libtiff_handlers = _LibtiffHandlers()
