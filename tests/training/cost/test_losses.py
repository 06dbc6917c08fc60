"""Costs against closed forms and an independent float64 computation."""

import numpy as np
import pytest
import torch

from fststyle.training.cost import losses


def test_gram_of_ones_counts_positions() -> None:
    gram = losses.gram_matrix(torch.ones(2, 3, 5, 7), normalize=False)
    assert torch.equal(gram, torch.full((2, 3, 3), 35.0))


def test_normalized_gram_of_ones_is_one_over_channels() -> None:
    gram = losses.gram_matrix(torch.ones(1, 4, 5, 7))
    assert torch.allclose(gram, torch.full((1, 4, 4), 0.25))


def test_gram_equals_the_sum_over_positions_in_float64() -> None:
    features = np.random.default_rng(0).normal(size=(2, 6, 9, 4))
    expected = np.zeros((2, 6, 6))
    for b in range(2):
        for i in range(6):
            for j in range(6):
                expected[b, i, j] = sum(features[b, i, y, x] * features[b, j, y, x] for y in range(9) for x in range(4))
    got = losses.gram_matrix(torch.from_numpy(features), normalize=False)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)


def test_gram_does_not_depend_on_the_memory_layout() -> None:
    features = torch.rand(2, 6, 9, 4, dtype=torch.float64, requires_grad=True)
    for normalize in (True, False):
        plain = losses.gram_matrix(features, normalize=normalize)
        last = losses.gram_matrix(features.to(memory_format=torch.channels_last), normalize=normalize)
        torch.testing.assert_close(last, plain, rtol=1e-12, atol=0)
        gradients = [torch.autograd.grad(gram.square().sum(), features)[0] for gram in (plain, last)]
        torch.testing.assert_close(*gradients, rtol=1e-12, atol=0)


def test_gram_does_not_know_where_things_are() -> None:
    features = torch.rand(1, 5, 8, 8, dtype=torch.float64)
    shuffled = features.flatten(2)[:, :, torch.randperm(64)].view(1, 5, 8, 8)
    assert losses.content_loss(shuffled, features).item() > 1
    assert losses.style_loss(losses.gram_matrix(shuffled), losses.gram_matrix(features)).item() < 1e-25


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gram_of_half_precision_does_not_overflow(dtype: torch.dtype) -> None:
    gram = losses.gram_matrix(torch.full((1, 2, 64, 64), 200.0, dtype=dtype), normalize=False)
    assert gram.dtype == torch.float32
    assert gram[0, 0, 0].item() == 200.0**2 * 64 * 64


def test_gram_stays_in_float32_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert losses.gram_matrix(torch.rand(1, 2, 4, 4)).dtype == torch.float32


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_of_a_gram_is_that_of_two_factors(layout: torch.memory_format) -> None:
    features = torch.rand(2, 6, 9, 4, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    uneven = torch.rand(2, 6, 6, dtype=torch.float64)
    flat = features.flatten(2)
    (expected,) = torch.autograd.grad(((flat @ flat.mT) * uneven).sum(), features)
    (got,) = torch.autograd.grad((losses.gram_matrix(features, normalize=False) * uneven).sum(), features)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_half_precision_keeps_small_gradients(dtype: torch.dtype, tolerance: float) -> None:
    features = torch.rand(1, 64, 16, 16).to(dtype)
    gradients = []
    for x in (features.clone(), features.float()):
        x.requires_grad_()
        # The Gram matrix's own gradient is 6e-9 everywhere, which is 0 in float16.
        gradients.append(torch.autograd.grad(losses.gram_matrix(x).sum() * 1e-4, x)[0].float())
    half_of_the_least_step = 3e-8
    torch.testing.assert_close(gradients[0], gradients[1], rtol=tolerance, atol=half_of_the_least_step)
    assert gradients[1].min() > 3 * half_of_the_least_step


def test_style_loss_is_the_squared_frobenius_norm() -> None:
    a, b = torch.rand(3, 4, 4, dtype=torch.float64), torch.rand(1, 4, 4, dtype=torch.float64)
    expected = [np.linalg.norm(a[i].numpy() - b[0].numpy(), "fro") ** 2 for i in range(3)]
    np.testing.assert_allclose(losses.style_loss(a, b).numpy(), expected, rtol=1e-12)


def test_content_loss_is_the_sum_of_squares_per_picture() -> None:
    target = torch.zeros(2, 3, 4, 5)
    features = torch.stack([torch.full((3, 4, 5), 2.0), torch.full((3, 4, 5), 3.0)])
    assert losses.content_loss(features, target).tolist() == [4.0 * 60, 9.0 * 60]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_relative_losses_do_not_know_the_scale_of_the_network(scale: float) -> None:
    features, target = torch.rand(2, 4, 6, 6) * scale, torch.rand(2, 4, 6, 6) * scale
    content = losses.relative_content_loss(features, target)
    style = losses.relative_style_loss(losses.gram_matrix(features), losses.gram_matrix(target))
    unscaled = losses.relative_content_loss(features / scale, target / scale)
    unscaled_style = losses.relative_style_loss(
        losses.gram_matrix(features / scale), losses.gram_matrix(target / scale)
    )
    torch.testing.assert_close(content, unscaled, rtol=1e-4, atol=0)
    torch.testing.assert_close(style, unscaled_style, rtol=1e-3, atol=1e-7)


def test_relative_losses_are_one_for_nothing_and_zero_for_the_target() -> None:
    target = torch.rand(1, 4, 6, 6)
    gram = losses.gram_matrix(target)
    assert losses.relative_content_loss(torch.zeros_like(target), target).item() == pytest.approx(1)
    assert losses.relative_style_loss(torch.zeros_like(gram), gram).item() == pytest.approx(1)
    assert losses.relative_content_loss(target, target).item() == 0
    assert losses.relative_style_loss(gram, gram).item() == 0


def test_relative_losses_survive_an_empty_target() -> None:
    zeros = torch.zeros(1, 2, 3, 3)
    assert torch.isfinite(losses.relative_content_loss(zeros, zeros)).all()
    assert torch.isfinite(losses.relative_style_loss(losses.gram_matrix(zeros), losses.gram_matrix(zeros))).all()


def test_total_variation_of_a_checkerboard() -> None:
    y, x = np.mgrid[:6, :8]
    board = torch.from_numpy(((x + y) % 2).astype(np.float32)).expand(1, 3, 6, 8)
    # Every one of 5·8 vertical and 6·7 horizontal neighbors differs by 1, in three channels.
    assert losses.total_variation_loss(board).item() == 3 * (5 * 8 + 6 * 7)
    assert losses.mean_total_variation_loss(board).item() == pytest.approx(2.0)
    assert losses.total_variation_loss(torch.full((1, 3, 6, 8), 0.3)).item() == 0


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_ripple_is_told_from_texture_and_from_shading(period: int) -> None:
    torch.manual_seed(0)
    texture = torch.rand(2, 3, 130, 98)
    down, right = torch.meshgrid(torch.arange(130.0), torch.arange(98.0), indexing="ij")
    ripple = 0.5 + 0.2 * torch.cos(2 * torch.pi * right / period).expand(2, 3, -1, -1)
    shading = (0.004 * down + 0.003 * right).expand(2, 3, -1, -1)

    assert losses.grid_loss(ripple).min() > 0.9
    assert losses.grid_loss(texture).max() < 2 / (16 * 12)  # one over the number of cells
    assert losses.grid_loss(shading).max() < 1e-4
    torch.testing.assert_close(losses.grid_loss(ripple + shading), losses.grid_loss(ripple), rtol=1e-3, atol=0)


def test_a_ripple_is_what_its_gradient_removes() -> None:
    torch.manual_seed(0)
    texture = torch.rand(1, 3, 66, 66)
    ripple = 0.2 * torch.cos(torch.pi * torch.arange(66.0) / 2).expand(1, 3, 66, 66)
    picture = (texture + ripple).requires_grad_()
    before = losses.grid_loss(picture)
    before.sum().backward()
    assert picture.grad is not None
    step = picture.grad / picture.grad.norm()
    along = (step * ripple).sum() / ripple.norm()
    assert along > 0.7  # the rest is what the texture happens to repeat
    # More of everything is no way out.
    assert (picture.grad * picture.detach()).sum() > 0


def test_a_picture_without_detail_has_no_ripple() -> None:
    picture = torch.full((1, 3, 34, 34), 0.5, requires_grad=True)
    loss = losses.grid_loss(picture)
    loss.sum().backward()
    assert loss.item() == 0
    assert picture.grad is not None
    assert picture.grad.isfinite().all()
