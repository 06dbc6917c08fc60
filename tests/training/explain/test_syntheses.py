"""Pictures from noise: a step or two lowers what it is asked to lower, and the numbers say so."""

from pathlib import Path

import pytest
import torch

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.losses import gram_matrix
from fststyle.training.explain import statistics, syntheses
from fststyle.training.explain.painted_sections import noise


@pytest.fixture(scope="module")
def network(vgg19_file: Path) -> LossNetwork:
    return LossNetwork.load("vgg19", ["relu1_2", "relu2_2"], weights=vgg19_file)


def test_it_lowers_the_error_of_its_own_statistic(network: LossNetwork) -> None:
    painting = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    features = network(painting)
    calls: list[int] = []
    results = {
        steps: syntheses.synthesize(
            network, features, {"relu2_2": gram_matrix}, noise(32, 0), steps, lambda: calls.append(1)
        )
        for steps in (1, 12)
    }
    assert len(calls) == 13
    assert results[12].error < results[1].error / 2
    assert results[12].error == pytest.approx(results[12].gram_error, rel=1e-6)
    seen = network(results[12].picture, ("relu2_2",))["relu2_2"]
    expected = statistics.relative_error(gram_matrix(seen), gram_matrix(features["relu2_2"]))
    assert results[12].gram_error == pytest.approx(expected.item(), rel=1e-5)


def test_noise_is_the_same_for_a_seed_and_faint() -> None:
    assert torch.equal(noise(16, 3), noise(16, 3))
    assert not torch.equal(noise(16, 3), noise(16, 4))
    assert noise(16, 3).min() >= 0.4
    assert noise(16, 3).max() <= 0.6


def test_likeness_of_a_picture_with_itself_and_its_negative() -> None:
    picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert syntheses.likeness(picture, picture) == pytest.approx((1, 1))
    assert syntheses.likeness(1 - picture, picture) == pytest.approx((-1, -1))
    gray = picture.mean(dim=1, keepdim=True).expand(1, 3, 8, 8)
    assert syntheses.likeness(gray, gray)[0] == pytest.approx(1)
    assert abs(syntheses.likeness(gray, picture)[1]) < 1e-3
