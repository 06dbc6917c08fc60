"""Statistics of activations that do not depend on positions: means, energies, matrices of products."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from torch import Tensor

from fststyle.training.cost.losses import gram_matrix

Statistic = Callable[[Tensor], Tensor]
"""Activations (1, C, H, W) to whatever is compared."""

# Shares of a matrix's spectrum at which it is cut off.
HELD = (0.9, 0.99)


def channel_means(features: Tensor) -> Tensor:
    """(1, C)."""
    return features.mean(dim=(2, 3))


def means_and_deviations(features: Tensor) -> Tensor:
    """What instance normalization exchanges (Li 2017, section 4.2): (1, 2·C)."""
    deviations, means = torch.std_mean(features, dim=(2, 3), correction=0)
    return torch.cat([means, deviations], dim=1)


def channel_energies(features: Tensor) -> Tensor:
    """Mean squares: the diagonal of the Gram matrix, times C. (1, C)."""
    return features.square().mean(dim=(2, 3))


def activations(features: Tensor) -> Tensor:
    """Nothing forgotten: what the content cost compares."""
    return features


def leading_gram(basis: Tensor) -> Statistic:
    """The Gram matrix seen in some directions only: Bᵀ G B for an orthonormal basis B (C, k), hence (1, k, k)."""

    def statistic(features: Tensor) -> Tensor:
        return gram_matrix(torch.einsum("bchw,ck->bkhw", features, basis))

    return statistic


def spectrum(features: Tensor) -> tuple[NDArray[np.float64], Tensor]:
    """Eigenvalues of the Gram matrix, largest first and as shares of their sum, and its eigenvectors (C, C)."""
    values, vectors = torch.linalg.eigh(gram_matrix(features.double())[0])
    values = values.flip(0).clamp_min(0)
    return (values / values.sum()).numpy(), vectors.flip(1).float()


def rank_holding(shares: NDArray[np.float64], share: float) -> int:
    """How many of the largest eigenvalues sum up to `share` of all."""
    return min(len(shares), int(np.searchsorted(np.cumsum(shares), share)) + 1)


def relative_error(value: Tensor, target: Tensor) -> Tensor:
    """Squared distance from the target as a fraction of the target's own squares; a scalar."""
    return (value - target).square().sum() / target.square().sum().clamp_min(torch.finfo(target.dtype).tiny)


def covariances(features: Tensor) -> Tensor:
    """What products hold beyond the means: the Gram matrix of centered activations, (1, C, C)."""
    return gram_matrix(features - features.mean(dim=(2, 3), keepdim=True))


def cosines(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """G_ij / √(G_ii G_jj): 1 for channels that always fire in proportion, 0 for such as never fire together.

    A channel that never fires goes with none, not even itself.
    """
    norms = np.sqrt(np.diag(gram))
    scaled: NDArray[np.float64] = gram / np.maximum(np.outer(norms, norms), np.finfo(np.float64).tiny)
    return scaled


def cluster_order(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """An order of the rows in which alike ones stand together: leaves of average linkage over (C, C) in [0, 1]."""
    upper = np.triu_indices(len(similarity), 1)
    distances = np.maximum(0, 1 - similarity[upper])
    order: NDArray[np.int64] = leaves_list(linkage(distances, "average", optimal_ordering=True))
    return order
