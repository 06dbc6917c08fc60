"""A cache of decoded photos on disk. Decoding a phone's photo takes longer than a training step.

Several processes may fill and read the same folder.
"""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fststyle.system.files import atomic_write, reason_of, remove_leftovers
from fststyle.system.warn import warn

Pixels = NDArray[np.uint8]

# In a run's folder. Nobody keeps photos under such a name: the folder is emptied.
CACHE_FOLDER = ".decoded"

# Pictures a look at how much is there; the sum is the folder's, whoever wrote into it.
_LOOK_EVERY = 32


class PhotoCache:
    """A folder of arrays by name.

    Where the disk is full or the folder cannot be written, it warns once and keeps nothing more: slower, but the run
    goes on.

    Args:
        folder: Made when it is needed.
        max_bytes: No more is written once it holds so much, give or take a few photos.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._full = False
        self._written = 0

    def get(self, name: str, make: Callable[[], Pixels]) -> Pixels:
        """What `make` makes, (H, W, 3), from disk if it has been made before."""
        path = self.folder / f"{name}.npy"
        try:
            kept: Pixels = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            made = make()
            self._keep(path, made)
            return made
        return kept

    def _keep(self, path: Path, pixels: Pixels) -> None:
        if self._full:
            return
        if self._written % _LOOK_EVERY == 0 and self.folder.exists():
            self._full = sum(file.stat().st_size for file in self.folder.glob("*.npy")) >= self.max_bytes
            if self._full:
                return
        self._written += 1
        content = BytesIO()
        np.save(content, pixels)
        try:
            atomic_write(path, content.getvalue())
        except OSError as error:
            self._full = True
            warn(
                f"no room for decoded photos in {self.folder} ({reason_of(error)}): they are decoded anew every "
                "time, which is slower; free some disk, or set --cache-gigabytes lower"
            )


def remove_cache(folder: Path) -> None:
    """Remove what a cache has kept, and the folder if nothing else lies there; nothing happens if there is none."""
    if not folder.is_dir():
        return
    with suppress(OSError):  # what cannot be removed costs disk, and no training
        for path in folder.glob("*.npy"):
            path.unlink(missing_ok=True)
        remove_leftovers(folder)
        folder.rmdir()
