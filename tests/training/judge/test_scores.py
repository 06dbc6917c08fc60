"""Grid and border by pictures whose scores are known."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.judge.scores import border_style, grid_score, rim_contrast
from fststyle.training.tensors import unit_range

Pixels = NDArray[np.uint8]


def noise(height: int, width: int, deviation: float = 20.0) -> Pixels:
    values = np.random.default_rng(1).normal(128, deviation, (height, width, 1)).repeat(3, axis=2)
    return np.clip(values, 0, 255).astype(np.uint8)


def test_white_noise_has_no_grid() -> None:
    assert 0.9 < grid_score(noise(256, 256)) < 1.4


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_ripple_along_either_axis_is_a_grid(period: int, axis: int) -> None:
    """A ripple of amplitude a in noise of deviation s stands out by about 1 + N a² / 4 s², at period 2 by twice that
    and more; N is the side."""
    place = np.indices((256, 256))[axis]
    ripple = 8 * np.cos(2 * np.pi * place / period)
    rippled = np.clip(noise(256, 256) + ripple[..., None], 0, 255).astype(np.uint8)
    expected = 1 + 256 * 8**2 / (4 * 20**2) * (4 if period == 2 else 1)
    assert grid_score(rippled) == pytest.approx(expected, rel=0.25)


def test_a_ripple_of_another_period_is_none() -> None:
    ripple = 8 * np.cos(2 * np.pi * np.arange(256) / 10)
    assert grid_score(np.clip(noise(256, 256) + ripple[None, :, None], 0, 255).astype(np.uint8)) < 1.4


def test_a_picture_of_one_color_has_no_grid_and_no_dull_rim() -> None:
    gray = np.full((64, 64, 3), 90, np.uint8)
    assert grid_score(gray) == 0
    assert rim_contrast(gray) == 1


def test_a_picture_too_small_for_a_grid() -> None:
    with pytest.raises(ValueError, match="48 pixels"):
        grid_score(noise(40, 300))


def test_rim_contrast_is_a_ratio_of_deviations() -> None:
    picture = np.full((64, 80, 3), 100, np.uint8)
    picture[::2] = 140  # deviation 20 everywhere
    assert rim_contrast(picture) == pytest.approx(1)
    dull = (picture.astype(int) + 120).astype(np.int64) // 2  # half the deviation
    picture_with_dull_rim = dull.astype(np.uint8)
    picture_with_dull_rim[8:-8, 8:-8] = picture[8:-8, 8:-8]
    assert rim_contrast(picture_with_dull_rim) == pytest.approx(0.5)


@pytest.fixture(scope="module")
def objective(vgg19_file: Path) -> PerceptualObjective:
    network = LossNetwork.load("vgg19", ["relu1_2", "relu2_2"], weights=vgg19_file)
    cost = Cost(content_layers=(), style_layers=("relu1_2", "relu2_2"))
    return PerceptualObjective(cost, torch.rand(1, 3, 64, 64), loss_network=network)


def test_border_against_sums_over_positions(objective: PerceptualObjective) -> None:
    """An independent way: weigh positions by masks written out by hand. 80 pixels: 4 deep at full size, 2 at half."""
    picture = noise(80, 80)
    padded = np.pad(picture, ((64, 64), (64, 64), (0, 0)), mode="reflect")
    features = objective.loss_network(unit_range(padded))
    expected = []
    for layer, stride, deep in (("relu1_2", 1, 4), ("relu2_2", 2, 2)):
        side, skip = 80 // stride, 64 // stride
        y, x = np.indices((side, side))
        frame = np.minimum.reduce([y, x, side - 1 - y, side - 1 - x]) < deep
        cross = (np.abs(y - side / 2 + 0.5) < deep) | (np.abs(x - side / 2 + 0.5) < deep)
        assert frame.sum() == cross.sum()
        inner = features[layer][0, :, skip : skip + side, skip : skip + side].numpy().astype(float)
        pair = []
        for mask in (frame & ~cross, cross & ~frame):
            gram = np.einsum("chw,dhw,hw->cd", inner, inner, mask) / (len(inner) * mask.sum())
            target = objective.style_grams[layer][0].numpy()
            pair.append(((gram - target) ** 2).sum() / (target**2).sum())
        expected.append(pair)
    assert border_style(picture, objective) == pytest.approx(np.mean(expected, axis=0), rel=1e-4)


def test_a_frame_that_is_not_painted_costs_more(objective: PerceptualObjective) -> None:
    picture = noise(96, 96, 60)
    objective = PerceptualObjective(objective.cost, unit_range(picture), loss_network=objective.loss_network)
    whole, _ = border_style(picture, objective)
    dull = np.full_like(picture, 128)
    dull[6:-6, 6:-6] = picture[6:-6, 6:-6]
    frame, middle = border_style(dull, objective)
    assert frame > 5 * max(whole, middle)


def test_without_style_layers_there_is_no_border_score(objective: PerceptualObjective) -> None:
    cost = dataclasses.replace(objective.cost, content_layers=("relu1_2",), style_layers=())
    assert border_style(noise(64, 64), PerceptualObjective(cost, loss_network=objective.loss_network)) == (0, 0)
