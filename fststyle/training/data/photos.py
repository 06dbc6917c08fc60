"""Photos to train on: any folder of pictures, without preparation.

A run that is resumed at step s sees exactly what the unbroken run would have seen, for any number of workers. Together,
n processes see what one process with an n times larger batch would. Crops are in `crops.py`, on a GPU in `resident.py`.
"""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor
from torch.utils.data import DataLoader

from fststyle.errors import DataError, ImageError
from fststyle.pictures.files import find_images, read_picture
from fststyle.system.warn import warn
from fststyle.training.data.cache import PhotoCache
from fststyle.training.data.crop_sides import SMALL, sides_of, usual_sides
from fststyle.training.data.crops import MAX_BAD_SHARE, PhotoCrops, middle_square
from fststyle.training.data.photo_names import digest_of, found_again, has_others, names_of
from fststyle.training.data.positions import EpochSampler, PositionSampler, begun_epoch, counts_epochs
from fststyle.training.data.readers import PhotoLoader, leave_signals
from fststyle.training.data.resident import OnDevice, resident_photos
from fststyle.training.remedies import WITHOUT_PHOTOS


class ContentData(pl.LightningDataModule):
    """A folder of photos, most of them to train on, a few held out, which are read once at the start.

    An epoch is every training photo once. Where nothing in the Trainer goes by epochs, the run is a single one without
    end.

    Args:
        root: Searched recursively; every format that Pillow reads, every size, no class folders.
        crop: Side of the training crops in pixels, or several sides, one of which is drawn for each step: 256,
            [256, 512] or "256,512". A network is good at the sizes that it was trained on (`crop_sides.py`). From 192
            on, crops are painted in training as photos are later (`transformer_net.py`). None is 256, and
            after 500 steps also 512, if the photos are large enough and a step has one crop; a run that is resumed
            keeps its own.
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
        on_device: Whether all photos are decoded at the start, kept in the device's memory and cropped there. "auto"
            does so on a GPU if they take a quarter of its free memory or less. The crops are the same.

    Attributes:
        sides: Of the crops, in rising order. Without `crop`, `setup` decides.
        larger_from: The step from which all of them are drawn; those before have the smallest.
        train_files: In the order that positions refer to. Of a resumed run, those at `gone` are missing.
        val_files: The held-out ones.
        device: Where photos may be kept when there is no Trainer to tell.
        resident_bytes: What the photos on the device take; 0 if there are none.
    """

    def __init__(
        self,
        root: Path | str,
        crop: int | str | list[int] | None = None,
        batch_size: int = 1,
        val_photos: int = 8,
        val_size: int = 256,
        num_workers: int = 1,
        seed: int = 0,
        dark: float = 0.0,
        cache_gigabytes: float = 4.0,
        on_device: OnDevice = "auto",
    ) -> None:
        super().__init__()
        if not 0 <= cache_gigabytes < float("inf"):
            raise ValueError(f"cache_gigabytes must be 0 or more and finite, not {cache_gigabytes}")
        if not 0 <= dark <= 1:
            raise ValueError(f"dark must lie in [0, 1], not {dark}")
        if on_device not in get_args(OnDevice):
            raise ValueError(f"on_device must be one of {', '.join(get_args(OnDevice))}, not {on_device!r}")
        for name, value, least in (
            *(("val_size", val_size, 32), ("batch_size", batch_size, 1)),
            *(("val_photos", val_photos, 0), ("num_workers", num_workers, 0), ("seed", seed, 0)),
        ):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
        self.root, self.batch_size = Path(root), batch_size
        self.sides, self.larger_from = usual_sides(batch_size) if crop is None else (sides_of(crop), 0)
        self._crop_is_open = crop is None  # until photos, or the run that is resumed, decide
        self.val_photos, self.val_size = val_photos, val_size
        self.num_workers, self.seed, self.dark = num_workers, seed, dark
        self.cache_gigabytes, self.on_device = cache_gigabytes, on_device
        self.device = torch.device("cpu")
        self.resident_bytes = 0
        self.bad_list: Path | None = None
        self.cache_folder: Path | None = None
        self.train_files: list[Path] = []
        self.val_files: list[Path] = []
        self.gone: list[int] = []
        self._squares: list[Tensor] = []
        self.resume_anyway = False
        """Resume even if many of the photos are missing."""
        self._resumed: Mapping[str, Any] | None = None

    def setup(self, stage: str) -> None:
        """Find the photos, and hold some out.

        Raises:
            DataError: If the folder is missing or holds no photo.
        """
        if self.train_files:
            return
        if not self.root.is_dir():
            raise DataError(f"no folder of photos at {self.root}; give one as --photos")
        photos = find_images(self.root)
        if not photos:
            raise DataError(f"no photos under {self.root}; give a folder with .jpg, .png, … files as --photos")
        if len(photos) < 16:
            what = "one photo is few" if len(photos) == 1 else f"{len(photos)} photos are few"
            warn(f"{what}: the network will do best on pictures like these; a hundred varied ones are plenty")
        by_name = sorted(photos, key=lambda path: digest_of(path, self.root))
        sides = self._hold_out(by_name, min(self.val_photos, len(photos) // 5 or len(photos) - 1))
        held_out = set(self.val_files)
        self.train_files = [path for path in photos if path not in held_out]
        self._look_at_sizes(sides)
        if self._resumed is not None:
            self._deal_as(self._resumed)

    def _hold_out(self, candidates: list[Path], count: int) -> list[int]:
        """Read the first `count` that can be read; returns their shorter sides, as far as they were decoded.

        Those that cannot are listed when training comes to them.
        """
        self.val_files, self._squares = [], []
        sides: list[int] = []
        for path in candidates:
            if len(sides) >= count:
                break
            try:
                rgb = read_picture(path, min_side_hint=max(self.val_size, *self.sides)).to_paint()
            except ImageError:
                continue
            sides.append(min(rgb.shape[:2]))
            self.val_files.append(path)
            self._squares.append(middle_square(rgb, self.val_size))
        return sides

    def _look_at_sizes(self, sides: list[int]) -> None:
        """Leave out large crops of small photos where nobody has asked for them, and warn where somebody has."""
        if not sides:  # one photo alone, which is not held out
            try:
                sides = [min(read_picture(self.train_files[0], min_side_hint=max(self.sides)).rgb.shape[:2])]
            except ImageError:
                sides = [0]
        middling = round(statistics.median(sides))
        if self._crop_is_open:
            self.sides, self.larger_from = usual_sides(self.batch_size, middling)
        crop = min(self.sides)
        if 0 < middling < SMALL * crop:
            smaller = f", or --size {max(32, middling)}" if crop > 32 else ""
            warn(
                f"the photos are small: {middling} pixels on the shorter side, where a crop has {crop}. They are "
                f"enlarged, and the network learns from blurred pictures; give larger photos{smaller}"
            )

    def state_dict(self) -> dict[str, Any]:
        """What decides which crops a run sees: for the checkpoint, the card, and to go on when photos have vanished."""
        began = self._resumed if self.gone and self._resumed is not None else self._names()
        return {
            **{key: began[key] for key in ("photos", "names", "held_out")},
            "crop": self.sides[0] if len(self.sides) == 1 else list(self.sides),
            "larger_from": self.larger_from,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "dark": self.dark,
            "photo_count": len(self.train_files),
        }

    def _names(self) -> dict[str, Any]:
        return names_of(self.train_files, self.val_files, self.root)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Use the photos in the same order as the run that is resumed.

        Of photos that have vanished since, others take the place, as when they vanish in the middle of a run.

        Raises:
            DataError: More than half of them have vanished.
        """
        self._resumed = state_dict
        self.keep_crop_of(state_dict)
        if self.train_files:
            self._deal_as(state_dict)

    def keep_crop_of(self, saved: Mapping[str, Any]) -> None:
        """Go on with the sides of the run that is resumed, unless others were asked for."""
        if self._crop_is_open:
            self.sides = sides_of(saved.get("crop", self.sides[0]))  # the first versions did not save it
            self.larger_from, self._crop_is_open = saved.get("larger_from", 0), False

    def has_other_photos(self, saved: Mapping[str, Any]) -> bool:
        """Whether the folder holds photos that the run of this saved state did not have."""
        return has_others(saved, self._names())

    def _deal_as(self, saved: Mapping[str, Any]) -> None:
        if self.has_other_photos(saved):
            rank_zero_warn(f"{self.root} holds other photos than the run began with; it goes on with these")
            return
        if "names" not in saved:  # of an earlier version, with the same photos
            return
        train, held_out = found_again(saved, [*self.train_files, *self.val_files], self.root)
        gone = [index for index, path in enumerate(train) if path is None]
        if len(gone) > MAX_BAD_SHARE * len(train):
            if self.resume_anyway:
                return
            raise DataError(
                f"{len(gone)} of the run's {len(train)} photos are gone from {self.root}; bring them back (is the "
                f"drive connected?), {WITHOUT_PHOTOS}"
            )
        if lost := len(gone) + held_out.count(None):
            rank_zero_warn(
                f"{lost} of {len(train) + len(held_out)} photos are gone from {self.root} since the run began; others "
                "take their place"
            )
        self.gone, self.train_files = gone, [path or self.root for path in train]
        kept = [path for path in held_out if path is not None]
        if kept != self.val_files:
            self._hold_out(kept, len(kept))

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches (B, 3, side, side) uint8 from the current step on; endless if nothing depends on epochs."""
        trainer, photos = self.trainer, len(self.train_files)
        world_size, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
        cache = None
        if self.cache_folder is not None and self.cache_gigabytes:
            cache = PhotoCache(self.cache_folder, int(self.cache_gigabytes * 1e9))

        def start() -> int:
            steps = trainer.global_step * trainer.accumulate_grad_batches if trainer else 0
            return steps * self.batch_size * world_size

        def begun() -> tuple[int, int]:
            return begun_epoch(trainer, photos, self.batch_size)

        by_epochs = trainer is not None and counts_epochs(trainer)
        sampler: EpochSampler | PositionSampler = (
            EpochSampler(photos, begun, rank, world_size) if by_epochs else PositionSampler(start, rank, world_size)
        )
        crops = PhotoCrops(
            self.train_files,
            self.sides,
            self.seed,
            self.batch_size * world_size,
            self.bad_list,
            dark=self.dark,
            gone=self.gone,
            larger_from=self.larger_from,
        )
        device = getattr(getattr(trainer, "strategy", None), "root_device", self.device)
        resident = resident_photos(crops, device, self.on_device)
        self.resident_bytes = 0 if resident is None else resident.bytes
        if resident is not None:
            return PhotoLoader(resident, self.batch_size, sampler=sampler, collate_fn=resident.batch)
        crops.cache = cache
        return PhotoLoader(
            crops,
            batch_size=self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.num_workers > 0,
            worker_init_fn=leave_signals,
        )

    def val_dataloader(self) -> DataLoader[Tensor] | list[Tensor]:
        """The central squares of the held-out photos, one a batch, always in the same order."""
        squares: Any = self._squares  # a list is all that a DataLoader needs; Lightning warns of one without photos
        return DataLoader(squares, batch_size=1) if squares else []

    test_dataloader = val_dataloader
    predict_dataloader = val_dataloader

    def __getstate__(self) -> dict[str, Any]:
        """Without the Trainer, so that it can be copied and pickled."""
        return self.__dict__ | {"trainer": None}
