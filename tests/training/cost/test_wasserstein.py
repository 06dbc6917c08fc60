"""The distance of distributions: what it is of pictures that are known."""

import pytest
import torch

from fststyle.training.cost.wasserstein import PaintingValues

LAYER = "relu2_2"


def activations(side: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 6, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("side", [9, 64, 100])  # fewer positions than levels, as many as are sorted, and more
def test_positions_do_not_matter(side: int) -> None:
    painting = activations(side)
    mixed = painting.flatten(2)[:, :, torch.randperm(side * side)].view_as(painting)
    values = PaintingValues({LAYER: painting})
    itself, other, dark = values.distances({LAYER: torch.cat([painting, mixed, 0 * painting])}, 0)
    assert itself == 0
    assert other < (0.01 if side == 100 else 1e-12)  # of a large one, other positions are taken
    assert dark > 1


def test_what_style_matrices_do_not_see_is_seen() -> None:
    half = torch.zeros(1, 2, 64, 64)
    half[:, :, ::2] = 1
    even = torch.full_like(half, 0.5**0.5)
    one, other = (x.flatten(2) @ x.flatten(2).mT for x in (half, even))
    torch.testing.assert_close(one, other)
    assert PaintingValues({LAYER: half}).distances({LAYER: even}, 0) > 0.5


def test_sides_are_apart_and_each_picture_has_its_own_distance() -> None:
    values = PaintingValues({LAYER: activations(20, 0)})
    values.add_side({LAYER: activations(20, 1) ** 4})
    pictures = {LAYER: torch.cat([activations(20, 0), activations(20, 1) ** 4])}
    upright, turned = values.distances(pictures, 0), values.distances(pictures, 1)
    assert upright[0] == turned[1] == 0
    assert min(upright[1], turned[0]) > 0.1


def test_it_has_a_gradient() -> None:
    picture = activations(80, 1).requires_grad_()
    PaintingValues({LAYER: activations(80) * 0.5}).distances({LAYER: picture}, 0).sum().backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    moved = (picture - 100 * picture.grad).detach()
    values = PaintingValues({LAYER: activations(80) * 0.5})
    assert values.distances({LAYER: moved}, 0) < values.distances({LAYER: picture}, 0).detach()
