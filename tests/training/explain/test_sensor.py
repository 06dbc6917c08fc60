"""The analogy holds for every body, and not because the recordings were made easy."""

import numpy as np
import pytest

from fststyle.training.explain import sensor


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_example_is_enough_for_matrices_and_not_for_samples(seed: int) -> None:
    shares = sensor.accuracies((1, 50), asked=50, seed=seed)
    assert shares["matrix"].min() >= 0.95
    # A third is chance. A single recording is in step with hardly any other, so that little is left.
    assert shares["raw"][0] <= 0.5
    assert shares["loudness"][0] <= 0.5
    # With many known recordings one of them happens to be in step: the samples are not made useless.
    assert shares["raw"][1] >= 0.8


def test_no_two_recordings_are_alike() -> None:
    body, rng = sensor.Body(), np.random.default_rng(0)
    first, second = (sensor.standardize(body.record("walking", 2.0, rng)) for _ in range(2))
    assert first.shape == (10, 100)
    assert abs((first * second).mean()) < 0.5


def test_channels_are_equally_loud_in_the_long_run() -> None:
    body, rng = sensor.Body(), np.random.default_rng(0)
    for mode in sensor.MODES:
        energies = np.mean([sensor.loudness(body.record(mode, 20.0, rng)) for _ in range(200)], axis=0)
        assert energies.max() / energies.min() < 1.25


def test_correlations_against_numpy() -> None:
    window = np.random.default_rng(0).standard_normal((10, 80))
    np.testing.assert_allclose(sensor.correlations(window), np.corrcoef(window), atol=1e-12)


def test_a_delay_moves_samples_and_leaves_matrices() -> None:
    raw, matrix = sensor.delay_curves(np.array([0, 5, 10]))
    assert (raw[0], matrix[0]) == (0, 0)
    assert raw[2] > 0.9
    assert matrix[2] < 0.1
