"""All photos of a run on its device, where batches are cut from them: no reading or decoding between the steps.

Crops are the same, byte for byte, as `PhotoCrops` makes them.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fststyle.errors import DataError, ImageError
from fststyle.system.cores import usable_cores
from fststyle.system.memory import default_memory
from fststyle.training.data.crops import PhotoCrops
from fststyle.training.data.device_crops import Photos, cut_on_device

OnDevice = Literal["auto", "always", "never"]

# Of the device's free memory: the rest is for the training.
_SHARE = 0.25

# Photos that are decoded before it is asked how much all of them will take.
_AT_ONCE = 64

# Crops that are cut in both ways at the start, because what Pillow does may change with its version.
_COMPARED = 8


class ResidentPhotos(Dataset[Any]):
    """The photos of a run in a device's memory. An item is its position; `batch` cuts the crops of many.

    Args:
        crops: What is cut, and from which photos. Those that cannot be read are set aside at once.
        device: Where they lie.
        most_bytes: They may take so much.

    Attributes:
        bytes: What they take.

    Raises:
        DataError: They take more, or too many cannot be read.
    """

    def __init__(self, crops: PhotoCrops, device: torch.device, most_bytes: int) -> None:
        self.crops = crops
        read = dict(_within(crops, most_bytes))
        self.sides = [read[index].shape[:2] if index in read else (0, 0) for index in range(len(crops.photos))]
        sizes = [height * width for height, width in self.sides]
        self.first = [0, *np.cumsum(sizes).tolist()][:-1]
        self.pixels = torch.empty((sum(sizes), 3), dtype=torch.uint8, device=device)
        self.bytes = self.pixels.numel()
        for index in list(read):
            there = self.pixels[self.first[index] : self.first[index] + sizes[index]]
            there.copy_(torch.from_numpy(np.ascontiguousarray(read.pop(index)).reshape(-1, 3)))

    def __len__(self) -> int:
        """The number of photos, as of `PhotoCrops`."""
        return len(self.crops)

    def __getitem__(self, position: int) -> int:
        return position

    def batch(self, positions: Sequence[int]) -> Tensor:
        """The crops of a batch, by position in the run: (B, 3, side, side) uint8 on the device."""
        drawn, side = [], self.crops.side_of(positions)
        for position in positions:
            index = next(self.crops.candidates(position), None)
            if index is None:
                raise DataError("not one photo could be read; check the folder given as --photos")
            drawn.append((index, self.crops.draw(position, side, *self.sides[index])))
        return cut_on_device(Photos(self.pixels, self.first, self.sides), drawn)


def resident_photos(crops: PhotoCrops, device: torch.device, choice: OnDevice) -> ResidentPhotos | None:
    """The photos of a run on its device, or None if they are to be read step by step.

    Args:
        crops: See `ResidentPhotos`.
        device: Likewise.
        choice: "auto" keeps them on a GPU if they fit into a quarter of its free memory and half of the machine's.

    Raises:
        DataError: They do not fit, and the choice was "always".
    """
    if choice == "never" or (choice == "auto" and device.type != "cuda"):
        return None
    try:
        resident = ResidentPhotos(crops, device, room_on(device))
        _compare(resident)
    except _UnfitError as error:
        if choice == "always":
            raise DataError(f"{error}, or --data.on_device auto") from error
        return None
    return resident


def room_on(device: torch.device) -> int:
    """How many bytes of photos may lie on a device: a quarter of what is free there, and half of the machine's."""
    here = default_memory()  # they pass through it
    return min(here, int(_SHARE * torch.cuda.mem_get_info(device)[0])) if device.type == "cuda" else here


class _UnfitError(DataError):
    """The photos cannot be kept on the device."""


def _compare(resident: ResidentPhotos) -> None:
    positions = range(_COMPARED)
    expected = torch.stack(resident.crops.__getitems__(positions))
    if not torch.equal(resident.batch(positions).cpu(), expected):
        raise _UnfitError("crops on this device differ from Pillow's; give --data.on_device never")


def _within(crops: PhotoCrops, most_bytes: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """All photos that can be read, by number; ends as soon as it is plain that they take too much."""
    left = [index for index in range(len(crops.photos)) if index not in crops.bad]
    count, done, taken = len(left), 0, 0

    def read(index: int) -> NDArray[np.uint8] | ImageError:
        try:
            return crops.read(index)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(usable_cores(), "photos") as readers:
        while left:
            now, left = left[:_AT_ONCE], left[_AT_ONCE:]
            for index, found in zip(now, readers.map(read, now), strict=True):
                done += 1
                if isinstance(found, ImageError):
                    crops.set_aside(index, found)
                    continue
                taken += found.nbytes
                yield index, found
            expected = taken / done * count
            if max(taken, expected) > most_bytes:
                raise _UnfitError(
                    f"{count} photos take {expected / 1e9:.2g} GB, and there is room for {most_bytes / 1e9:.2g}; "
                    "give fewer photos or a smaller --size"
                )
