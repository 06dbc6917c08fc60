"""A folder or pattern of pictures as a clip of constant rate."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fststyle.errors import ImageError, VideoError
from fststyle.pictures.files import read_picture
from fststyle.pictures.picture import Picture
from fststyle.system.counts import counted
from fststyle.system.warn import warn
from fststyle.video.clip import DEFAULT_RATE, Clip, Cut, Frame, Wanted, every
from fststyle.video.numbering import find_pictures, missing


class PicturesReader:
    """Reads pictures one by one; a context manager like `VideoReader`.

    Attributes:
        clip: What is known of it; the first picture decides the size.
    """

    def __init__(self, text: str, cut: Cut) -> None:
        """`text` is a folder, or a pattern such as "frames/*.png" or "frames/f%04d.png".

        Raises:
            VideoError: It holds no pictures, or the cut leaves none.
        """
        rate = cut.rate or DEFAULT_RATE
        found = find_pictures(text)
        first = -(-(cut.start or Fraction(0)) * rate // 1)
        last = len(found) if cut.end is None else -(-cut.end * rate // 1)
        self._paths = found[int(first) : int(last)]
        if not self._paths:
            raise VideoError(f"{text} holds {counted(len(found), 'picture')}, none between start and end")
        if gaps := missing(self._paths):
            warn(f"{text} lacks the numbers {gaps}; the frames beside a gap follow each other")
        self._max_side = cut.max_side
        self._warned = False
        height, width = self._read(self._paths[0]).rgb.shape[:2]
        self.clip = Clip(width, height, time_base=1 / rate, rate=rate, frames=len(self._paths))

    def __enter__(self) -> "PicturesReader":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open between two pictures."""

    def items(self, wanted: Wanted = every) -> Iterator[Frame]:
        """As `VideoReader.items`; in the place of a broken picture stands the one before it."""
        for number in range(len(self._paths)):
            if not wanted(number):
                yield Frame(None, number, 1)
                continue
            shown = self._shown(number)
            yield Frame(shown.to_paint(), number, 1, shown.alpha)

    def _shown(self, number: int) -> Picture:
        """A picture, or the last one before it that is not broken."""
        failure: ImageError | None = None
        for path in self._paths[number::-1]:
            try:
                return self._fitted(path)
            except ImageError as error:
                if failure is None:
                    failure = error
                    warn(f"{error}; the frame before it is shown again")
        raise failure or ImageError(f"{self._paths[number]} cannot be read")

    def _read(self, path: Path) -> Picture:
        picture = read_picture(path)
        return picture if self._max_side is None else picture.fitted(self._max_side)

    def _fitted(self, path: Path) -> Picture:
        """A picture in the size of the first, with bars where its shape is another."""
        picture = self._read(path)
        height, width = picture.rgb.shape[:2]
        size = (self.clip.width, self.clip.height)
        if (width, height) == size:
            return picture
        if not self._warned:
            self._warned = True
            warn(
                f"{path} has {width}×{height} pixels, the first frame {size[0]}×{size[1]}; "
                "it is fitted into that size, and so are others"
            )
        return _with_bars(picture, size)


def _with_bars(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture scaled to (width, height) without stretching, the rest black."""
    image = Image.fromarray(picture.rgb if picture.alpha is None else np.dstack([picture.rgb, picture.alpha]))
    black = (0, 0, 0, 255)[: len(image.mode)]
    # Pillow weights colors by their opacity.
    values = np.array(ImageOps.pad(image, size, Image.Resampling.LANCZOS, black))
    return Picture(values[:, :, :3].copy(), None if picture.alpha is None else values[:, :, 3].copy())
