"""A run's folder belongs to one process at a time, and to one run."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fststyle.errors import TrainingError
from fststyle.system.files import reason_of, remove_leftovers
from fststyle.system.lock import lock_file
from fststyle.system.warn import warn
from fststyle.training.checkpoint import Checkpoint
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.recipe import refuse_another_network, refuse_another_recipe, refuse_other_data
from fststyle.training.remedies import GO_ON

# Of what a run saves of its data; photos that have vanished since are no obstacle.
_DECISIVE = ("crop", "batch_size", "seed", "dark")

# Where this process trains: a lock keeps only other processes out.
_ours: set[Path] = set()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder, and lock it against other processes until this one ends, even if it is killed.

    Raises:
        TrainingError: Another process trains there, or the folder cannot be written.
    """
    place = Path(os.path.realpath(folder))
    if place in _ours:  # looked at first: to close the file would unlock it
        raise TrainingError(f"this program is training in {folder} already; give another --output")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+b")
    except OSError as error:
        raise TrainingError(f"cannot write in {folder} ({reason_of(error)}); give another --output") from error
    with file:
        try:
            lock_file(file)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise TrainingError(
                    f"another process is training in {folder}; wait for its end, or give another --output"
                ) from error
            warn(f"{folder} cannot be locked; do not start a second training in it")
        remove_leftovers(folder)
        _ours.add(place)
        try:
            yield
        finally:
            _ours.discard(place)


def check_resume(saved: Checkpoint, module: StyleTransferModule, data: ContentData, *, force: bool) -> None:
    """Refuse to go on with another network, cost, painting or other photos than the run began with.

    Args:
        saved: The run's last checkpoint.
        module: What would be trained now.
        data: What it would be trained on; it is set up here.
        force: Only the network and the optimizer must be the same.

    Raises:
        TrainingError: What differs, and how to go on.
    """
    refuse_another_network({**saved.recipe, "strength": saved.strength}, module.recipe())
    module.resume_anyway = data.resume_anyway = force
    data.keep_crop_of(saved.data)
    if force:
        return
    refuse_another_recipe(saved.recipe, module.recipe())
    data.setup("fit")
    if saved.data.get("larger_from", 0) != data.larger_from:
        raise TrainingError(f"this run began without --size; leave it out, or {GO_ON}")
    now = {key: value for key, value in data.state_dict().items() if key in _DECISIVE}
    refuse_other_data({"painting": saved.painting_sha256, **saved.data}, {"painting": module.painting_sha256, **now})
    if data.has_other_photos(saved.data):
        raise TrainingError(f"this run began with other photos; {GO_ON}")
