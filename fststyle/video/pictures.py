"""A folder or pattern of pictures as a clip of constant rate."""

import glob
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.files import is_file, is_folder, is_there
from fststyle.images import find_images, fit_longer_side, read_picture, resize
from fststyle.video.clip import DEFAULT_RATE, Clip, Cut, Frame


class PicturesReader:
    """Reads pictures one by one; a context manager like `VideoReader`.

    Attributes:
        clip: What is known of it; the first picture decides the size.
    """

    def __init__(self, text: str, cut: Cut) -> None:
        """`text` is a folder, or a pattern such as "frames/*.png".

        Raises:
            VideoError: It holds no pictures, or the cut leaves none.
        """
        rate = cut.rate or DEFAULT_RATE
        found = find_pictures(text)
        first = -(-(cut.start or Fraction(0)) * rate // 1)
        last = len(found) if cut.end is None else -(-cut.end * rate // 1)
        self._paths = found[int(first) : int(last)]
        if not self._paths:
            raise VideoError(f"{text} holds {len(found)} pictures, none of them between start and end")
        self._max_side = cut.max_side
        height, width = self._read(self._paths[0], None).shape[:2]
        self.clip = Clip(width, height, time_base=1 / rate, rate=rate, frames=len(self._paths))

    def __enter__(self) -> "PicturesReader":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open between two pictures."""

    def items(self, skip: int = 0) -> Iterator[Frame]:
        """As `VideoReader.items`."""
        for number, path in enumerate(self._paths):
            rgb = None if number < skip else self._read(path, (self.clip.height, self.clip.width))
            yield Frame(rgb, number, 1)

    def _read(self, path: Path, size: tuple[int, int] | None) -> NDArray[np.uint8]:
        rgb = read_picture(path).rgb
        if self._max_side is not None:
            rgb = fit_longer_side(rgb, self._max_side)
        return rgb if size is None else resize(rgb, *size)


def is_pictures(text: str) -> bool:
    """Whether this names a folder or a pattern rather than a file."""
    return is_folder(Path(text)) or (glob.has_magic(text) and not is_there(Path(text)))


def find_pictures(text: str) -> list[Path]:
    """The pictures of a folder or pattern, frame 10 behind frame 9.

    Raises:
        VideoError: There are none.
    """
    if is_folder(Path(text)):
        found = find_images(Path(text))
    else:
        found = [path for path in map(Path, glob.glob(text, recursive=True)) if is_file(path)]  # noqa: PTH207
    if not found:
        raise VideoError(f"{text} holds no pictures; name a folder of frames or a quoted pattern")
    return sorted(found, key=_natural)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", str(path))]
