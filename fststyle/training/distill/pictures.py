"""The pictures that slim and medium are trained on: all kinds that a cost has to judge.

These are photos, paintings, pictures by good and bad networks, and the noise that networks produce in their first
steps. A student trained on photos alone does not see the errors of transformer networks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.errors import DataError
from fststyle.pictures.files import find_images, read_picture
from fststyle.training.data.crops import random_crop

Pixels = NDArray[np.uint8]

# The narrowest crop of a painting, as a fraction of its shorter side; trainings look at them whole and reduced, and at
# broad strokes.
_NARROWEST_PAINTING = 0.2

# Painted pictures are taken at the size they were painted in, or nearly.
_NARROWEST_PAINTED = 0.4


@dataclass(frozen=True)
class Sources:
    """Folders of pictures.

    Attributes:
        photos: Of anything.
        paintings: Of any artist.
        painted: What networks made of photos; may be empty.
    """

    photos: tuple[Path, ...]
    paintings: tuple[Path, ...]
    painted: tuple[Path, ...] = ()

    @classmethod
    def find(cls, photos: Path, paintings: Path, painted: Path | None = None) -> "Sources":
        """List the folders, nested ones too.

        Raises:
            DataError: A folder is missing or holds no picture.
        """
        found: list[tuple[Path, ...]] = []
        for folder, option in ((photos, "--photos"), (paintings, "--paintings"), (painted, "--painted")):
            if folder is None:
                found.append(())
                continue
            files = tuple(find_images(folder)) if folder.is_dir() else ()
            if not files:
                raise DataError(f"no pictures under {folder}; give a folder with some as {option}")
            found.append(files)
        return cls(*found)


def draw(sources: Sources, side: int, seed: int, number: int) -> Pixels:
    """Picture number n of a seed, (side, side, 3), turned by quarters: always the same for the same files.

    Raises:
        ImageError: The file that it is made from cannot be read.
    """
    rng = np.random.default_rng([seed, number])
    kinds: list[tuple[float, Callable[[], Pixels]]] = [
        (0.20, lambda: _crop(sources.photos, side, rng)),
        (0.10, lambda: _crop(sources.paintings, side, rng, _NARROWEST_PAINTING)),
        (0.50, lambda: _crop(sources.painted or sources.photos, side, rng, _NARROWEST_PAINTED)),
        (0.05, lambda: _early(_crop(sources.photos, side, rng), rng)),
        (0.10, lambda: _noisy(_crop(sources.painted or sources.photos, side, rng, _NARROWEST_PAINTED), rng)),
        (0.05, lambda: _clouds(side, rng)),
    ]
    shares = np.cumsum([share for share, _ in kinds])
    picture = kinds[int(np.searchsorted(shares, rng.random() * shares[-1]))][1]()
    return np.rot90(picture, int(rng.integers(4)))


def _crop(files: Sequence[Path], side: int, rng: np.random.Generator, narrowest: float = 0.4) -> Pixels:
    path = files[int(rng.integers(len(files)))]
    return random_crop(read_picture(path).to_paint(), side, rng, narrowest=narrowest)


def _early(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """As a network's first hundreds of steps have it: pale, tinted, blurred, a pattern over it."""
    unit = pixels.astype(np.float64) / 255
    mixing = np.eye(3) * rng.uniform(0.1, 1.0) + rng.normal(0, 0.2, (3, 3))
    unit = (unit - 0.5) @ mixing + rng.uniform(0.2, 0.8, 3)
    blur = rng.integers(1, 5)
    small = Image.fromarray(_to_pixels(unit)).resize((len(pixels) // int(blur),) * 2, Image.Resampling.BOX)
    unit = np.asarray(small.resize(pixels.shape[:2], Image.Resampling.BICUBIC), np.float64) / 255
    period = int(rng.choice([2, 4, 8]))
    tile = rng.normal(0, rng.uniform(0, 0.15), (period, period, 3))
    repeats = -(-len(pixels) // period)
    return _to_pixels(unit + np.tile(tile, (repeats, repeats, 1))[: len(pixels), : len(pixels)])


def _noisy(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    noise = rng.normal(0, rng.uniform(0.01, 0.2), pixels.shape)
    return _to_pixels(pixels / 255 + noise)


def _clouds(side: int, rng: np.random.Generator) -> Pixels:
    """Noise of one scale, from single pixels to the whole picture, in colors that go together."""
    scale = int(2 ** rng.integers(0, 7))
    coarse = rng.normal(0, 0.25, (-(-side // scale),) * 2 + (3,)) @ rng.normal(0, 0.6, (3, 3)) + rng.uniform(
        0.2, 0.8, 3
    )
    enlarged = Image.fromarray(_to_pixels(coarse)).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(enlarged)


def _to_pixels(unit: NDArray[np.floating]) -> Pixels:
    pixels: Pixels = (unit.clip(0, 1) * 255).round().astype(np.uint8)
    return pixels
