"""How long a file says that it is."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import InputContainer

from fststyle.video.decoding import has_no_times
from fststyle.video.matroska import end_of, is_whole

_UNWRITTEN = 1 << 30  # frames; what stands in an AVI that was written into a pipe

_MATROSKA = "matroska,webm"
_LENGTH_IS_END = {_MATROSKA, "flv", "asf"}  # they count from 0, wherever their times begin


class Length:
    """Of a file and of its pictures, in seconds."""

    def __init__(self, path: Path, container: InputContainer, pictures: Any) -> None:
        self._path = path
        self._container = container
        self._pictures = pictures

    @property
    def frames(self) -> int | None:
        """Of the pictures, if the file says so."""
        return None if self._is_unwritten else int(self._pictures.frames) or None

    @property
    def seconds(self) -> Fraction | None:
        """Of the file, if it says so."""
        if self._container.duration is None or has_no_times(self._container) or self._is_unwritten:
            return None
        length = Fraction(self._container.duration, 1_000_000)
        if self._container.format.name in _LENGTH_IS_END:
            length -= Fraction(max(self._container.start_time or 0, 0), 1_000_000)
        return length

    def promised(self, copied: tuple[Any, ...]) -> Fraction | None:
        """When the pictures should end, or else all that is read, on the file's own clock; None if nobody knows.

        Args:
            copied: The streams that are read besides the pictures.
        """
        pictures = self._pictures
        if self._is_unwritten:
            return None
        if pictures.duration is not None and pictures.start_time is not None:
            begins = 0 if self._container.format.name in _LENGTH_IS_END else pictures.start_time
            return Fraction((begins + pictures.duration) * pictures.time_base)
        read = {pictures, *copied}
        others = any(stream not in read for stream in self._container.streams if stream.type != "attachment")
        if self._container.duration is None or self.seconds is None or others or self._is_whole:
            return None
        return Fraction(self._container.duration, 1_000_000)

    def of_last(self, begins: Fraction, lasts: Fraction) -> Fraction:
        """How long the last frame is shown, which begins at a time on the file's clock and itself says `lasts`."""
        return max(lasts, (end_of(self._pictures) or begins) - begins) if self._is_whole else lasts

    @property
    def _is_unwritten(self) -> bool:
        return bool(self._pictures.frames >= _UNWRITTEN)

    @property
    def _is_whole(self) -> bool:
        """Whether this is known: a long last frame cannot be told from a missing end otherwise."""
        return self._container.format.name == _MATROSKA and is_whole(self._path)
