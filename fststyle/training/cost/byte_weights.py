"""Convolutions rounded to 8 bits, one scale per output channel.

A weight w of output channel c is kept as an int8 q with w ≈ q · scale[c]. Biases stay float32. The file is a quarter of
float32's size and is read back into float32, so that nothing else has to know.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".weight_scale"

_LEVELS = 127

# How far below the largest weight the scale may clip, in steps of 1 %: clipping one outlier can round the rest better.
_CLIPPING = torch.linspace(0.7, 1.0, 31)


def to_bytes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Round every `NAME.weight` of shape (out, in, kh, kw) to int8 and add `NAME.weight_scale`, (out,), float32.

    The scale is the one of 31 candidates with the least squared rounding error of its channel.
    """
    rounded: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not name.endswith(".weight"):
            rounded[name] = tensor.float().contiguous()
            continue
        rows = tensor.double().flatten(1)
        largest = rows.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        best, least = torch.ones_like(largest), torch.full_like(largest, torch.inf)
        for share in _CLIPPING.double():
            scale = share * largest / _LEVELS
            error = (_levels(rows, scale) * scale - rows).square().sum(dim=1, keepdim=True)
            best = torch.where(error < least, scale, best)
            least = torch.minimum(error, least)
        best = best.float().double()
        rounded[name] = _levels(rows, best).to(torch.int8).view_as(tensor).contiguous()
        rounded[name.removesuffix(".weight") + SCALE] = best.float().flatten()
    return rounded


def from_bytes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict that `to_bytes` was given, within its rounding, in float32."""
    read = {name: tensor for name, tensor in state.items() if not name.endswith(SCALE)}
    for name, scale in state.items():
        if name.endswith(SCALE):
            weight = name.removesuffix(SCALE) + ".weight"
            read[weight] = read[weight].float() * scale.view(-1, 1, 1, 1)
    return read


def _levels(rows: Tensor, scale: Tensor) -> Tensor:
    return (rows / scale).round().clamp(-_LEVELS, _LEVELS)
