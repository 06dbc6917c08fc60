"""The sides of a run's crops: one for all steps, or one of several drawn for each step.

A network is good at the sizes that it was trained on: with crops of 256 pixels only, it paints too little on photos of
512. A step's time grows with the area of its crops, so small sides are drawn more often: in proportion to 1 / side.
Equal time would make most steps ones of the smallest.

Large crops cost steps that a short training cannot spare, and make a longer one better at every size. So where nobody
says a size, a run begins with small ones, and large ones are drawn after its first steps: of steps, not of minutes,
because which crop comes when must not depend on the machine.
"""

from collections.abc import Sequence

import numpy as np

LEAST = 32

# Where nobody says a size; measured in docs/notebook.md, "Crops of several sizes".
USUAL = (256, 512)
LARGER_FROM = 500

# Photos of less than this fraction of the crops' side are enlarged so much that a network learns from blur.
SMALL = 0.7


def usual_sides(batch_size: int, shorter: int | None = None) -> tuple[tuple[int, ...], int]:
    """The sides of a run for which nobody says one, and the step from which all of them are drawn.

    The loss network makes no difference: a step of 512 takes 3.9 times one of 256 with `medium`, and 4.4 with VGG-19;
    the process takes 1.6 GB instead of 1.1, and 1.9 instead of 1.5. A batch does: one crop of 512 takes as much memory
    as four of 256, and several of 512 may end a run that went well.

    Args:
        batch_size: Crops per step and process. Several of them stay at 256.
        shorter: What is usual for the photos' shorter sides; small photos stay at 256. None is unknown.
    """
    larger = batch_size == 1 and (shorter is None or shorter >= SMALL * max(USUAL))
    return (USUAL, LARGER_FROM) if larger else (USUAL[:1], 0)


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


def side_at(step: int, sides: Sequence[int], seed: int, larger_from: int = 0) -> int:
    """The side of all crops of a step, drawn with a probability in proportion to 1 / side.

    Args:
        step: Counted from 0, as batches are.
        sides: In rising order.
        seed: Of the whole run.
        larger_from: Before this step it is the smallest.
    """
    if len(sides) == 1 or step < larger_from:
        return sides[0]
    rarity = 1 / np.asarray(sides, float)
    chosen = np.random.default_rng([seed, 2, step]).choice(len(sides), p=rarity / rarity.sum())
    return int(sides[int(chosen)])
