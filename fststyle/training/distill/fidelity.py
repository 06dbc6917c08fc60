"""How close a distilled network is to VGG-19: its activations, the costs, and the gradients of the costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from fststyle.training.cost import losses
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import PerceptualObjective


@dataclass(frozen=True)
class LayerFidelity:
    """Of one layer, means over pairs of pictures; VGG-19's value is 1.

    Attributes:
        energy: ‖R·s‖² of the distilled network over ‖F‖²: how much of the activations it accounts for.
        content: Its ‖F - F'‖² between two pictures over VGG-19's.
        style: Its ‖G - G'‖² between two pictures over VGG-19's.
    """

    energy: float
    content: float
    style: float


@torch.no_grad()
def by_layer(
    student: LossNetwork, teacher: LossNetwork, pairs: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, LayerFidelity]:
    """Compare distances between the pictures of each pair, (1, 3, H, W) in [0, 1], as both networks see them."""
    found: dict[str, list[LayerFidelity]] = {layer: [] for layer in student.index_of}
    for first, second in pairs:
        ours, theirs = ((network(first), network(second)) for network in (student, teacher))
        for layer, into in found.items():
            values = []
            for one, other in (ours, theirs):
                a, b = one[layer], other[layer]
                energy = float(a.square().sum()) / a[0].numel()
                content = float(losses.content_loss(a, b)) / a[0].numel()
                style = float(losses.style_loss(losses.gram_matrix(a), losses.gram_matrix(b)))
                values.append((energy, content, style))
            into.append(LayerFidelity(*(mine / its for mine, its in zip(*values, strict=True))))
    return {
        layer: LayerFidelity(
            fmean(each.energy for each in into),
            median(each.content for each in into),
            median(each.style for each in into),
        )
        for layer, into in found.items()
    }


def gradient_agreement(
    student: PerceptualObjective, teacher: PerceptualObjective, pictures: Iterable[tuple[Tensor, Tensor]]
) -> Mapping[str, float]:
    """Cosines between the gradients that both costs send to a picture, by term; means.

    Args:
        student: With the distilled network and a painting.
        teacher: With VGG-19 and the same painting.
        pictures: Each a picture to be judged and the photo it was made from, (1, 3, H, W).
    """
    cosines: dict[str, list[float]] = {}
    for picture, photo in pictures:
        gradients = [_gradients(objective, picture, photo) for objective in (student, teacher)]
        for name, mine in gradients[0].items():
            cosine = cosine_similarity(mine.flatten(), gradients[1][name].flatten(), dim=0)
            cosines.setdefault(name, []).append(float(cosine))
    return {name: fmean(values) for name, values in cosines.items()}


def _gradients(objective: PerceptualObjective, picture: Tensor, photo: Tensor) -> dict[str, Tensor]:
    picture = picture.clone().requires_grad_()
    terms = objective.terms(picture, objective.content_features(photo))
    wanted = {"content": terms.content, "style": terms.style, "total": terms.total}
    return {name: torch.autograd.grad(term, picture, retain_graph=True)[0] for name, term in wanted.items()}
