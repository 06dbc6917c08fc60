"""The total of a step by its formula, whichever of its terms are there."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fststyle.training.cost import losses
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.cost.temporal import moved, temporal_loss
from fststyle.training.cost.wasserstein import PaintingValues, some_positions
from fststyle.training.fit.step_cost import StyleChoice, likeness_cost, step_cost
from fststyle.training.fit.teacher import TEACHER_WEIGHT, likeness_loss

LAYERS = {"content_layers": ("relu2_2",), "style_layers": ("relu1_2", "relu2_2")}


def darker(content: Tensor) -> Tensor:
    return 0.5 * content


@pytest.fixture(scope="module")
def network() -> LossNetwork:
    torch.manual_seed(0)
    return LossNetwork("vgg19", ("relu1_2", "relu2_2"))


@pytest.mark.parametrize("temporal", [0.0, 0.5])
@pytest.mark.parametrize("taught", [None, torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(1))])
def test_the_total_is_the_sum_of_its_terms(network: LossNetwork, temporal: float, taught: Tensor | None) -> None:
    cost = Cost(**LAYERS, content_weight=0.7, style_weight=2, tv_weight=3, grid_weight=0.4, temporal_weight=temporal)
    objective = PerceptualObjective(cost, torch.rand(1, 3, 40, 40), loss_network=network)
    content = torch.rand(2, 3, 40, 40)
    terms, painted = step_cost(objective, darker, content, [5, 6], grid_share=0.25, taught=taught)
    assert torch.equal(painted, darker(content))
    expected = 0.7 * terms.content + 2 * 15 * terms.style + 3 * 2 * terms.total_variation
    expected = expected + 0.25 * 0.4 * 10 * losses.grid_loss(painted).mean()
    if temporal:
        later = moved(content, [5, 6])
        expected = expected + temporal * 50 * temporal_loss(painted, darker(later.content), later).mean()
    if taught is not None:
        expected = expected + TEACHER_WEIGHT * likeness_loss(painted, taught)
    assert terms.total.item() == pytest.approx(expected.item(), rel=1e-5)
    assert set(terms.named()) >= ({"temporal_loss"} if temporal else set()) | (
        {"likeness_loss"} if taught is not None else set()
    )


@pytest.mark.parametrize("share", [None, torch.tensor([1.0, 0.5])])
def test_the_style_of_every_part_counts(network: LossNetwork, share: Tensor | None) -> None:
    cost = Cost(**LAYERS, style_weight=2, grid_weight=0, local_weight=0.3)
    objective = PerceptualObjective(cost, torch.rand(1, 3, 40, 40), loss_network=network)
    content = torch.rand(2, 3, 256, 390)
    content[0, :, :128, 130:258] = 0.5  # one of six parts that is empty
    choice = StyleChoice(style_share=share)
    terms, _ = step_cost(objective, lambda photos: photos, content, [0, 1], choice=choice)
    without, _ = step_cost(
        PerceptualObjective(replace(cost, local_weight=0), torch.rand(1, 3, 40, 40), loss_network=network),
        lambda photos: photos,
        content,
        [0, 1],
    )
    assert without.local is None
    assert terms.local is not None
    assert terms.named()["local_loss"] is terms.local
    expected = []
    for layer, gram in objective.style_grams.items():
        features = network.see(content, [layer])[layer]
        side = features.shape[-2] // 2
        for picture, x in enumerate(features):
            parts = [
                x[None, :, top : top + side, left : left + side] for top in (0, side) for left in (0, side, 2 * side)
            ]
            costs = [losses.relative_style_loss(network.style_matrix(layer, part), gram).item() for part in parts]
            expected.append(sum(costs) / 6 * (1.0 if share is None else share[picture].item()))
    assert terms.local.item() == pytest.approx(sum(expected) / len(expected), rel=1e-4)
    counted = terms.content + 2 * 15 * terms.style + 2 * terms.total_variation + 0.3 * 2 * 15 * terms.local
    assert terms.total.item() == pytest.approx(counted.item(), rel=1e-5)


@pytest.mark.parametrize("share", [None, torch.tensor([1.0, 0.5])])
def test_the_distance_of_distributions_counts(network: LossNetwork, share: Tensor | None) -> None:
    cost = Cost(**LAYERS, style_weight=2, grid_weight=0, wasserstein_weight=0.3)
    painting = torch.rand(1, 3, 40, 40)
    objective = PerceptualObjective(cost, painting, loss_network=network)
    content = torch.rand(2, 3, 90, 70)
    terms, _ = step_cost(objective, darker, content, [0, 1], choice=StyleChoice(style_share=share))
    assert terms.wasserstein is not None
    assert terms.named()["wasserstein_loss"] is terms.wasserstein
    of_painting, of_pictures = (
        {layer: some_positions(x) for layer, x in network(images).items()} for images in (painting, darker(content))
    )
    of_each = PaintingValues(of_painting).distances(of_pictures, 0)
    assert terms.wasserstein.item() == pytest.approx(
        (of_each * (1 if share is None else share)).mean().item(), rel=1e-5
    )
    counted = terms.content + 2 * 15 * terms.style + 2 * terms.total_variation + 0.3 * 2 * 15 * terms.wasserstein
    assert terms.total.item() == pytest.approx(counted.item(), rel=1e-5)
    judged = objective.terms(darker(content), objective.content_features(content))
    assert judged.wasserstein is None  # only in training
    with pytest.raises(ValueError, match="wasserstein_weight needs one painting; leave it at 0 for several"):
        step_cost(objective, darker, content, [0, 1], choice=StyleChoice(style_grams=objective.style_grams))


def test_a_small_crop_has_no_parts(network: LossNetwork) -> None:
    objective = PerceptualObjective(Cost(**LAYERS, local_weight=1), torch.rand(1, 3, 40, 40), loss_network=network)
    terms, _ = step_cost(objective, darker, torch.rand(1, 3, 200, 600), [0])
    assert terms.local is None


def test_a_choice_is_an_argument_and_leaves_nothing_behind(network: LossNetwork) -> None:
    objective = PerceptualObjective(Cost(**LAYERS), torch.rand(1, 3, 40, 40), loss_network=network)
    content = torch.rand(2, 3, 40, 40)
    plain, _ = step_cost(objective, darker, content, [0, 1])
    heavy, _ = step_cost(objective, darker, content, [0, 1], choice=StyleChoice(style_weight=3.0))
    assert (heavy.total - plain.total).item() == pytest.approx(2 * 15 * plain.style.item(), rel=1e-4)
    grams = {layer: torch.zeros_like(gram) for layer, gram in objective.style_grams.items()}
    other, _ = step_cost(objective, darker, content, [0, 1], choice=StyleChoice(style_grams=grams))
    assert other.style.item() != pytest.approx(plain.style.item(), rel=1e-3)
    again, _ = step_cost(objective, darker, content, [0, 1])
    assert again.total.item() == plain.total.item()


def test_with_likeness_alone_the_total_is_its_weighted_value() -> None:
    painted, taught = torch.zeros(1, 3, 40, 40), torch.full((1, 3, 40, 40), 0.5)
    found = {name: value.item() for name, value in likeness_cost(painted, taught).items()}
    assert found == {"likeness_loss": 0.5, "total_loss": 0.5 * TEACHER_WEIGHT}
