"""Shuffling positions: of activations it leaves the style matrix unchanged, of pixels it does not."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.losses import gram_matrix
from fststyle.training.explain.statistics import relative_error

# Whole numbers up to 2^53 and their sums are exact in double precision, whatever the order of summation.
_MANTISSA_BITS = 53


@dataclass(frozen=True)
class Shuffled:
    """Activations of a picture, and the same at shuffled positions.

    Attributes:
        bits: Activations were rounded to 2^bits steps of the largest, so that every sum is exact.
        rounding: Relative squared error that the rounding itself brought into the Gram matrix.
        unequal: How many of the C² entries of the two matrices are not equal, bit for bit.
        gram: Relative squared distance of the two matrices.
        raw: Relative squared distance of the activations.
    """

    bits: int
    rounding: float
    unequal: int
    gram: float
    raw: float


def to_whole_numbers(features: Tensor) -> tuple[Tensor, int]:
    """Activations as whole numbers in float64 whose Gram matrix is exact, and with how many bits.

    Each of the H·W products needs twice the bits, their sum log2(H·W) more; together they must fit a double's mantissa.
    """
    positions = features.shape[2] * features.shape[3]
    bits = (_MANTISSA_BITS - int(np.ceil(np.log2(positions)))) // 2
    peak = features.abs().max().double().clamp_min(torch.finfo(torch.float64).tiny)
    return (features.double() * (2**bits / peak)).round(), bits


def shuffle_positions(features: Tensor, generator: torch.Generator) -> Shuffled:
    """Move every position's column of channels (1, C, H, W) somewhere else and compare."""
    whole, bits = to_whole_numbers(features)
    order = torch.randperm(features.shape[2] * features.shape[3], generator=generator)
    moved = whole.flatten(2)[:, :, order].view_as(whole)
    before, after = (gram_matrix(x, normalize=False) for x in (whole, moved))
    scale = (features.abs().max().double() / 2**bits) ** 2
    return Shuffled(
        bits=bits,
        rounding=float(relative_error(before * scale, gram_matrix(features.double(), normalize=False))),
        unequal=int((before != after).sum()),
        gram=float(relative_error(after, before)),
        raw=float(relative_error(moved, whole)),
    )


def block_sizes(side: int) -> list[int]:
    """Powers of two that divide the side, and the side itself."""
    powers = [2**k for k in range(side.bit_length()) if side % 2**k == 0 and 2**k < side]
    return [*powers, side]


def shuffle_blocks(image: Tensor, block: int, generator: torch.Generator) -> Tensor:
    """Cut (1, 3, S, S) into squares of `block` pixels and lay them anew, each pixel used once."""
    count = image.shape[-1] // block
    tiles = nn.functional.unfold(image, block, stride=block)  # (1, 3·block², count²)
    order = torch.randperm(count * count, generator=generator)
    return nn.functional.fold(tiles[:, :, order], image.shape[-2:], block, stride=block)


@torch.no_grad()
def block_curves(
    network: LossNetwork, image: Tensor, layers: tuple[str, ...], generator: torch.Generator, *, repeats: int
) -> dict[str, NDArray[np.float64]]:
    """Relative Gram error of a picture (1, 3, S, S) shuffled in blocks, {layer: one value a block size}."""
    target = {layer: gram_matrix(x) for layer, x in network(image, layers).items()}
    sizes = block_sizes(image.shape[-1])
    curves = {layer: np.zeros(len(sizes)) for layer in target}
    for place, block in enumerate(sizes):
        for _ in range(repeats):
            shuffled = network(shuffle_blocks(image, block, generator), layers)
            for layer, x in shuffled.items():
                curves[layer][place] += float(relative_error(gram_matrix(x), target[layer])) / repeats
    return curves


def falls_below(sizes: list[int], errors: NDArray[np.float64], level: float) -> float:
    """The block size from which on the error stays below a level, interpolated between sizes in logarithms of both.

    The last size is the whole picture, whose error is 0.
    """
    above = np.flatnonzero(errors > level)
    if not len(above):
        return float(sizes[0])
    last = int(above[-1])
    lower, upper = (np.log(max(float(errors[k]), level / 1e3)) for k in (last + 1, last))
    share = (upper - np.log(level)) / (upper - lower)
    return float(sizes[last] * (sizes[last + 1] / sizes[last]) ** share)


def receptive_field(network: LossNetwork, layer: str) -> int:
    """Side of the square of pixels that one activation can see."""
    seen, stride = 1, 1
    for module in network.features[: network.index_of[layer] + 1]:
        if isinstance(module, nn.Conv2d):
            seen += 2 * stride
        elif isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
            seen, stride = seen + stride, stride * 2
    return seen
