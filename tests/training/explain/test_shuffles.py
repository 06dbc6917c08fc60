"""Shuffled activations have the same style matrix, exactly; shuffled pictures keep their pixels."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.explain import shuffles


@pytest.fixture(scope="module")
def network(vgg19_file: Path) -> LossNetwork:
    return LossNetwork.load("vgg19", ["relu1_2", "relu2_2"], weights=vgg19_file)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_no_entry_changes_when_positions_are_shuffled(network: LossNetwork, scale: float) -> None:
    features = network(torch.rand(1, 3, 64, 48, generator=generator()))
    for x in features.values():
        shuffled = shuffles.shuffle_positions(scale * x, generator())
        assert (shuffled.unequal, shuffled.gram) == (0, 0.0)
        assert shuffled.raw > 0.1
        assert shuffled.rounding < 1e-8


def test_the_sums_of_whole_numbers_are_exact() -> None:
    features = torch.rand(1, 3, 40, 50, generator=generator())
    whole, bits = shuffles.to_whole_numbers(features)
    integers = [[int(value) for value in channel.flatten()] for channel in whole[0]]
    assert max(max(channel) for channel in integers) == 2**bits
    exact = [[sum(a * b for a, b in zip(one, other, strict=True)) for other in integers] for one in integers]
    assert max(map(max, exact)) < 2**53
    gram = shuffles.gram_matrix(whole, normalize=False)[0]
    assert [[int(value) for value in row] for row in gram] == exact


def test_blocks_move_and_nothing_else() -> None:
    image = torch.arange(3 * 64, dtype=torch.float32).view(1, 3, 8, 8)
    moved = shuffles.shuffle_blocks(image, 4, generator())
    before, after = (x[0].unfold(1, 4, 4).unfold(2, 4, 4).permute(1, 2, 0, 3, 4).reshape(4, -1) for x in (image, moved))
    assert sorted(map(tuple, before.tolist())) == sorted(map(tuple, after.tolist()))
    assert torch.equal(shuffles.shuffle_blocks(image, 8, generator()), image)
    pixels = shuffles.shuffle_blocks(image, 1, generator())
    assert not torch.equal(pixels, image)
    assert torch.equal(pixels.flatten().sort().values, image.flatten())


def test_the_whole_picture_has_no_error(network: LossNetwork) -> None:
    image = torch.rand(1, 3, 32, 32, generator=generator())
    curves = shuffles.block_curves(network, image, ("relu1_2", "relu2_2"), generator(), repeats=1)
    assert shuffles.block_sizes(32) == [1, 2, 4, 8, 16, 32]
    for errors in curves.values():
        assert errors[-1] == 0
        assert (errors[:-1] > 0).all()


def test_sizes_of_blocks_fill_the_side() -> None:
    assert shuffles.block_sizes(96) == [1, 2, 4, 8, 16, 32, 96]


def test_where_a_curve_falls_below_a_level() -> None:
    sizes = [1, 2, 4, 8]
    assert shuffles.falls_below(sizes, np.array([8.0, 4.0, 1.0, 0.0]), 2.0) == pytest.approx(2 * 2**0.5)
    assert shuffles.falls_below(sizes, np.array([1.0, 4.0, 1.0, 0.0]), 2.0) == pytest.approx(2 * 2**0.5)
    assert shuffles.falls_below(sizes, np.array([1.0, 1.0, 1.0, 0.0]), 2.0) == 1


@pytest.mark.parametrize("layer", ["relu1_2", "relu2_2"])
def test_an_activation_depends_on_its_receptive_field_only(network: LossNetwork, layer: str) -> None:
    image = torch.rand(1, 3, 48, 48, generator=generator()).requires_grad_()
    features = network(image, (layer,))[layer]
    middle = features.shape[2] // 2
    features[0, :, middle, middle].sum().backward()
    assert image.grad is not None
    touched = image.grad[0].abs().sum(0).nonzero()
    reach = touched.amax(0) - touched.amin(0) + 1
    assert reach.max() <= shuffles.receptive_field(network, layer)
    # Max pooling lets one of four through, so that the outermost pixel need not count.
    assert reach.min() >= shuffles.receptive_field(network, layer) - 2
