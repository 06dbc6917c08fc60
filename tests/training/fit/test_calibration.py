"""A weight for a painting: the line through the probe's losses, and that a painting farther away gets less."""

from collections.abc import Callable

import pytest
import torch

from fststyle.training.cost.objective import Cost
from fststyle.training.fit import calibration
from fststyle.training.fit.calibration import probe, style_factor, weight_at


def test_the_weight_lies_on_a_line_in_its_logarithm() -> None:
    weights = (0.25, 1.0, 4.0)
    assert weight_at(0.35, weights, (0.2, 0.35, 0.5)) == pytest.approx(1)
    assert weight_at(0.30, weights, (0.2, 0.3, 0.4)) == pytest.approx(1)
    assert weight_at(0.35, weights, (0.2, 0.3, 0.4)) == pytest.approx(2)
    assert weight_at(0.1, weights, (0.2, 0.3, 0.4)) == pytest.approx(0.25)
    assert weight_at(0.9, weights, (0.2, 0.3, 0.4)) == pytest.approx(4)


@pytest.mark.slow
def test_the_probe_loses_more_of_the_photos_the_more_the_style_weighs(
    shallow_cost: Callable[..., Cost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "_STEPS", 15)
    monkeypatch.setattr(calibration, "_SIDE", 32)
    cost = shallow_cost(normalize_channels=True)
    stripes = torch.rand(1, 3, 1, 48, generator=torch.Generator().manual_seed(0)).expand(1, 3, 48, 48).contiguous()
    losses = probe(cost, stripes)
    assert losses == sorted(losses)
    assert losses[2] > 1.2 * losses[0]
    assert probe(cost, stripes) == pytest.approx(losses, rel=1e-3)


def test_losses_in_other_units_cannot_be_compared() -> None:
    for cost in (Cost(form="literal"), Cost(content_layers=()), Cost(style_layers=())):
        with pytest.raises(ValueError, match="needs content and style layers and the relative form"):
            style_factor(cost, torch.zeros(1, 3, 48, 48))


@pytest.mark.parametrize(("content", "factor"), [((0.2, 0.4, 0.5), 1.0), ((0.9, 0.9, 0.9), 0.33), ((0.1, 0.1, 0.1), 3)])
def test_the_factor_stays_within_what_a_probe_can_say(
    content: tuple[float, ...], factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "probe", lambda *_: content)
    assert style_factor(Cost(), torch.zeros(1)) == factor
