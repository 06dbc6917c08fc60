"""The one definition of the cost: terms by value, both forms, gradients only where they belong."""

from pathlib import Path

import pytest
import torch

from fststyle.training.cost import losses
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, PerceptualObjective

LAYERS = {"content_layers": ("relu2_2",), "style_layers": ("relu1_2", "relu2_2")}


@pytest.fixture(scope="module")
def network(vgg19_file: Path) -> LossNetwork:
    return LossNetwork.load("vgg19", ["relu1_2", "relu2_2"], weights=vgg19_file)


def test_terms_in_the_relative_form(network: LossNetwork) -> None:
    style, content, stylized = torch.rand(1, 3, 32, 40), torch.rand(2, 3, 24, 24), torch.rand(2, 3, 24, 24)
    cost = Cost(content_weight=2.0, style_weight=0.5, tv_weight=3.0, **LAYERS)
    objective = PerceptualObjective(cost, style, loss_network=network)
    terms = objective.terms(stylized, objective.content_features(content))

    f, t, s = (network(image.double().float()) for image in (stylized, content, style))
    expected_content = ((f["relu2_2"] - t["relu2_2"]) ** 2).sum((1, 2, 3)) / (t["relu2_2"] ** 2).sum((1, 2, 3))
    expected_style = []
    for layer in ("relu1_2", "relu2_2"):
        flat, flat_style = f[layer].double().flatten(2), s[layer].double().flatten(2)
        gram = flat @ flat.mT / flat[0].numel()
        gram_style = flat_style @ flat_style.mT / flat_style[0].numel()
        expected_style.append((((gram - gram_style) ** 2).sum((1, 2)) / (gram_style**2).sum()).mean().item())
    assert terms.content.item() == pytest.approx(expected_content.mean().item(), rel=1e-4)
    assert terms.style.item() == pytest.approx(sum(expected_style) / 2, rel=1e-4)
    assert [value.item() for value in terms.style_by_layer.values()] == pytest.approx(expected_style, rel=1e-4)
    variation = losses.mean_total_variation_loss(stylized).mean()
    total = 2.0 * terms.content + 0.5 * 15 * terms.style + 3.0 * 2 * variation
    assert terms.total.item() == pytest.approx(total.item(), rel=1e-6)


def test_terms_in_the_papers_form(network: LossNetwork) -> None:
    style, content, stylized = torch.rand(1, 3, 32, 40), torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24)
    cost = Cost(form="literal", content_weight=1.0, style_weight=5.0, tv_weight=1e-5, **LAYERS)
    objective = PerceptualObjective(cost, style, loss_network=network)
    terms = objective.terms(stylized, objective.content_features(content))
    f, t, s = network(stylized), network(content), network(style)
    content_term = ((f["relu2_2"] - t["relu2_2"]) ** 2).mean()
    style_term = sum(
        torch.linalg.matrix_norm(losses.gram_matrix(f[layer]) - losses.gram_matrix(s[layer])).square().sum()
        for layer in ("relu1_2", "relu2_2")
    )
    total = content_term + 5 * style_term + 1e-5 * losses.total_variation_loss(stylized).sum()
    assert terms.total.item() == pytest.approx(total.item(), rel=1e-4)


@pytest.mark.parametrize("factor", [1e-2, 1e2])
def test_one_pair_of_weights_serves_every_scale_of_activations(network: LossNetwork, factor: float) -> None:
    scaled = LossNetwork("vgg19", network.index_of)
    scaled.load_state_dict(network.state_dict())
    scaled.features[0].weight *= factor
    for module in scaled.features:
        if isinstance(module, torch.nn.Conv2d) and module.bias is not None:
            module.bias *= factor
    style, content, stylized = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24)
    totals = []
    for net in (network, scaled):
        objective = PerceptualObjective(Cost(**LAYERS), style, loss_network=net)
        totals.append(objective.terms(stylized, objective.content_features(content)).total.item())
    assert totals[0] == pytest.approx(totals[1], rel=1e-3)


def test_the_painting_itself_costs_no_style_and_the_photo_no_content(network: LossNetwork) -> None:
    style = torch.rand(1, 3, 32, 32)
    objective = PerceptualObjective(Cost(**LAYERS), style, loss_network=network)
    terms = objective.terms(style, objective.content_features(style))
    assert terms.content.item() == 0
    assert terms.style.item() < 1e-12


def test_gradients_reach_the_picture_and_nothing_else(network: LossNetwork) -> None:
    objective = PerceptualObjective(Cost(**LAYERS), torch.rand(1, 3, 32, 32), loss_network=network)
    stylized = torch.rand(1, 3, 24, 24, requires_grad=True)
    features = objective.content_features(torch.rand(1, 3, 24, 24, requires_grad=True))
    assert not any(x.requires_grad for x in features.values())
    objective.terms(stylized, features).total.backward()
    assert stylized.grad is not None
    assert stylized.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_losses_stay_in_float32_under_autocast(network: LossNetwork) -> None:
    objective = PerceptualObjective(Cost(**LAYERS), torch.rand(1, 3, 32, 32), loss_network=network)
    content, stylized = torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24)
    exact = objective.terms(stylized, objective.content_features(content))
    with torch.autocast("cpu", torch.bfloat16):
        terms = objective.terms(stylized, objective.content_features(content))
    assert all(value.dtype == torch.float32 for value in terms[:4])
    assert terms.total.item() == pytest.approx(exact.total.item(), rel=0.1)


def test_normalized_channels_come_from_the_photos(vgg19_file: Path) -> None:
    photos = [torch.rand(1, 3, 32, 32)]
    objective = PerceptualObjective(Cost(weights=vgg19_file, **LAYERS), photos[0], photos=photos)
    means = objective.loss_network(photos[0])["relu1_2"].mean(dim=(0, 2, 3))
    assert means.median().item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"style_weight": -1}, "style_weight must be 0 or more"),
        ({"content_weight": float("inf")}, "content_weight must be 0 or more and finite"),
        ({"content_layers": (), "style_layers": ()}, "at least one content or style layer"),
    ],
)
def test_costs_that_make_no_sense(arguments: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Cost(**arguments)  # type: ignore[arg-type]


def test_of_several_paintings_the_weighted_mean_of_their_style_matrices_is_the_target(network: LossNetwork) -> None:
    first, second = torch.rand(1, 3, 32, 40), torch.rand(1, 3, 40, 24)
    mixed = PerceptualObjective(Cost(**LAYERS), [first, second], style_mix=[3.0, 1.0], loss_network=network)
    alone = [PerceptualObjective(Cost(**LAYERS), style, loss_network=network) for style in (first, second)]
    for layer, gram in mixed.style_grams.items():
        expected = 0.75 * alone[0].style_grams[layer] + 0.25 * alone[1].style_grams[layer]
        torch.testing.assert_close(gram, expected)


@pytest.mark.parametrize(
    ("styles", "mix", "match"),
    [
        (0, None, "style layers need a painting"),
        (2, [1.0], "does not fit 2 paintings"),
        (2, [1.0, -1.0], "a share of 0 or more"),
        (2, [0.0, 0.0], "does not fit"),
    ],
)
def test_mixes_that_make_no_sense(network: LossNetwork, styles: int, mix: list[float] | None, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        PerceptualObjective(Cost(**LAYERS), [torch.rand(1, 3, 16, 16)] * styles, style_mix=mix, loss_network=network)


def test_ripples_count_where_a_network_is_trained(network: LossNetwork) -> None:
    style, stylized = torch.rand(1, 3, 32, 32), torch.rand(2, 3, 32, 32)
    objective = PerceptualObjective(Cost(grid_weight=0.5, **LAYERS), style, loss_network=network)
    terms = objective.terms(stylized, objective.content_features(stylized))
    assert terms.grid is None
    assert "grid_loss" not in terms.named()

    ripple = losses.grid_loss(stylized).mean().item()
    for share in (1.0, 0.3):
        whole = objective.with_grid(terms, stylized, share)
        assert whole.named()["grid_loss"].item() == pytest.approx(ripple)
        assert (whole.total - terms.total).item() == pytest.approx(share * 0.5 * 10 * ripple, rel=1e-4)


def test_the_papers_form_has_no_term_against_ripples() -> None:
    assert Cost().minds_grid
    assert not Cost(grid_weight=0).minds_grid
    assert not Cost(form="literal").minds_grid
