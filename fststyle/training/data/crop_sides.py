"""The sides of a run's crops: one for all steps, or one of several drawn for each step.

A network is good at the sizes that it was trained on: with crops of 256 pixels only, it paints too little on photos of
512. A step's time grows with the area of its crops, so small sides are drawn more often: in proportion to 1 / side.
Equal time would make most steps ones of the smallest.
"""

from collections.abc import Sequence

import numpy as np

LEAST = 32


def sides_of(crop: int | str | Sequence[int]) -> tuple[int, ...]:
    """The sides in rising order, without repetitions: of 256, "256,512" or [256, 512].

    Raises:
        ValueError: One of them is no whole number, or below 32.
    """
    parts = crop.split(",") if isinstance(crop, str) else crop if isinstance(crop, Sequence) else [crop]
    try:
        sides = [int(part) if isinstance(part, str) else part for part in parts]
    except ValueError:
        sides = []
    if not sides or any(isinstance(side, bool) or not isinstance(side, int) or side < LEAST for side in sides):
        raise ValueError(f"crop must be a whole number of at least {LEAST}, or several, like 256,512; not {crop!r}")
    return tuple(sorted(set(sides)))


def side_at(step: int, sides: Sequence[int], seed: int) -> int:
    """The side of all crops of a step, drawn with a probability in proportion to 1 / side."""
    if len(sides) == 1:
        return sides[0]
    rarity = 1 / np.asarray(sides, float)
    chosen = np.random.default_rng([seed, 2, step]).choice(len(sides), p=rarity / rarity.sum())
    return int(sides[int(chosen)])
