"""How many iterations of explicit optimization a network is worth (Johnson 2016, section 4.1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fststyle.training.optimize.pixels import PixelCost, PixelOptimizer
from fststyle.training.tensors import to_uint8

# Two computations of one cost may differ in the last bits.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Point:
    """A point of an optimization.

    Attributes:
        iteration: 0 for the start.
        evaluations: Of cost and gradient until then, the start's included.
        seconds: Of computing until then.
        best: The lowest cost until then.
    """

    iteration: int
    evaluations: int
    seconds: float
    best: float


@dataclass(frozen=True)
class Chase:
    """An optimization that was run until it was as good as every network.

    Attributes:
        points: Of every iteration, from the start.
        reached: For each target the first point at or below it; None if that did not come.
        pictures: For each target the optimizer's picture at that point, (H, W, 3), or None.
        best: The optimizer's last best picture, (H, W, 3).
    """

    points: list[Point]
    reached: list[Point | None]
    pictures: list[NDArray[np.uint8] | None]
    best: NDArray[np.uint8]


def chase(
    cost: PixelCost,
    start: Tensor,
    targets: Sequence[float],
    iterations: int,
    *,
    advanced: Callable[[int], None] = lambda _: None,
) -> Chase:
    """Optimize a picture's pixels by L-BFGS until the cost is down to the lowest target.

    Args:
        cost: Of a picture.
        start: The optimizer's first picture, (1, 3, H, W); a photo, or noise as Johnson's.
        targets: Costs of the networks' pictures of one photo.
        iterations: Give up after this many.
        advanced: Told the number of every iteration.
    """
    optimizer = PixelOptimizer(cost, start)
    points: list[Point] = []
    reached: list[Point | None] = [None] * len(targets)
    pictures: list[NDArray[np.uint8] | None] = [None] * len(targets)
    while True:
        last = optimizer.last
        points.append(Point(last.iteration, last.evaluations, last.seconds, last.best))
        for number, target in enumerate(targets):
            if reached[number] is None and last.best <= target * (1 + _ROUNDING):
                reached[number], pictures[number] = points[-1], to_uint8(optimizer.picture)
        if None not in reached or last.iteration >= iterations or optimizer.stalled:
            return Chase(points, reached, pictures, to_uint8(optimizer.picture))
        optimizer.step()
        advanced(optimizer.last.iteration)
