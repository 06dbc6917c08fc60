"""What is left of activations without positions, against numpy and closed forms."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fststyle.training.cost.losses import gram_matrix
from fststyle.training.explain import pairs, statistics


@pytest.fixture
def features() -> Tensor:
    return torch.rand(1, 6, 5, 7, generator=torch.Generator().manual_seed(0))


def test_single_channel_statistics_against_numpy(features: Tensor) -> None:
    flat = features[0].flatten(1).double().numpy()
    means = statistics.channel_means(features)[0].numpy()
    energies = statistics.channel_energies(features)[0].numpy()
    both = statistics.means_and_deviations(features)[0].numpy()
    np.testing.assert_allclose(means, flat.mean(1), rtol=1e-5)
    np.testing.assert_allclose(energies, (flat**2).mean(1), rtol=1e-5)
    np.testing.assert_allclose(both, np.concatenate([flat.mean(1), flat.std(1)]), rtol=1e-5)
    np.testing.assert_allclose(energies, 6 * gram_matrix(features)[0].diag().numpy(), rtol=1e-5)
    np.testing.assert_allclose(
        statistics.covariances(features)[0].numpy(), np.cov(flat, bias=True) / 6, rtol=1e-4, atol=1e-7
    )


def test_the_leading_gram_holds_the_largest_eigenvalues(features: Tensor) -> None:
    flat = features[0].flatten(1).double().numpy()
    expected = np.linalg.eigvalsh(flat @ flat.T)[::-1]
    shares, vectors = statistics.spectrum(features)
    np.testing.assert_allclose(shares, expected / expected.sum(), rtol=1e-4)
    for k in (1, 3, 6):
        seen = statistics.leading_gram(vectors[:, :k])(features)[0].numpy()
        # gram_matrix divides by its own number of channels, which is k here.
        np.testing.assert_allclose(seen, np.diag(expected[:k]) / (k * flat.shape[1]), rtol=1e-3, atol=1e-5)


def test_the_rank_that_holds_a_share() -> None:
    shares = np.array([0.5, 0.25, 0.125, 0.125])
    assert [statistics.rank_holding(shares, share) for share in (0.4, 0.5, 0.6, 0.8, 1.0)] == [1, 1, 2, 3, 4]


def test_relative_error_by_value() -> None:
    assert statistics.relative_error(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0])).item() == pytest.approx(0.8)


def test_cosines_of_twins_strangers_and_the_silent() -> None:
    flat = np.array([[1.0, 2, 0, 0], [2, 4, 0, 0], [0, 0, 3, 1], [0, 0, 0, 0]])
    expected = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(statistics.cosines(flat @ flat.T), expected, atol=1e-12)


def test_the_order_brings_clusters_together() -> None:
    family = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    similarity = np.where(family[:, None] == family, 0.9, 0.1)
    ordered = family[statistics.cluster_order(similarity)]
    assert np.count_nonzero(np.diff(ordered)) == 2


def test_the_strongest_pair_is_the_one_that_was_planted() -> None:
    rng = np.random.default_rng(0)
    quiet = rng.uniform(0.9, 1.1, (5, 20, 20))
    planted = quiet.copy()
    planted[1, 3:6], planted[4, 4:7] = 5, 7
    found, *_ = pairs.strongest_pairs(torch.tensor(planted)[None], torch.tensor(quiet)[None], 3)
    assert (found.first, found.second) == (1, 4)
    expected = np.corrcoef(planted[1].ravel(), planted[4].ravel())[0, 1]
    assert found.correlation == pytest.approx(expected)
    assert found.excess == pytest.approx(np.cov(planted[1].ravel(), planted[4].ravel(), bias=True)[0, 1])
    assert found.elsewhere == pytest.approx(0, abs=0.01)
    np.testing.assert_array_equal(found.maps[2], planted[1] * planted[4])


def test_a_picture_has_no_pair_that_the_same_picture_has_not(features: Tensor) -> None:
    assert pairs.strongest_pairs(features, features, 3) == []


def test_peaks_keep_their_distance() -> None:
    activity = np.zeros((9, 9))
    activity[0, 4], activity[4, 4], activity[4, 5], activity[7, 1] = 9, 5, 4, 3
    assert pairs.peaks(activity, 9, apart=2, margin=1) == [(4, 4), (7, 1)]
    assert pairs.peaks(activity, 1, apart=2, margin=0) == [(0, 4)]
