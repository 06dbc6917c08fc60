"""The student before and after training: its first filters, and the scaling of its activations to VGG-19's units."""

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.weights import Distilled
from fststyle.training.distill.teacher import Moments

# Added to the diagonal before solving, as a fraction of its mean: channels that never fire would make it singular.
_RIDGE = 1e-5


def blank(network: Distilled, layers: Iterable[str], components: Mapping[str, Tensor]) -> LossNetwork:
    """A student of the right shapes, to be filled from a checkpoint; arguments as for `pruned`."""
    student = LossNetwork(network, layers)
    for layer in student.index_of:
        width = cast(nn.Conv2d, student.readouts.pop(layer)).in_channels
        if layer in components:
            student.readouts[layer] = _as_convolution(torch.zeros(components[layer].shape[1], width))
    return student.requires_grad_(True)


def pruned(network: Distilled, teacher: LossNetwork, moments: Moments, components: Mapping[str, Tensor]) -> LossNetwork:
    """A student that starts as the teacher with most channels left out.

    Every layer keeps the channels that predict the others best by a linear map. A convolution that read the others now
    reads these predictions (channel pruning: He 2017, with their data term in closed form).

    Args:
        network: Which student.
        teacher: Built for every rectified layer of the student, channels normalized.
        moments: The teacher's.
        components: Of the layers to answer at, {layer: (C, K)}; the readouts have K outputs.

    Returns:
        The student with trainable parameters.
    """
    student = LossNetwork(network, teacher.index_of).requires_grad_(True)
    estimate = torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        for layer in student.index_of:
            # Both have the layer's convolution right in front of its rectifier, at the same place.
            ours, theirs = (net.features[net.index_of[layer] - 1] for net in (student, teacher))
            kept = representative_channels(moments.second[layer], ours.out_channels)
            ours.weight.copy_(torch.einsum("ochw,ck->okhw", theirs.weight[kept].double(), estimate))
            ours.bias.copy_(theirs.bias[kept])
            estimate = regression(moments.second[layer][:, kept], moments.second[layer][kept][:, kept])
            del student.readouts[layer]
            if layer in components:
                student.readouts[layer] = _as_convolution(components[layer].mT @ estimate)
    return student


def representative_channels(second: Tensor, count: int) -> Tensor:
    """The indices of channels from which all can be reconstructed linearly with little error, chosen greedily."""
    residual = second.clone()
    kept: list[int] = []
    for _ in range(count):
        gain = residual.square().sum(0) / residual.diagonal().clamp_min(1e-12 * float(second.trace()))
        gain[kept] = -1
        best = int(gain.argmax())
        kept.append(best)
        residual -= torch.outer(residual[:, best], residual[best]) / residual[best, best].clamp_min(1e-12)
    return torch.tensor(kept)


def regression(cross: Tensor, own: Tensor) -> Tensor:
    """H that minimizes E‖T - H·s‖², from E[T·sᵀ], (C, w), and E[s·sᵀ], (w, w)."""
    ridge = _RIDGE * own.diagonal().mean() * torch.eye(len(own), dtype=own.dtype)
    solution: Tensor = torch.linalg.solve(own + ridge, cross.mT)
    return solution.mT


def continued(
    earlier: LossNetwork, teacher: LossNetwork, components: Mapping[str, Tensor], images: Iterable[Tensor]
) -> LossNetwork:
    """A student that starts where an earlier one ended, answering in other components.

    Args:
        earlier: A finished one.
        teacher: Built for every rectified layer of the student, channels normalized.
        components: Of the layers to answer at, {layer: (C, K)}.
        images: Pictures (1, 3, H, W) in [0, 1] to fit the readouts over.

    Returns:
        The student with trainable parameters; the readouts have K outputs.
    """
    student = _bare(earlier)
    fitted = _fitted_readouts(student, teacher, images)
    for layer in list(student.index_of):
        del student.readouts[layer]
        if layer in components:
            student.readouts[layer] = _as_convolution(components[layer].mT @ fitted[layer])
    return student.requires_grad_(True)


def finish(student: LossNetwork, teacher: LossNetwork, images: Iterable[Tensor]) -> LossNetwork:
    """The student as it ships: readouts at all of its layers, fitted to the teacher and folded to w × w.

    The best linear guess H·s of the teacher's C activations from w of the student's has the lengths and products of
    R·s, where H = Q·R and Q's columns are orthonormal. A factor √(w/C) makes up for what divides by the number of
    channels, so that literal costs keep their units, too.

    Args:
        student: After its training.
        teacher: Built for every rectified layer of the student, channels normalized.
        images: Pictures (1, 3, H, W) in [0, 1] to fit over.
    """
    finished = _bare(student)
    for layer, best in _fitted_readouts(finished, teacher, images).items():
        channels, width = best.shape
        finished.readouts[layer] = _as_convolution(torch.linalg.qr(best).R * (width / channels) ** 0.5)
    return finished.requires_grad_(False)


def _bare(student: LossNetwork) -> LossNetwork:
    """A copy that gives its own rectified channels."""
    bare = LossNetwork(student.architecture, student.index_of)
    bare.features.load_state_dict(student.features.state_dict())
    for layer, readout in bare.readouts.items():
        bare.readouts[layer] = _as_convolution(torch.eye(cast(nn.Conv2d, readout).in_channels))
    return bare


@torch.no_grad()
def _fitted_readouts(bare: LossNetwork, teacher: LossNetwork, images: Iterable[Tensor]) -> dict[str, Tensor]:
    """H for the best linear guess H·s of the teacher's activations, (C, w) float64, by layer."""
    crosses: dict[str, Tensor] = {}
    owns: dict[str, Tensor] = {}
    for image in images:
        theirs = teacher(image)
        for layer, features in bare(image).items():
            s, t = (x[0].flatten(1).double() for x in (features, theirs[layer]))
            crosses[layer] = crosses.get(layer, 0) + t @ s.mT / s.shape[1]
            owns[layer] = owns.get(layer, 0) + s @ s.mT / s.shape[1]
    return {layer: regression(crosses[layer], owns[layer]) for layer in bare.index_of}


def _as_convolution(matrix: Tensor) -> nn.Conv2d:
    convolution = nn.Conv2d(matrix.shape[1], matrix.shape[0], 1, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(matrix[..., None, None])
    return convolution
