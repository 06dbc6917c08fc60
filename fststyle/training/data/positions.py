"""The positions of a run that each process reads, and where a resumed run continues.

The samplers are `DistributedSampler`s, because Lightning would otherwise replace them by its own, which start every
resumed run from the beginning.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import Dataset, DistributedSampler


class PositionSampler(DistributedSampler[int]):
    """Endless positions of one process: start + rank, then every `world`-th.

    It has no length, so that Lightning sees one endless epoch.

    Args:
        start: Asked whenever reading begins.
        rank: Of this process.
        world_size: Number of processes.
    """

    def __init__(self, start: Callable[[], int], rank: int = 0, world_size: int = 1) -> None:
        super().__init__(_Count(1), world_size, rank, shuffle=False)
        self.start = start

    def __iter__(self) -> Iterator[int]:
        return itertools.count(self.start() + self.rank, self.num_replicas)

    def __len__(self) -> int:
        raise TypeError("the positions of a run have no end")


class EpochSampler(DistributedSampler[int]):
    """The positions of one epoch after another; an epoch has every photo once.

    Args:
        photos: How many there are.
        begun: The epoch, and how many of its positions each process has read already; asked whenever reading begins.
        rank: Of this process.
        world_size: Number of processes. If the photos do not divide, the last positions belong to the next epoch.
    """

    def __init__(self, photos: int, begun: Callable[[], tuple[int, int]], rank: int = 0, world_size: int = 1) -> None:
        super().__init__(_Count(photos), world_size, rank, shuffle=False)
        self.photos, self.begun = photos, begun

    def __iter__(self) -> Iterator[int]:
        epoch, done = self.begun()
        first = epoch * self.photos
        return iter(range(first + done * self.num_replicas + self.rank, first + self.total_size, self.num_replicas))


def begun_epoch(trainer: Any, photos: int, batch_size: int) -> tuple[int, int]:
    """The arguments of `EpochSampler`, computed from the steps that a Lightning Trainer has taken.

    Its own counters move at times that differ between a run and a resumed one; its steps do not.
    """
    each = math.ceil(photos / trainer.world_size)
    batches, limit = math.ceil(each / batch_size), trainer.limit_train_batches
    batches = max(1, min(batches, limit) if isinstance(limit, int) else int(batches * limit))
    epoch, steps = divmod(trainer.global_step, math.ceil(batches / trainer.accumulate_grad_batches))
    return epoch, steps * trainer.accumulate_grad_batches * batch_size


def counts_epochs(trainer: Any) -> bool:
    """Whether anything in a Lightning Trainer depends on epochs; if not, starting new ones only costs time."""
    validates = trainer.check_val_every_n_epoch is not None and trainer.limit_val_batches != 0
    limited = isinstance(trainer.limit_train_batches, int) or trainer.limit_train_batches != 1.0
    return validates or limited or trainer.max_epochs != -1


class _Count(Dataset[Any]):
    """Just the length that a `DistributedSampler` wants of a dataset."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count
