"""Paintings that come with a request: each becomes a network, and the last few stay open."""

import hashlib
import io
import threading
from collections import OrderedDict
from typing import NamedTuple

from fststyle.errors import ImageError
from fststyle.paint.stylizer import Stylizer
from fststyle.predict.new_style import predict
from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Settings

# Beside its few megabytes, a session keeps the memory that its largest picture took.
_OPEN = 4

# What errors say of a picture that is to be painted, and what it means for a style.
_MEANT = {
    "the picture": "the style",
    "the painting": "the style",
    "paint it with fststyle video, or save a frame of it as a picture": "send a frame of it as PNG or JPEG",
}


class Style(NamedTuple):
    """A painting as a network.

    Attributes:
        stylizer: Ready to paint.
        strangeness: As in `Predicted`.
    """

    stylizer: Stylizer
    strangeness: float


class Styles:
    """Networks by what their paintings hold; any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: OrderedDict[tuple[bytes, int], Style] = OrderedDict()
        self._lock = threading.Lock()

    def style(self, painting: bytes, size: int) -> Style:
        """The network of a painting.

        Args:
            painting: Its file.
            size: Shorter side in pixels at which it is looked at, 32..4096.

        Raises:
            RefusedError: It cannot be read, or has more pixels than are allowed.
        """
        key = hashlib.sha256(painting).digest(), size
        with self._lock:
            if key in self._open:
                self._open.move_to_end(key)
                return self._open[key]
        # Two requests at once may make the same one: better than that all wait for each.
        made = self._made(painting, size)
        with self._lock:
            self._open[key] = made
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)
        return made

    def _made(self, painting: bytes, size: int) -> Style:
        settings = self._settings
        try:
            made = predict(io.BytesIO(painting), style_size=size, name="style", max_pixels=settings.limits.pixels)
        except ImageError as error:
            sentence = str(error)
            for said, meant in _MEANT.items():
                sentence = sentence.replace(said, meant)
            raise RefusedError(422, sentence) from error
        stylizer = Stylizer(made.file(), settings.device, threads=settings.threads, memory=settings.memory)
        return Style(stylizer, made.strangeness)
