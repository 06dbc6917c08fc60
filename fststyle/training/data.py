"""Photos to train on: any folder of pictures, read as it is.

Sample p of a run is a pure function of the seed and p: which photo, which crop, flipped or not. A run that is resumed
at step s therefore sees exactly what the unbroken run would have seen, whatever the number of workers, and n processes
see together what one process with an n times larger batch would.
"""

import hashlib
import itertools
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from fststyle.errors import DataError, ImageError
from fststyle.files import reason_of
from fststyle.images import find_images, read_picture, resize_shorter_side
from fststyle.training.photo_cache import PhotoCache
from fststyle.training.readers import leave_signals

# The narrowest crop, as a fraction of a photo's shorter side: objects still, not only their texture.
_NARROWEST = 0.4

# How much of a darkened crop is black, about, least and most: a street at night, and stars.
_BLACK_SHARE = 0.3, 0.98

# The highest black point, of what is brightest: something is left of a crop that is mostly sky.
_HIGHEST_BLACK = 0.85

# A folder that is mostly unreadable is the wrong folder.
_MAX_BAD_SHARE = 0.5


class PositionSampler(Sampler[int]):
    """Endless positions of one process in the run: start + rank, then every world-th.

    Without a length, so that Lightning takes the run for one endless epoch and stops by steps or time alone.
    """

    def __init__(self, start: int, rank: int = 0, world_size: int = 1) -> None:
        self.start, self.rank, self.world_size = start, rank, world_size

    def __iter__(self) -> Iterator[int]:
        return itertools.count(self.start + self.rank, self.world_size)


class PhotoCrops(Dataset[Tensor]):
    """Square crops by position in the run: (3, crop, crop) uint8, RGB.

    Args:
        photos: Files, in an order that does not change between runs.
        crop: Side of the crops in pixels.
        seed: Of the whole run.
        bad_list: JSON Lines file to which unreadable photos are added, once each, with the reason.
        cache: Where decoded photos are kept; none decodes anew every time.
        dark: Share of the crops that are darkened.
    """

    def __init__(
        self,
        photos: list[Path],
        crop: int,
        seed: int,
        bad_list: Path | None = None,
        cache: PhotoCache | None = None,
        dark: float = 0.0,
    ) -> None:
        self.photos, self.crop, self.seed, self.bad_list = photos, crop, seed, bad_list
        self.cache, self.dark = cache, dark
        self.bad: set[int] = set()
        self._epoch: tuple[int, NDArray[np.int64]] | None = None

    def __getitem__(self, position: int) -> Tensor:
        epoch, place = divmod(position, len(self.photos))
        index = int(self._order(epoch)[place])
        rng = np.random.default_rng([self.seed, 1, position])
        for replacement in range(len(self.photos)):
            candidate = (index + replacement) % len(self.photos)
            if candidate in self.bad:
                continue
            try:
                rgb = self._read(candidate)
            except ImageError as error:
                self._set_aside(candidate, error)
                continue
            crop = random_crop(rgb, self.crop, rng)
            return _to_tensor(darkened(crop, rng) if rng.random() < self.dark else crop)
        raise DataError("not one photo could be read; check the folder given as --data.root")

    def _read(self, index: int) -> NDArray[np.uint8]:
        """No larger than the narrowest crop needs, whether it comes from the cache or from its file."""
        side = int(self.crop / _NARROWEST)

        def decode() -> NDArray[np.uint8]:
            rgb = read_picture(self.photos[index], min_side_hint=side).rgb
            return resize_shorter_side(rgb, side) if min(rgb.shape[:2]) > side else rgb

        return decode() if self.cache is None else self.cache.get(f"{index}-{side}", decode)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.photos))
        return self._epoch[1]

    def _set_aside(self, index: int, error: ImageError) -> None:
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
                warnings.warn(f"{error}; it is left out, and not listed ({reason_of(unwritten)})", stacklevel=2)
        if len(self.bad) > _MAX_BAD_SHARE * len(self.photos):
            raise DataError(
                f"{len(self.bad)} of {len(self.photos)} photos cannot be read, the last one because: {error}; "
                "check the folder given as --data.root"
            )


class ValidationPhotos(Dataset[Tensor]):
    """The middle square of each photo, (3, size, size) uint8, RGB."""

    def __init__(self, photos: list[Path], size: int) -> None:
        self.photos, self.size = photos, size

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Tensor:
        rgb = read_picture(self.photos[index], min_side_hint=self.size).rgb
        height, width = rgb.shape[:2]
        side = min(height, width)
        left, top = (width - side) / 2, (height - side) / 2
        return _to_tensor(_resized_box(rgb, (left, top, left + side, top + side), self.size))


class ContentData(pl.LightningDataModule):
    """A folder of photos, split into those to train on and a few held out.

    Args:
        root: Searched recursively; every format that Pillow reads, every size, no class folders.
        crop: Side of the training crops in pixels. From 192 on they are painted in training as photos are later
            (`transformer_net.py`); below, networks learn faster at first and end worse.
        batch_size: Crops per step and process. In the same minutes on a CPU few of them, in many steps, go further than
            many in few; a GPU has time for more.
        val_photos: How many photos are held out to measure and show progress, at most a fifth of the folder. Which ones
            depends on their names alone.
        val_size: Side of the held-out photos' middle squares in pixels.
        num_workers: Processes that read ahead.
        seed: Decides order and crops.
        dark: Share of the crops that are darkened to lights on black, where a folder has few photos taken at night.
        cache_gigabytes: Decoded photos take at most this much disk in the run's folder, until its end; 0 decodes every
            photo anew every time.
    """

    def __init__(
        self,
        root: Path,
        crop: int = 256,
        batch_size: int = 1,
        val_photos: int = 8,
        val_size: int = 256,
        num_workers: int = 1,
        seed: int = 0,
        dark: float = 0.0,
        cache_gigabytes: float = 4.0,
    ) -> None:
        super().__init__()
        if not 0 <= cache_gigabytes < float("inf"):
            raise ValueError(f"cache_gigabytes must be 0 or more and finite, not {cache_gigabytes}")
        if not 0 <= dark <= 1:
            raise ValueError(f"dark must lie in [0, 1], not {dark}")
        for name, value, least in (
            *(("crop", crop, 32), ("val_size", val_size, 32), ("batch_size", batch_size, 1)),
            *(("val_photos", val_photos, 0), ("num_workers", num_workers, 0), ("seed", seed, 0)),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        self.root, self.crop, self.batch_size = root, crop, batch_size
        self.val_photos, self.val_size = val_photos, val_size
        self.num_workers, self.seed, self.dark = num_workers, seed, dark
        self.cache_gigabytes = cache_gigabytes
        self.bad_list: Path | None = None
        self.cache_folder: Path | None = None
        self.train_files: list[Path] = []
        self.val_files: list[Path] = []

    def setup(self, stage: str) -> None:
        """Find the photos and hold some out.

        Raises:
            DataError: If the folder is missing or holds no photo.
        """
        if self.train_files:
            return
        if not self.root.is_dir():
            raise DataError(f"no folder of photos at {self.root}; give one as --data.root")
        photos = find_images(self.root)
        if not photos:
            raise DataError(f"no photos under {self.root}; give a folder with .jpg, .png, … files as --data.root")
        if len(photos) < 16:
            warnings.warn(
                f"{len(photos)} photos are few: the network will do best on pictures like these; a hundred varied ones "
                "are plenty",
                stacklevel=2,
            )
        held_out = min(self.val_photos, len(photos) // 5 or len(photos) - 1)
        by_name = sorted(
            photos,
            key=lambda path: hashlib.sha256(
                path.relative_to(self.root).as_posix().encode("utf-8", "surrogateescape")
            ).digest(),
        )
        readable: list[Path] = []
        for path in by_name:
            if len(readable) == held_out:
                break
            try:
                read_picture(path)
            except ImageError:
                continue  # it will be set aside and listed when training comes to it
            readable.append(path)
        self.val_files = readable
        self.train_files = [path for path in photos if path not in set(readable)]

    def state_dict(self) -> dict[str, Any]:
        """What decides which crops a run sees: for the checkpoint, the card, and to tell another folder of photos."""
        digest = hashlib.sha256()
        for path in self.train_files:
            digest.update(os.fsencode(path.relative_to(self.root).as_posix()) + b"\0")
        return {
            "photos": digest.hexdigest(),
            "crop": self.crop,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "dark": self.dark,
            "photo_count": len(self.train_files),
        }

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches (B, 3, crop, crop) uint8 from the position at which the run stands, without end."""
        trainer = self.trainer
        steps = trainer.global_step * trainer.accumulate_grad_batches if trainer else 0
        world_size, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
        cache = None
        if self.cache_folder is not None and self.cache_gigabytes:
            cache = PhotoCache(self.cache_folder, int(self.cache_gigabytes * 1e9))
        return DataLoader(
            PhotoCrops(self.train_files, self.crop, self.seed, self.bad_list, cache, self.dark),
            batch_size=self.batch_size,
            sampler=PositionSampler(steps * self.batch_size * world_size, rank, world_size),
            num_workers=self.num_workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.num_workers > 0,
            worker_init_fn=leave_signals,
        )

    def val_dataloader(self) -> DataLoader[Tensor]:
        """The held-out photos, one a batch, always in the same order."""
        return DataLoader(ValidationPhotos(self.val_files, self.val_size), batch_size=1)


def random_crop(
    rgb: NDArray[np.uint8], crop: int, rng: np.random.Generator, *, narrowest: float = _NARROWEST
) -> NDArray[np.uint8]:
    """A square of `narrowest` to 1 of the shorter side, not enlarged if the photo allows; flipped half the time."""
    height, width = rgb.shape[:2]
    shorter = min(height, width)
    side = rng.uniform(min(shorter, max(crop, narrowest * shorter)), shorter)
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    square = _resized_box(rgb, (left, top, left + side, top + side), crop)
    return square[:, ::-1] if rng.random() < 0.5 else square


def darkened(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """As if at night: black up to a quantile in `_BLACK_SHARE`, and what is brighter stretched to the brightest."""
    white = int(rgb.max())
    black = min(np.quantile(rgb.mean(axis=2), rng.uniform(*_BLACK_SHARE)), _HIGHEST_BLACK * white)
    levels = np.clip((np.arange(256) - black) / max(white - black, 1), 0, 1)
    table: NDArray[np.uint8] = np.rint(255 * levels).astype(np.uint8)
    return table[rgb]


def _resized_box(rgb: NDArray[np.uint8], box: tuple[float, float, float, float], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC, box=box))


def _to_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))
