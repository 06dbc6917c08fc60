"""Shapes, types and operations of networks and loss networks, without values and on no device: a GPU's are the same."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fststyle.training.cost.loss_network import Architecture, LossNetwork
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net

NETWORKS: tuple[NetworkName, ...] = ("fast", "johnson", "tiny", "johnson2016")


@pytest.mark.parametrize("architecture", ["vgg16", "vgg19", "slim", "medium"])
def test_shapes_and_types_without_values(architecture: Architecture) -> None:
    """On no device at all: whatever a card computes has these shapes."""
    with torch.device("meta"):
        network = LossNetwork(architecture, ("relu1_2", "relu4_1"))
        seen = network(torch.empty(2, 3, 64, 96))
    for layer, scale in (("relu1_2", 1), ("relu4_1", 8)):
        batch, channels, height, width = seen[layer].shape
        assert (batch, height, width) == (2, 64 // scale, 96 // scale)
        assert channels >= 24


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_have_the_shape_of_photos_without_values(name: NetworkName) -> None:
    with torch.device("meta"):
        net, content = build_transformer_net(name), torch.empty(2, 3, 250, 301)
        assert net(content).shape == content.shape


@pytest.mark.parametrize(("architecture", "deepest", "giga"), [("vgg19", "relu4_1", 15.8), ("vgg16", "relu2_2", 6.2)])
def test_the_operations_that_a_share_of_the_peak_is_computed_from(
    architecture: Architecture, deepest: str, giga: float
) -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        LossNetwork(architecture, (deepest,))(torch.empty(1, 3, 256, 256))
    assert counter.get_total_flops() / 2e9 == pytest.approx(giga, rel=0.02)  # a multiplication and an addition are two
