"""The costs of style transfer as pure functions of activations and pictures.

Each cost has two forms. The *literal* one is the usual definition: sums of squares, and the squared Frobenius norm of
the difference of two style matrices. Its size depends on the loss network, the layer and the picture, so published
weights range from 5 to 1e10. The *relative* one is divided by the target's own energy. It is 0 for a perfect match and
near 1 for a picture that has nothing of the target, for every network, layer and size.

Layers and weights are in `objective.py`.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

# A quarter of a gray level, squared: less detail than that is none.
_LEAST_DETAIL = 1e-6


def gram_matrix(features: Tensor, *, normalize: bool = True) -> Tensor:
    """The style matrix: products of every pair of channels, summed over positions (Gatys 2015, eq. 3).

    Args:
        features: Activations, (B, C, H, W). Computed in float32: half precision overflows at 65 504, which a sum over
            positions reaches at once.
        normalize: Divide by C·H·W (Johnson 2016, eq. 3), which makes matrices of pictures of different size comparable.
            False gives the plain sum F·Fᵀ.

    Returns:
        Symmetric positive semi-definite matrices, (B, C, C), float32 (float64 stays float64).
    """
    _, channels, height, width = features.shape
    with torch.autocast(features.device.type, enabled=False):
        gram: Tensor = _Products.apply(features)
    return gram / (channels * height * width) if normalize else gram


class _Products(torch.autograd.Function):
    """F·Fᵀ with its gradient as one product, in the activations' own precision.

    Autograd sees two factors, multiplies the gradient with each and adds both, in float32; they are the same. In
    bfloat16 that was a fifth of a training step.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        flat = _by_position(features)
        if features.dtype in (torch.float16, torch.bfloat16):
            flat = flat.float()
        return flat.mT @ flat

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        features: Tensor = ctx.saved_tensors[0]
        if features.dtype == torch.float16:  # whose least number is above most of these gradients
            features = features.float()
        both = (gradient + gradient.mT).to(features.dtype)
        batch, channels, height, width = features.shape
        if features.is_contiguous(memory_format=torch.channels_last):
            product = (_by_position(features) @ both).view(batch, height, width, channels).permute(0, 3, 1, 2)
        else:
            product = (both @ features.flatten(2)).view_as(features)
        return product


def _by_position(features: Tensor) -> Tensor:
    """(B, C, H, W) as (B, H·W, C), as it lies in memory."""
    if features.is_contiguous(memory_format=torch.channels_last):
        return features.permute(0, 2, 3, 1).flatten(1, 2)
    return features.flatten(2).mT


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Sum of squared differences of activations (Gatys 2015, twice eq. 1), per picture: (B, C, H, W) twice -> (B,)."""
    return _sum_of_squares(features.float() - target.float())


def relative_content_loss(features: Tensor, target: Tensor) -> Tensor:
    """`content_loss` as a fraction of the target's own energy ‖target‖², per picture: (B,).

    Over a constant picture the energy comes from the biases alone and is still positive; an all-zero target gives a
    large finite number instead of a division by zero.
    """
    energy = _sum_of_squares(target.float())
    return content_loss(features, target) / energy.clamp_min(torch.finfo(torch.float32).tiny)


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius norm of the difference of two style matrices, (B, C, C) and (1 or B, C, C) -> (B,)."""
    return _sum_of_squares(gram - target)


def relative_style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """`style_loss` as a fraction of ‖target‖²_F, per picture: (B,)."""
    energy = _sum_of_squares(target)
    return style_loss(gram, target) / energy.clamp_min(torch.finfo(energy.dtype).tiny)


def total_variation_loss(images: Tensor) -> Tensor:
    """Sum of squared differences of neighboring pixels, down and right, per picture: (B, C, H, W) -> (B,).

    The paper speaks of a total variation regularizer (section 3.2) and cites the isotropic one with exponent; the
    field's code, Johnson's included, uses these squared differences.
    """
    down, right = _neighbor_differences(images)
    return _sum_of_squares(down) + _sum_of_squares(right)


def mean_total_variation_loss(images: Tensor) -> Tensor:
    """Mean squared difference of vertical neighbors plus that of horizontal ones, per picture: (B,)."""
    down, right = _neighbor_differences(images)
    return down.square().mean(dim=(1, 2, 3)) + right.square().mean(dim=(1, 2, 3))


def grid_loss(images: Tensor, period: int = 8) -> Tensor:
    """How much of the fine detail is a ripple that is locked to a grid, per picture: (B, C, H, W) -> (B,).

    Networks that work at a fraction of the sides paint such ripples. Bilinear upsampling gives higher variance on
    coarse pixels than between them; ReLU turns that variance into a mean, which shows as a grid. The style cost hardly
    sees it, but people do.

    Fine detail is what a 3×3 binomial filter removes, so smooth shading does not count. Its mean over all cells of a
    grid keeps only what repeats from cell to cell. The loss is the energy of this mean, divided by that of all fine
    detail.

    Args:
        images: Sides of at least period + 2.
        period: Side of a cell in pixels; ripples whose period divides it are seen.

    Returns:
        1 if all fine detail repeats; if none does, about one over the number of cells. The energy of all detail counts
        as a constant in the gradient, so that adding detail does not lower the loss.
    """
    images = images.float()
    detail = images[:, :, 1:-1, 1:-1] - _binomial(_binomial(images, 2), 3)
    batch, channels, *sides = detail.shape
    down, right = (side // period for side in sides)
    cells = detail[:, :, : down * period, : right * period].reshape(batch, channels, down, period, right, period)
    repeated = cells.mean(dim=(2, 4))
    repeated = repeated - repeated.mean(dim=(2, 3), keepdim=True)
    energy = detail.square().mean(dim=(1, 2, 3)).detach()
    return repeated.square().mean(dim=(1, 2, 3)) / energy.clamp_min(_LEAST_DETAIL)


def _binomial(images: Tensor, dim: int) -> Tensor:
    """(1, 2, 1) / 4 along one side, which loses a pixel at both ends."""
    length = images.shape[dim]
    before, middle, after = (images.narrow(dim, start, length - 2) for start in range(3))
    return (before + 2 * middle + after) / 4


def _neighbor_differences(images: Tensor) -> tuple[Tensor, Tensor]:
    images = images.float()
    return images[:, :, 1:, :] - images[:, :, :-1, :], images[:, :, :, 1:] - images[:, :, :, :-1]


def _sum_of_squares(values: Tensor) -> Tensor:
    # Not flattened, which would copy activations whose channels lie last, and their gradients.
    return values.square().sum(dim=tuple(range(1, values.ndim)))
