"""Squares cut from photos: random ones for training, central ones for measuring.

Sample p of a run is a pure function of the seed and p: which photo, which crop, flipped or not.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from fststyle.errors import DataError, ImageError
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.system.files import reason_of
from fststyle.system.warn import warn
from fststyle.training.data.cache import PhotoCache
from fststyle.training.data.crop_sides import side_at

# The narrowest crop, as a fraction of a photo's shorter side: objects still, not only their texture.
_NARROWEST = 0.4

# Photos are kept so much larger than the largest crop: room for crops of different places.
_ROOM = 1.25

# How much of a darkened crop is black, about, least and most: a street at night, and stars.
_BLACK_SHARE = 0.3, 0.98

# The highest black point, of what is brightest: something is left of a crop that is mostly sky.
HIGHEST_BLACK = 0.85

MAX_BAD_SHARE = 0.5
"""If a larger share than this cannot be read, it is the wrong folder."""


class Draw(NamedTuple):
    """What is cut from one photo, in its pixels.

    Attributes:
        left: Of the square.
        top: Likewise.
        side: Likewise.
        crop: Side of the picture that it becomes.
        flip: Whether left and right are exchanged.
        black: About how much of it is black, if it is darkened.
    """

    left: float
    top: float
    side: float
    crop: int
    flip: bool
    black: float | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.left + self.side, self.top + self.side


class PhotoCrops(Dataset[Tensor]):
    """Square crops by position in the run: (3, side, side) uint8, RGB. Positions have no end.

    Args:
        photos: Files, in an order that does not change between runs.
        sides: Of the crops in pixels. The crops of one step have the same side (`crop_sides.py`).
        seed: Of the whole run.
        per_step: Positions in a step, of all processes together.
        bad_list: JSON Lines file to which unreadable photos are added, once each, with the reason.
        cache: Where decoded photos are kept; none decodes anew every time.
        dark: Share of the crops that are darkened.
        gone: Indices of photos that are known to be missing; others take their place.
        larger_from: The step from which all of the sides are drawn; those before have the smallest.
    """

    def __init__(
        self,
        photos: list[Path],
        sides: Sequence[int],
        seed: int,
        per_step: int = 1,
        bad_list: Path | None = None,
        cache: PhotoCache | None = None,
        dark: float = 0.0,
        gone: Iterable[int] = (),
        larger_from: int = 0,
    ) -> None:
        self.photos, self.sides, self.seed, self.bad_list = photos, tuple(sides), seed, bad_list
        self.per_step, self.cache, self.dark, self.larger_from = per_step, cache, dark, larger_from
        self._kept_side = int(max(min(sides) / _NARROWEST, _ROOM * max(sides)))
        self.bad: set[int] = set(gone)
        self._epoch: tuple[int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        """The number of photos, for Lightning's `overfit_batches`."""
        return len(self.photos)

    def __getitem__(self, position: int) -> Tensor:
        return self._crop(position, self.side_of([position]))

    def __getitems__(self, positions: Sequence[int]) -> list[Tensor]:
        """The crops of a batch, all of one side. DataLoader asks for batches here."""
        side = self.side_of(positions)
        return [self._crop(position, side) for position in positions]

    def side_of(self, positions: Sequence[int]) -> int:
        """The side of all crops of a batch."""
        return side_at(positions[0] // self.per_step, self.sides, self.seed, self.larger_from)

    def _crop(self, position: int, side: int) -> Tensor:
        for candidate in self.candidates(position):
            try:
                rgb = self.read(candidate)
            except ImageError as error:
                self.set_aside(candidate, error)
                continue
            return _to_tensor(cut(rgb, self.draw(position, side, *rgb.shape[:2])))
        raise DataError("not one photo could be read; check the folder given as --photos")

    def candidates(self, position: int) -> Iterator[int]:
        """The photo of a position, and those that take its place if it cannot be read, first to last."""
        epoch, place = divmod(position, len(self.photos))
        index = int(self._order(epoch)[place])
        for replacement in range(len(self.photos)):
            candidate = (index + replacement) % len(self.photos)
            if candidate not in self.bad:
                yield candidate

    def draw(self, position: int, crop: int, height: int, width: int) -> Draw:
        """What a position cuts from its photo, of this height and width as it is read, for a crop of this side."""
        rng = np.random.default_rng([self.seed, 1, position])
        drawn = draw_crop(height, width, crop, rng)
        return drawn._replace(black=rng.uniform(*_BLACK_SHARE)) if rng.random() < self.dark else drawn

    def read(self, index: int) -> NDArray[np.uint8]:
        """A photo from the cache or its file, (H, W, 3), no larger than the crops need.

        Raises:
            ImageError: It cannot be read.
        """
        side = self._kept_side

        def decode() -> NDArray[np.uint8]:
            rgb = read_picture(self.photos[index], min_side_hint=side).to_paint()
            return resize_shorter_side(rgb, side) if min(rgb.shape[:2]) > side else rgb

        return decode() if self.cache is None else self.cache.get(f"{index}-{side}", decode)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.photos))
        return self._epoch[1]

    def set_aside(self, index: int, error: ImageError) -> None:
        """Use others in place of a photo that cannot be read.

        Raises:
            DataError: There are too many of them.
        """
        self.bad.add(index)
        if self.bad_list is not None:
            record = json.dumps({"path": str(self.photos[index]), "reason": str(error)})
            try:
                self.bad_list.parent.mkdir(parents=True, exist_ok=True)
                known = self.bad_list.read_text("utf-8").splitlines() if self.bad_list.exists() else []
                if record not in known:
                    with self.bad_list.open("a", encoding="utf-8") as file:
                        file.write(record + "\n")
            except OSError as unwritten:
                warn(f"{error}; it is left out, and not listed ({reason_of(unwritten)})")
        if len(self.bad) > MAX_BAD_SHARE * len(self.photos):
            raise DataError(
                f"{len(self.bad)} of {len(self.photos)} photos cannot be read, the last one because: {error}; "
                "check the folder given as --photos"
            )


class ValidationPhotos(Dataset[Tensor]):
    """The central square of each photo, (3, size, size) uint8, RGB, read on access."""

    def __init__(self, photos: list[Path], size: int) -> None:
        self.photos, self.size = photos, size

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Tensor:
        return middle_square(read_picture(self.photos[index], min_side_hint=self.size).to_paint(), self.size)


def middle_square(rgb: NDArray[np.uint8], size: int) -> Tensor:
    """The largest central square of a picture (H, W, 3), resized: (3, size, size) uint8."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return _to_tensor(_resized_box(rgb, (left, top, left + side, top + side), size))


def random_crop(
    rgb: NDArray[np.uint8], crop: int, rng: np.random.Generator, *, narrowest: float = _NARROWEST
) -> NDArray[np.uint8]:
    """See `draw_crop`."""
    height, width = rgb.shape[:2]
    return cut(rgb, draw_crop(height, width, crop, rng, narrowest=narrowest))


def draw_crop(height: int, width: int, crop: int, rng: np.random.Generator, *, narrowest: float = _NARROWEST) -> Draw:
    """A square of `narrowest` to 1 of the shorter side, not enlarged if the photo allows; flipped half the time."""
    shorter = min(height, width)
    side = rng.uniform(min(shorter, max(crop, narrowest * shorter)), shorter)
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    return Draw(left, top, side, crop, flip=bool(rng.random() < 0.5))


def cut(rgb: NDArray[np.uint8], draw: Draw) -> NDArray[np.uint8]:
    """What was drawn, of a photo (H, W, 3): (crop, crop, 3)."""
    square = _resized_box(rgb, draw.box, draw.crop)
    if draw.flip:
        square = square[:, ::-1]
    return square if draw.black is None else darkened(square, draw.black)


def darkened(rgb: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """As if at night: black up to this quantile, and what is brighter stretched to the brightest."""
    white = int(rgb.max())
    black = min(np.quantile(rgb.mean(axis=2), share), HIGHEST_BLACK * white)
    levels = np.clip((np.arange(256) - black) / max(white - black, 1), 0, 1)
    table: NDArray[np.uint8] = np.rint(255 * levels).astype(np.uint8)
    return table[rgb]


def _resized_box(rgb: NDArray[np.uint8], box: tuple[float, float, float, float], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC, box=box))


def _to_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))
