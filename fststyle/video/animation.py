"""An animated WebP as a clip; ffmpeg reads every other kind of animation, but not this one."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.errors import VideoError
from fststyle.pictures.picture import to_picture
from fststyle.pictures.resizing import resize
from fststyle.system.files import is_file
from fststyle.system.warn import warn
from fststyle.video.clip import Clip, Cut, Frame, Wanted, every, nothing_left, shrunk, warn_of_transparency
from fststyle.video.span import Span
from fststyle.video.timing import at_rate

_UNIT = Fraction(1, 1000)
_UNSAID = 100  # milliseconds; what browsers take where a duration is 0


class _Shown(NamedTuple):
    rgb: NDArray[np.uint8]
    begins: Fraction
    lasts: Fraction


class AnimationReader:
    """Decodes frame by frame; a context manager like `VideoReader`.

    Attributes:
        clip: What is known of it.
    """

    def __init__(self, path: Path, cut: Cut) -> None:
        """Open the file.

        Raises:
            VideoError: It is not a whole WebP.
        """
        self._name = str(path)
        self._span = Span.of(cut, Fraction(0))
        self._cut = cut
        self._warned = False
        try:
            self._image = Image.open(path, formats=["WEBP"])
            self._image.load()
        except (OSError, SyntaxError, ValueError, struct.error) as error:
            raise VideoError(f"{path} cannot be read ({error}); download or export it again") from error
        self._count = int(getattr(self._image, "n_frames", 1))
        if self._count < 2:
            self._image.close()
            raise VideoError(f"{path} is a single picture; paint it with fststyle stylize")
        rate = cut.rate or 1000 / Fraction(self._duration)
        width, height = shrunk(*self._image.size, cut.max_side)
        whole = cut == Cut(max_side=cut.max_side)
        time_base = _UNIT if cut.rate is None else 1 / rate
        self.clip = Clip(width, height, time_base=time_base, rate=rate, frames=self._count if whole else None)

    def __enter__(self) -> "AnimationReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._image.close()

    def items(self, wanted: Wanted = every) -> Iterator[Frame]:
        """As `VideoReader.items`."""
        number = 0
        for shown, pts, duration in self._timed():
            rgb = resize(shown.rgb, self.clip.height, self.clip.width) if wanted(number) else None
            yield Frame(rgb, pts, duration)
            number += 1
        if not number:
            raise nothing_left(self._name, self._cut, None)

    @property
    def _duration(self) -> int:
        """Of the frame that was decoded last, in milliseconds."""
        return int(self._image.info.get("duration") or _UNSAID)

    def _timed(self) -> Iterator[tuple[_Shown, int, int | None]]:
        if self._cut.rate is None:
            for shown in self._shown():
                yield shown, round(shown.begins / _UNIT), round(shown.lasts / _UNIT)
        else:
            seconds = ((shown, shown.begins, shown.lasts) for shown in self._shown())
            yield from ((shown, tick, None) for shown, tick in at_rate(seconds, self._cut.rate))

    def _shown(self) -> Iterator[_Shown]:
        """The frames of the span, on the output's clock."""
        begins = Fraction(0)
        for number in range(self._count):
            if self._span.is_behind(begins):
                return
            try:
                self._image.seek(number)
                self._image.load()
            except (OSError, EOFError, SyntaxError, ValueError) as error:
                warn(f"{self._name} is cut off at {float(begins):.1f} s ({error}); what comes before is painted")
                return
            lasts = self._duration * _UNIT
            seen = self._span.within(begins, lasts)
            if not self._span.is_before(begins):
                yield _Shown(self._rgb(), begins - self._span.zero, seen)
            elif self._span.shows(begins + lasts, every_tick=self._cut.rate is not None):
                yield _Shown(self._rgb(), Fraction(0), begins + seen - self._span.zero)
            begins += lasts

    def _rgb(self) -> NDArray[np.uint8]:
        picture = to_picture(self._image, self._name)
        if picture.alpha is not None and not self._warned:
            self._warned = True
            warn_of_transparency(self._name)
        return picture.to_paint()


def is_webp(path: Path) -> bool:
    """Whether this is a file in that format, whatever it is called."""
    if not is_file(path):
        return False
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"
