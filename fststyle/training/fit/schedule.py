"""What changes over a run: the learning rate, and how long the average of the networks remembers."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def one_cycle(progress: float, warmup: float) -> float:
    """Factor of the learning rate at a point of the run: up along a cosine, down to 1 % along another (Smith 2018)."""
    if warmup == 0:
        return 1.0
    if progress < warmup:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / warmup)) / 2
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


class WarmedUpAverage:
    """An exponential moving average, for `AveragedModel`, that forgets faster in the beginning.

    Lightning's `EMAWeightAveraging` keeps the same average, but stores it under the network's own names: older
    checkpoints, and everything that reads them, would no longer fit.

    Args:
        decay: Share that is kept at each step after the beginning.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay

    @torch.no_grad()
    def __call__(self, averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor | int) -> None:
        """Update the averaged parameters and buffers with the current ones, in place."""
        steps = float(count)
        keep = min(self.decay, (1 + steps) / (10 + steps))
        for kept, new in zip(averaged, current, strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - keep)
            else:  # batch norm counts its batches
                kept.copy_(new)
