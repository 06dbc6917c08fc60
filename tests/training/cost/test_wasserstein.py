"""The distance of distributions: what it is of pictures that are known."""

import pytest
import torch

from fststyle.training.cost.wasserstein import PaintingValues, some_positions

LAYER = "relu2_2"


def activations(side: int, seed: int = 0) -> torch.Tensor:
    return some_positions(torch.rand(1, 6, side, side, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("side", [9, 64])  # fewer positions than levels, and as many as are compared
def test_positions_do_not_matter(side: int) -> None:
    painting = activations(side)
    mixed = painting[:, :, torch.randperm(side * side)]
    itself, other, dark = PaintingValues({LAYER: painting}).distances(
        {LAYER: torch.cat([painting, mixed, 0 * painting])}, 0
    )
    assert itself == 0
    assert other < 1e-12
    assert dark > 1


def test_some_positions_of_many_stand_for_all() -> None:
    many = torch.rand(1, 6, 300, 200, generator=torch.Generator().manual_seed(0))
    some = some_positions(many)
    assert some.shape == (1, 6, 4096, 1)
    torch.testing.assert_close(some, some_positions(many))
    other = PaintingValues({LAYER: some}).distances({LAYER: some_positions(many.flip(3))}, 0)
    assert 0 < other < 0.01


def test_what_style_matrices_do_not_see_is_seen() -> None:
    half = torch.zeros(1, 2, 64, 64)
    half[:, :, ::2] = 1
    even = torch.full_like(half, 0.5**0.5)
    one, other = (x.flatten(2) @ x.flatten(2).mT for x in (half, even))
    torch.testing.assert_close(one, other)
    assert PaintingValues({LAYER: some_positions(half)}).distances({LAYER: some_positions(even)}, 0) > 0.5


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
