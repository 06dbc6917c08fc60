"""What the instance norms of a network find in a picture, and how the findings of its parts are put together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEAN, VARIANCE, CORES = "mean", "variance", "cores"
MEASURED_MEAN, MEASURED_VARIANCE, MEASURED_COUNT = "measured_mean", "measured_variance", "measured_count"
"""Inputs and outputs of the graphs that `statistics_form.py` makes."""


@dataclass(frozen=True)
class Statistics:
    """What every instance norm of a network found, in the order of `StatisticsForm.norms`.

    Attributes:
        mean: float32 of shape (channels of all norms,).
        variance: Likewise; of the population, not of a sample.
    """

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]

    def mixed(self, other: "Statistics", weight: float) -> "Statistics":
        """A mixture: `weight` in 0..1 of the other, the rest of these."""
        if not 0 <= weight <= 1:
            raise ValueError(f"weight must lie in 0..1, not {weight}")
        mean = (1 - weight) * self.mean + weight * other.mean
        variance = (1 - weight) * self.variance + weight * other.variance
        return Statistics(mean.astype(np.float32), variance.astype(np.float32))

    def feeds(self) -> dict[str, NDArray[np.float32]]:
        """The inputs of a graph that was built with `given`."""
        return {MEAN: self.mean, VARIANCE: self.variance}


class Sums:
    """Count, mean and sum of squared deviations of the channels of one norm, over parts of a picture.

    Deviations are from each part's own mean, combined in float64 (Chan, Golub & LeVeque 1979). The difference of two
    large sums of squares would be mostly rounding error where a channel's mean is large.
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self._mean = np.zeros(channels)
        self._squares = np.zeros(channels)

    def add(self, count: int, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> None:
        """Add a part of `count` positions."""
        if not count:
            return
        whole = self.count + count
        difference = mean.astype(np.float64) - self._mean
        self._mean += difference * count / whole
        self._squares += variance.astype(np.float64) * count + difference**2 * self.count * count / whole
        self.count = whole

    @property
    def mean(self) -> NDArray[np.float32]:
        """Of all parts."""
        return self._mean.astype(np.float32)

    @property
    def variance(self) -> NDArray[np.float32]:
        """Of all parts."""
        return (self._squares / max(self.count, 1)).astype(np.float32)
