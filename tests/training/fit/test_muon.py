"""The optimizer by values: directions of a kernel's step, and Adam's own steps for the rest."""

import copy

import pytest
import torch
from torch import Tensor, nn

from fststyle.training.fit.muon import Muon, orthogonalized


@pytest.mark.parametrize("shape", [(48, 432), (48, 48), (90, 12)])
def test_all_directions_become_equally_long(shape: tuple[int, int]) -> None:
    u, _, v = torch.linalg.svd(torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)), full_matrices=False)
    sizes = torch.linspace(1, 0.02, min(shape))
    result = orthogonalized(7e-5 * u @ torch.diag(sizes) @ v)
    along = torch.diagonal(u.mT @ result @ v.mT, dim1=1, dim2=2)
    assert 0.5 < along.min() < along.max() < 1.3
    across = result - u @ torch.diag_embed(along) @ v
    assert across.abs().max() < 1e-3


def test_nothing_to_learn_is_no_step() -> None:
    assert not orthogonalized(torch.zeros(2, 3, 4)).any()


def losses(net: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
    x = torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    values = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - x.flip(3)).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        values.append(loss.item())
    return values


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.InstanceNorm2d(8, affine=True), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1)
    )


def test_all_but_kernels_take_adams_steps_at_twice_the_rate() -> None:
    ours, theirs = nn.ParameterList([torch.linspace(-1, 1, 5)]), nn.ParameterList([torch.linspace(-1, 1, 5)])
    optimizers = Muon(ours.parameters(), 0.01), torch.optim.Adam(theirs.parameters(), 0.02)
    for power in (2, 4, 3):
        for parameters, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            (parameters[0] ** power).sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=0)


def test_the_rate_of_others_can_be_chosen() -> None:
    values = nn.Parameter(torch.ones(3))
    values.grad = torch.ones(3)
    Muon([values], 0.01, others_rate=20).step()  # Adam's first step is as long as its rate
    torch.testing.assert_close(values.detach(), torch.full((3,), 0.8))


def test_a_step_has_the_size_of_adams() -> None:
    kernel = nn.Parameter(torch.zeros(16, 8, 3, 3))
    kernel.grad = 1e-6 * torch.randn(kernel.shape, generator=torch.Generator().manual_seed(0))
    Muon([kernel], 0.01).step()
    assert float(kernel.detach().square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.2)


def test_a_second_step_by_hand_of_two_alike_and_a_tall_one() -> None:
    random = torch.Generator().manual_seed(0)
    kernels = [nn.Parameter(torch.zeros(shape)) for shape in ((8, 4, 3, 3), (8, 36, 1, 1), (64, 4, 1, 1))]
    first, second = ([torch.randn(kernel.shape, generator=random) for kernel in kernels] for _ in range(2))
    optimizer = Muon(kernels, 0.01)
    for gradients in (first, second):
        before = [kernel.detach().clone() for kernel in kernels]
        for kernel, gradient in zip(kernels, gradients, strict=True):
            kernel.grad = gradient.clone()
        optimizer.step()
    for kernel, start, one, two in zip(kernels, before, first, second, strict=True):
        ahead = (two + 0.9 * (0.9 * one + two)).flatten(1)  # Nesterov's momentum
        step = 0.01 * 0.2 * max(ahead.shape) ** 0.5 * orthogonalized(ahead[None])[0]
        torch.testing.assert_close(kernel.detach(), start - step.view(kernel.shape), rtol=1e-4, atol=1e-6)


def test_it_goes_on_from_its_state_as_if_never_stopped() -> None:
    unbroken = small_net()
    optimizer = Muon(unbroken.parameters(), 0.01)
    losses(unbroken, optimizer, 3)
    resumed, again = copy.deepcopy(unbroken), copy.deepcopy(optimizer.state_dict())
    other = Muon(resumed.parameters(), 0.01)
    other.load_state_dict(again)
    assert losses(unbroken, optimizer, 3) == losses(resumed, other, 3)


def test_parameters_without_gradients_stay() -> None:
    frozen: Tensor = nn.Parameter(torch.ones(2, 2, 1, 1))
    Muon([frozen], 1.0).step()
    assert bool((frozen == 1).all())
