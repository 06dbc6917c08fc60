"""Training a style's own numbers alone."""

import pytest
import torch

from fststyle.graph.style_numbers import same_body, style_numbers
from fststyle.training.export import export_network
from fststyle.training.networks.body import freeze_body
from fststyle.training.networks.strength import StrengthNet
from fststyle.training.networks.transformer_net import build_transformer_net


@pytest.mark.slow
def test_what_learns_is_what_files_exchange() -> None:
    net = build_transformer_net("fast", 0.25)
    with torch.no_grad():  # an exporter writes equal tensors once
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    before = export_network(net.eval())
    freeze_body(net)
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    net(torch.rand(1, 3, 32, 32)).sum().backward()
    with torch.no_grad():
        for parameter in net.parameters():
            assert (parameter.grad is not None) == parameter.requires_grad
            if parameter.requires_grad:
                parameter.add_(0.1)
    after = export_network(net.eval())
    assert same_body(before, after)
    numbers = style_numbers(before), style_numbers(after)
    assert all((numbers[0][name] != numbers[1][name]).any() for name in numbers[0])
    assert len(learning) == len(numbers[0])


def test_a_network_with_a_strength_learns_its_slopes_too() -> None:
    net = StrengthNet(build_transformer_net("fast", 0.25))
    freeze_body(net)
    learning = {name.rpartition(".")[2] for name, each in net.named_parameters() if each.requires_grad}
    assert learning == {"weight", "bias", "gain_slopes", "shift_slopes"}


def test_a_network_without_instance_norms_has_no_such_numbers() -> None:
    with pytest.raises(ValueError, match="leave out --only-norms"):
        freeze_body(build_transformer_net("johnson2016"))
