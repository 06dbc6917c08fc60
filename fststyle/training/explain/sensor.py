"""The same idea without pictures: a recording of ten sensors, whose correlations show what its wearer does.

Two recordings of a walk differ in phase, tempo, strength and noise, but the same sensors move together in both. The
recording here is synthetic, so all its rules are known: the modes differ in which sensors move together, their tempos
overlap, and over a long time every channel is equally strong in all of them.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mode = Literal["walking", "cycling", "running"]

MODES: tuple[Mode, ...] = ("walking", "cycling", "running")
CHANNELS = 10
RATE = 50  # samples a second
WINDOW_SECONDS = 2.0

# Cycles a second: the tempos of neighbors overlap, so that tempo alone does not decide.
_TEMPOS: dict[Mode, tuple[float, float]] = {"walking": (1.4, 2.2), "cycling": (1.0, 1.8), "running": (1.9, 2.8)}
# A body has several parts that swing for themselves, each seen by several sensors.
_RHYTHMS = 3
_NOISE = 0.6


VIEWS = ("matrix", "loudness", "raw")


class Body:
    """How the sensors hang on the rhythms, in each mode; fixed by the seed, as a body is."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self._couplings: dict[Mode, Floats] = {}
        for mode in MODES:
            coupling = rng.standard_normal((CHANNELS, _RHYTHMS))
            # Rows of length 1: every channel is equally loud.
            self._couplings[mode] = coupling / np.linalg.norm(coupling, axis=1, keepdims=True)

    def record(self, mode: Mode, seconds: float, rng: np.random.Generator) -> Floats:
        """A stretch of a mode, (channels, samples), at `RATE`; another one at every call."""
        times = np.arange(round(seconds * RATE)) / RATE
        tempo = rng.uniform(*_TEMPOS[mode])
        rhythms = np.stack([self._rhythm(times, tempo * rng.uniform(0.75, 1.33), rng) for _ in range(_RHYTHMS)])
        vigor = np.exp(0.3 * rng.standard_normal((_RHYTHMS, 1)))
        noise = rng.standard_normal((CHANNELS, len(times)))
        recording: Floats = self._couplings[mode] @ (vigor * rhythms) + _NOISE * noise
        return recording

    @staticmethod
    def _rhythm(times: Floats, tempo: float, rng: np.random.Generator) -> Floats:
        """Swing and overtones of random strength and phase, mean square 1 over a long time."""
        strengths = np.array([1.0, 0.7, 0.5]) * rng.uniform(0.5, 1.5, 3)
        phases = rng.uniform(0, 2 * np.pi, 3)
        orders = np.arange(1, 4)[:, None]
        waves = np.sqrt(2) * np.sin(2 * np.pi * tempo * orders * times + phases[:, None])
        mixed: Floats = strengths @ waves / np.linalg.norm(strengths)
        return mixed


def standardize(window: Floats) -> Floats:
    """Every channel to mean 0 and mean square 1."""
    centered = window - window.mean(axis=1, keepdims=True)
    scaled: Floats = centered / np.sqrt((centered**2).mean(axis=1, keepdims=True))
    return scaled


def correlations(window: Floats) -> Floats:
    """Products of every pair of standardized channels, averaged over time: (channels, channels)."""
    scaled = standardize(window)
    products: Floats = scaled @ scaled.T / scaled.shape[1]
    return products


def loudness(window: Floats) -> Floats:
    """Mean square of every channel about its mean, (channels,)."""
    energies: Floats = window.var(axis=1)
    return energies


def accuracies(
    examples: Sequence[int] = (1, 2, 5, 10, 20, 50, 100), *, repeats: int = 20, asked: int = 100, seed: int = 0
) -> dict[str, Floats]:
    """Share of windows whose nearest known window is of their mode; guessing gets a third.

    Args:
        examples: How many windows of each mode are known; the answer has one entry for each.
        repeats: How often the known windows are drawn anew from the largest of `examples`.
        asked: How many windows of each mode are asked about.
        seed: Of the body and of all recordings.

    Returns:
        By what is compared: "matrix", the correlation matrices; "loudness", the channels' energies, which are the
        diagonal of the matrix of products; "raw", the standardized samples, instant by instant.
    """
    body, rng = Body(seed), np.random.default_rng(seed + 1)
    most, modes = max(examples), np.arange(len(MODES))
    known, new = (
        [body.record(MODES[mode], WINDOW_SECONDS, rng) for mode in np.repeat(modes, count)] for count in (most, asked)
    )
    distances = {
        name: _squared_distances([view(window) for window in new], [view(window) for window in known])
        for name, view in zip(VIEWS, (correlations, loudness, standardize), strict=True)
    }
    truth = np.repeat(modes, asked)
    shares: dict[str, Floats] = {name: np.zeros(len(examples)) for name in VIEWS}
    for place, count in enumerate(examples):
        for _ in range(repeats):
            drawn = np.stack([mode * most + rng.permutation(most)[:count] for mode in modes]).ravel()
            for name, table in distances.items():
                guessed = drawn[table[:, drawn].argmin(axis=1)] // most
                shares[name][place] += (guessed == truth).mean() / repeats
    return shares


def _squared_distances(left: list[Floats], right: list[Floats]) -> Floats:
    a, b = (np.stack([view.ravel() for view in views]) for views in (left, right))
    distances: Floats = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    return distances


def delay_curves(delays: NDArray[np.int64], *, stretches: int = 40, seed: int = 0) -> tuple[Floats, Floats]:
    """How far a walker's window is from the same walk some samples later.

    Returns:
        Squared distance of the samples and of the correlation matrices at every delay, each averaged over walks and
        divided by its average between two different walks: 1 is "as far as a stranger".
    """
    body, rng = Body(seed), np.random.default_rng(seed + 2)
    length = round(WINDOW_SECONDS * RATE)
    walks = [body.record("walking", WINDOW_SECONDS + delays.max() / RATE, rng) for _ in range(stretches)]
    curves = []
    for view in (standardize, correlations):
        own = [view(walk[:, :length]) for walk in walks]
        stranger = np.mean([((own[i] - own[i - 1]) ** 2).sum() for i in range(stretches)])
        later = [
            np.mean([((view(walks[i][:, d : d + length]) - own[i]) ** 2).sum() for i in range(stretches)])
            for d in delays
        ]
        curves.append(np.array(later) / stranger)
    return curves[0], curves[1]
