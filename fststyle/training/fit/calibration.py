"""Which style weight suits a painting, found by a short probe.

A style weight means the same for every loss network, but not for every painting: the less a painting looks like a
photo, the more of a photo is lost. The probe optimizes sample photos at three weights and measures their content loss.
It then chooses the weight at which that loss has a usual value.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from fststyle import samples
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.tensors import reference_photos

WEIGHTS = (0.25, 1.0, 4.0)

# A face, fur, petals, a flat sky; 40 steps of Adam: 17 seconds of two cores with medium.
_PHOTOS = ("astronaut", "cat", "flower", "temple")
_SIDE, _STEPS, _LEARNING_RATE = 96, 40, 0.03

# About what the probe finds at weight 1, with medium, for Picabia's Udnie (0.39), Hokusai's Great Wave and van Gogh's
# Landscape from Saint-Paul (0.41). Kandinsky's Composition VII has less (0.34), Munch's Scream more (0.46):
# scripts/benchmarks/measure_calibration.py.
_TARGET = 0.4

# A probe is only a guess: beyond this, users should look for themselves (`--preview`).
_LEAST, _MOST = 1 / 3, 3.0


def style_factor(cost: Cost, style: Tensor) -> float:
    """Factor of the style weight for a painting: 1/3 to 3, rounded to two digits.

    Args:
        cost: What is minimized; its weights are ignored.
        style: The painting, (1, 3, H, W) in [0, 1].

    Raises:
        ValueError: The cost has no content or no style term, or Johnson's units, in which losses do not compare.
    """
    if cost.form != "relative" or not cost.content_layers or not cost.style_layers:
        raise ValueError("a calibration needs content and style layers and the relative form")
    return factor_of(probe(cost, style))


def factor_of(content: Sequence[float]) -> float:
    """The factor that follows from a probe's content losses."""
    factor = weight_at(_TARGET, WEIGHTS, content)
    return float(f"{min(max(factor, _LEAST), _MOST):.2g}")


def probe(cost: Cost, style: Tensor) -> list[float]:
    """The mean relative content loss of optimized sample photos, at each of `WEIGHTS`."""
    chosen = [path for path in samples.photos() if path.stem in _PHOTOS]
    squares = ValidationPhotos(chosen, _SIDE)
    photos = torch.stack([squares[number] for number in range(len(squares))]).float().div(255)
    cost = replace(cost, content_weight=1.0, tv_weight=1.0)
    objective = PerceptualObjective(cost, style, photos=reference_photos())
    kept = objective.content_features(photos)
    losses = []
    for weight in WEIGHTS:
        painted = _paint(objective, photos, kept, weight)
        with torch.no_grad():
            losses.append(float(objective.terms(painted, kept).content))
    return losses


def weight_at(target: float, weights: Sequence[float], content: Sequence[float]) -> float:
    """The weight at which the content loss reaches a target, interpolated linearly in the logarithm of the weight.

    Clipped to the first and the last weight.
    """
    rising = np.maximum.accumulate(np.asarray(content, float))
    return math.exp(float(np.interp(target, rising, np.log(np.asarray(weights, float)))))


def _paint(objective: PerceptualObjective, photos: Tensor, kept: dict[str, Tensor], style_weight: float) -> Tensor:
    picture = photos.clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], lr=_LEARNING_RATE)
    for _ in range(_STEPS):
        optimizer.zero_grad()
        total = objective.terms(picture, kept, style_weight=style_weight).total
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(0, 1)
    return picture.detach()
