"""Pictures optimized from noise until one statistic of their activations equals the painting's."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.losses import gram_matrix, mean_total_variation_loss
from fststyle.training.explain.statistics import Statistic, covariances, relative_error
from fststyle.training.optimize.pixels import PixelOptimizer

# Just enough smoothness that ripples to which no layer reacts do not stay.
_TV_WEIGHT = 0.03

# Standard deviation below which a picture has no contrast; far less than a step of 8 bits.
_FLAT = 1e-4


@dataclass(frozen=True)
class Synthesis:
    """A picture and how near it came.

    Attributes:
        picture: (1, 3, H, W) in [0, 1].
        error: Relative squared error of the statistic it was made for, mean over layers.
        gram_error: That of the whole Gram matrix.
        covariance_error: That of what the Gram matrix holds beyond the means.
        iterations: Of L-BFGS.
        seconds: Computing time.
    """

    picture: Tensor
    error: float
    gram_error: float
    covariance_error: float
    iterations: int
    seconds: float


def synthesize(
    network: LossNetwork,
    features: dict[str, Tensor],
    statistics: dict[str, Statistic],
    start: Tensor,
    iterations: int,
    on_iteration: Callable[[], None] = lambda: None,
) -> Synthesis:
    """Change a picture until its statistics are those of `features`.

    Args:
        network: Through which it is seen.
        features: The painting's activations, at least at the layers of `statistics`.
        statistics: What is compared, {layer: statistic}; their relative errors are averaged.
        start: (1, 3, H, W) in [0, 1].
        iterations: At most so many of L-BFGS.
        on_iteration: Called after each.
    """
    layers = tuple(statistics)
    targets = {layer: statistics[layer](features[layer]) for layer in layers}

    def mean_error(seen: dict[str, Tensor]) -> Tensor:
        return torch.stack([relative_error(statistics[layer](seen[layer]), targets[layer]) for layer in layers]).mean()

    def cost(picture: Tensor) -> dict[str, Tensor]:
        error = mean_error(network(picture, layers))
        return {"error": error, "total_loss": error + _TV_WEIGHT * mean_total_variation_loss(picture).mean()}

    optimizer = PixelOptimizer(cost, start)
    for _ in range(iterations):
        optimizer.step()
        on_iteration()
        if optimizer.stalled:
            break
    with torch.no_grad():
        seen = network(optimizer.picture, layers)
        return Synthesis(
            optimizer.picture,
            float(mean_error(seen)),
            _mean_error(seen, features, gram_matrix),
            _mean_error(seen, features, covariances),
            optimizer.last.iteration,
            optimizer.last.seconds,
        )


def likeness(picture: Tensor, original: Tensor) -> tuple[float, float]:
    """Correlation of the brightness of two pictures (1, 3, H, W), pixel by pixel, and of their colors.

    Brightness is BT.601's luma. Color is what the channels differ from it, averaged over squares of 4 pixels, because
    nobody sees the color of a single one.
    """
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    lumas = [(x * weights).sum(dim=1, keepdim=True) for x in (picture, original)]
    square = min(4, *picture.shape[2:])
    colors = [avg_pool2d(x - luma, square) for x, luma in zip((picture, original), lumas, strict=True)]
    return _correlation(*lumas), _correlation(*colors)


def _correlation(a: Tensor, b: Tensor) -> float:
    a, b = (x.double() - x.double().mean(dim=(2, 3), keepdim=True) for x in (a, b))
    deviations = [float(x.square().mean().sqrt()) for x in (a, b)]
    # A gray picture's color is rounding, with which nothing shall be correlated.
    return float((a * b).mean()) / (deviations[0] * deviations[1]) if min(deviations) > _FLAT else 0.0


def _mean_error(seen: dict[str, Tensor], features: dict[str, Tensor], statistic: Statistic) -> float:
    errors = [float(relative_error(statistic(x), statistic(features[layer]))) for layer, x in seen.items()]
    return sum(errors) / len(errors)
