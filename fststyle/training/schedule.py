"""What changes over a run: the learning rate, and how long the average of the networks remembers."""

import math
from typing import Any

import torch
from torch import Tensor


def one_cycle(progress: float, warmup: float) -> float:
    """Factor of the learning rate at a point of the run: up along a cosine, down to 1 % along another (Smith 2018)."""
    if warmup == 0:
        return 1.0
    if progress < warmup:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / warmup)) / 2
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def warmed_up_average(decay: float) -> Any:
    """An exponential moving average that forgets faster in the beginning, when there is nothing yet worth keeping."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        steps = float(count)
        keep = min(decay, (1 + steps) / (10 + steps))
        for kept, new in zip(averaged, current, strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - keep)
            else:  # batch norm counts its batches
                kept.copy_(new)

    return update
