"""Motion in torch equals motion in numpy; what the steadiness term charges, and what it lets pass."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.cli import main
from fststyle.training.cost import motion
from fststyle.training.cost.temporal import Moved, inside, luminance, moved, temporal_loss, warp


def shift(x: float, y: float, height: int = 33, width: int = 47) -> Tensor:
    return torch.tensor([float(x), float(y)]).expand(1, height, width, 2)


@pytest.fixture
def photos() -> Tensor:
    """Smooth, without values near the ends of the range, (3, 3, 64, 80)."""
    small = torch.rand(3, 3, 6, 8, generator=torch.Generator().manual_seed(1))
    return 0.2 + 0.6 * torch.nn.functional.interpolate(small, size=(64, 80), mode="bilinear")


def test_moves_as_numpy_does() -> None:
    picture = np.random.default_rng(0).random((33, 47, 3), np.float32)
    flow = motion.random_flow(33, 47, np.random.default_rng(1))
    flow = np.rint(flow * 32) / 32  # no finer than OpenCV can
    expected = motion.warp(picture, flow)
    got = warp(torch.from_numpy(picture).permute(2, 0, 1)[None], torch.from_numpy(flow)[None])
    np.testing.assert_allclose(got[0].permute(1, 2, 0).numpy(), expected, atol=2e-4)
    np.testing.assert_array_equal(inside(torch.from_numpy(flow)[None])[0, 0].numpy() == 1, motion.inside(flow))


def test_whole_pixels_are_moved_exactly_and_beyond_the_border_is_not_visible(photos: Tensor) -> None:
    flow = shift(3, -2, 64, 80)
    torch.testing.assert_close(warp(photos[:1], flow)[..., 2:, :77], photos[:1, :, :-2, 3:])
    visible = inside(flow)
    assert visible[..., 2:, :77].all()
    assert visible.sum() == 62 * 77


def test_what_is_drawn_depends_on_the_position_alone(photos: Tensor) -> None:
    together = moved(photos, [4, 7, 9], lighting=0.1)
    for number, position in enumerate((4, 7, 9)):
        alone = moved(photos[number : number + 1], [position], lighting=0.1)
        for both, one in zip(together, alone, strict=True):
            torch.testing.assert_close(both[number], one[0])
    assert not torch.equal(together.flow[0], together.flow[1])


def test_of_a_network_that_changes_nothing_the_noise_remains(photos: Tensor) -> None:
    for lighting in (0.0, 0.05):
        later = moved(photos, [0, 1, 2], lighting=lighting)
        loss = temporal_loss(photos, later.content, later)
        # Light that is added to all channels alike is luminance, and a network that shows it is not charged.
        torch.testing.assert_close(loss, torch.full((3,), motion.NOISE**2), rtol=0.1, atol=0)
        assert (later.brighter.abs().amax() > 0.01) == (lighting > 0)


def test_a_network_that_paints_by_place_pays_for_what_it_paints(photos: Tensor) -> None:
    """A pattern of ±0.1 that stays where it is against itself moved by half of its period: ±0.2, squared."""
    stripes = torch.where(torch.arange(80) // 4 % 2 == 0, 0.1, -0.1)
    flow = shift(4, 0, 64, 80).repeat(3, 1, 1, 1)
    visible = inside(flow)
    later = Moved(warp(photos, flow), flow, visible, torch.zeros_like(visible))
    loss = temporal_loss(photos / 2 + stripes, later.content / 2 + stripes, later)
    torch.testing.assert_close(loss, torch.full((3,), 0.04))
    assert temporal_loss(photos / 2, later.content / 2, later).max() < 1e-12


def test_a_painting_that_ignores_the_light_is_charged_for_it(photos: Tensor) -> None:
    later = moved(photos, [0, 1, 2], lighting=0.05)
    gray = torch.full_like(photos, 0.5)
    expected = (later.brighter.square() * later.visible).sum((1, 2, 3)) / later.visible.sum((1, 2, 3))
    torch.testing.assert_close(temporal_loss(gray, gray, later), expected)
    assert expected.max() > 1e-4


def test_luminance_of_white_and_green() -> None:
    colors = torch.tensor([[1.0, 1, 1], [0, 1, 0]])[..., None, None]
    torch.testing.assert_close(luminance(colors).flatten(), torch.tensor([1.0, 0.7152]))


def test_half_precision_is_judged_in_float32(photos: Tensor) -> None:
    later = moved(photos, [0, 1, 2])
    painted = photos.bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = temporal_loss(painted, later.content.bfloat16(), later)
    assert loss.dtype == torch.float32
    loss.sum().backward()
    assert painted.grad is not None
    assert painted.grad.isfinite().all()
    assert painted.grad.abs().sum() > 0


@pytest.mark.slow
def test_training_with_it_makes_a_steadier_network(train_arguments: list[str], tmp_path: Path) -> None:
    flickers = []
    for weight in ("1e-9", "10"):
        out = tmp_path / weight
        steps = ["--trainer.max_steps", "40", "--model.cost.temporal_weight", weight]
        steps += ["--model.cost.normalize_channels", "true"]
        assert main([*train_arguments, *steps, "--out", str(out)]) == 0
        trained = read_checkpoint(out / "last.ckpt")
        assert trained.recipe["temporal_weight"] == float(weight)
        flickers.append(trained.costs["temporal_loss"])
    assert 0 < flickers[1] < 0.7 * flickers[0]
