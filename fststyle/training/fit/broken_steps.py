"""Whether a step was not finite, remembered on its device: asking at each step would wait for it."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

LOOK_EVERY = 10
"""Steps between two looks at a GPU. A broken network goes on for so long, but into no checkpoint."""


class Broken(NamedTuple):
    """A step that was not finite, and the terms of the cost that were not."""

    step: int
    terms: list[str]


class BrokenSteps:
    """The first step of a run that was not finite."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._found: Tensor | None = None  # the step plus 1, or 0; then for each term whether it is broken

    def see(self, gradient_norm: Tensor, terms: Mapping[str, Tensor], step: int) -> None:
        """Take a step into account; its terms, scalars on its device, are those of the last ones, or `look` is due."""
        broken = ~torch.stack([torch.isfinite(value) for value in (gradient_norm, *terms.values())])
        now = broken.long()
        now[0] *= step + 1
        if self._found is not None and tuple(terms) == self._names:
            now = torch.where(self._found[0] > 0, self._found, now)
        self._names, self._found = tuple(terms), now

    def look(self) -> Broken | None:
        """The first broken step since the last look, which waits for the device."""
        if self._found is None:
            return None
        step, *broken = self._found.tolist()
        self._found = None
        return (
            Broken(step - 1, [name for name, is_so in zip(self._names, broken, strict=True) if is_so]) if step else None
        )
