"""Networks and loss networks on a GPU: what they compute on the CPU, forward and backward."""

import copy

import pytest
import torch
from torch import Tensor, nn

from fststyle import samples
from fststyle.training.cost.loss_network import Architecture
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.fit.muon import Muon
from fststyle.training.networks.strength import StrengthNet
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net

pytestmark = pytest.mark.gpu

NETWORKS: tuple[NetworkName, ...] = ("fast", "johnson", "tiny", "johnson2016")
JUDGES: tuple[Architecture, ...] = ("medium", "slim", "vgg19")


def photos(side: int, count: int = 2) -> Tensor:
    squares = ValidationPhotos(samples.photos()[:count], side)
    return torch.stack([squares[number] for number in range(count)]).float().div(255)


def gradients(net: nn.Module) -> Tensor:
    found = [parameter.grad.flatten().cpu() for parameter in net.parameters() if parameter.grad is not None]
    assert found
    return torch.cat(found).float()


def painted(net: nn.Module, content: Tensor) -> Tensor:
    """The pictures; gradients of their mean square are left in the network."""
    net.zero_grad()
    pictures: Tensor = net(content)
    pictures.float().square().mean().backward()  # type: ignore[no-untyped-call]
    return pictures.detach().float().cpu()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [96, 200])
def test_a_network_paints_and_learns_as_on_the_cpu(device: torch.device, name: NetworkName, side: int) -> None:
    net, content = build_transformer_net(name, 0.5), photos(side)
    there = copy.deepcopy(net).to(device)
    here = painted(net, content)
    torch.testing.assert_close(painted(there, content.to(device)), here, rtol=0, atol=2e-4)
    assert torch.cosine_similarity(gradients(there), gradients(net), dim=0) > 0.999


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_last_change_nothing(device: torch.device, name: NetworkName) -> None:
    net, content = build_transformer_net(name, 0.5).to(device), photos(96).to(device)
    last = copy.deepcopy(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    expected = painted(net, content)
    found = painted(last, content.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-4)
    assert torch.cosine_similarity(gradients(last), gradients(net), dim=0) > 0.999


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_is_near(device: torch.device, name: NetworkName) -> None:
    net, content = build_transformer_net(name, 0.5).to(device), photos(96).to(device)
    rounded = copy.deepcopy(net)
    expected = painted(net, content)
    with torch.autocast(device.type, torch.bfloat16):
        pictures = rounded(content)
    assert pictures.dtype == torch.float32 or name == "johnson2016"
    assert (pictures.float().cpu() - expected).abs().mean() < 0.02


def test_the_strength_is_heeded(device: torch.device) -> None:
    net = StrengthNet(build_transformer_net("fast", 0.5))
    content, strengths = photos(96), torch.tensor([0.0, 0.6])
    expected = net(content, strengths)
    found = net.to(device)(content.to(device), strengths.to(device))
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=2e-4)
    torch.testing.assert_close(found[0].cpu(), content[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", JUDGES)
def test_a_loss_network_judges_as_on_the_cpu(device: torch.device, name: Architecture) -> None:
    content, painting = photos(96), photos(128, 3)[2:]
    totals, slopes = [], []
    for place in (torch.device("cpu"), device):
        objective = PerceptualObjective(Cost(loss_network=name), painting, photos=[content[:1]]).to(place)
        pictures = content.flip(0).to(place).requires_grad_()
        features = objective.content_features(content.to(place))
        terms = objective.terms(pictures, features)
        terms.total.backward()  # type: ignore[no-untyped-call]
        totals.append(torch.stack([value.detach().cpu() for value in terms.named().values()]))
        assert pictures.grad is not None
        slopes.append(pictures.grad.flatten().cpu())
    torch.testing.assert_close(totals[1], totals[0], rtol=1e-3, atol=1e-5)
    assert torch.cosine_similarity(*slopes, dim=0) > 0.999


@pytest.mark.parametrize("name", JUDGES)
def test_a_loss_network_judges_in_bfloat16_nearly_alike(device: torch.device, name: Architecture) -> None:
    content, painting = photos(96).to(device), photos(128, 3)[2:]
    objective = PerceptualObjective(Cost(loss_network=name), painting, photos=[painting]).to(device)
    totals = []
    for enabled in (False, True):
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            features = objective.content_features(content)
            totals.append(objective.terms(content.flip(0), features).total.cpu())
    torch.testing.assert_close(totals[1], totals[0], rtol=0.03, atol=0)


def test_muon_steps_as_on_the_cpu(device: torch.device) -> None:
    net = build_transformer_net("fast", 0.5)
    there = copy.deepcopy(net).to(device)
    for each, place in ((net, torch.device("cpu")), (there, device)):
        optimizer = Muon(each.parameters(), lr=1e-2)
        for _ in range(3):
            for number, parameter in enumerate(each.parameters()):
                generator = torch.Generator().manual_seed(number)
                parameter.grad = torch.randn(parameter.shape, generator=generator).to(place)
            optimizer.step()
    for one, other in zip(net.parameters(), there.parameters(), strict=True):
        torch.testing.assert_close(other.cpu(), one, rtol=0, atol=2e-3)
