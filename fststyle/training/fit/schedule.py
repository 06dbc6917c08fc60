"""What changes over a run: the learning rate, and how long the average of the networks remembers."""

import math
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def one_cycle(progress: float, warmup: float) -> float:
    """Factor of the learning rate at a point of the run: up along a cosine, down to 1 % along another (Smith 2018)."""
    if warmup == 0:
        return 1.0
    if progress < warmup:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / warmup)) / 2
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


class RunningAverage(AveragedModel):
    """An exponential moving average of a network that forgets faster in the beginning.

    Lightning's `EMAWeightAveraging` keeps the same average, but stores it under the network's own names: older
    checkpoints, and everything that reads them, would no longer fit. torch's own `update_parameters` asks the device
    at each step how many there were.

    Args:
        net: The network; a copy is averaged, batch norm's buffers included.
        decay: Share that is kept at each step after the beginning.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        super().__init__(net, use_buffers=True)
        self.decay = decay
        self._steps: int | None = None  # as `n_averaged`; not known yet

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the network of a step into the average."""
        if self._steps is None:
            self._steps = int(self.n_averaged)
        keep = 0.0 if self._steps == 0 else min(self.decay, (1 + self._steps) / (10 + self._steps))
        averaged, current = (
            [tensor.detach() for tensor in (*each.parameters(), *each.buffers())] for each in (self.module, model)
        )
        for is_float in (True, False):
            pairs = [pair for pair in zip(averaged, current, strict=True) if pair[0].is_floating_point() == is_float]
            if not pairs:
                continue
            kept, new = (list(side) for side in zip(*pairs, strict=True))
            if is_float and keep:
                torch._foreach_lerp_(kept, new, 1 - keep)
            else:  # the first step; and batch norm counts its batches
                torch._foreach_copy_(kept, new)
        self._steps += 1
        self.n_averaged += 1

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self._steps = None
