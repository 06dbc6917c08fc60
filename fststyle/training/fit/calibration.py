"""Which style weight suits a painting, found by a short probe.

A weight means the same for every loss network but not for every painting: one that is far from photos takes more of a
photo away than one that is near. The probe paints sample photos by their pixels at three weights and looks how much of
the photos is lost. The weight is the one at which a middling loss comes out.
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

# What the probe finds at weight 1, with medium, for Picabia's Udnie (0.39), Hokusai's Great Wave and van Gogh's
# Landscape from Saint-Paul (0.41). It is less for Kandinsky's Composition VII (0.34), and more for Munch's Scream
# (0.46): scripts/measure_calibration.py.
_TARGET = 0.4

# A probe is not a training: further away, a user should look (`--preview`).
_LEAST, _MOST = 1 / 3, 3.0


def style_factor(cost: Cost, style: Tensor) -> float:
    """How much more or less than usual the style should weigh for a painting: 1/3 to 3, rounded to two digits.

    Args:
        cost: Which is minimized; its own weights do not matter.
        style: The painting, (1, 3, H, W) in [0, 1].

    Raises:
        ValueError: The cost has no content or no style term, or Johnson's units, in which losses do not compare.
    """
    if cost.form != "relative" or not cost.content_layers or not cost.style_layers:
        raise ValueError("a calibration needs content and style layers and the relative form")
    return factor_of(probe(cost, style))


def factor_of(content: Sequence[float]) -> float:
    """What `style_factor` makes of a probe."""
    factor = weight_at(_TARGET, WEIGHTS, content)
    return float(f"{min(max(factor, _LEAST), _MOST):.2g}")


def probe(cost: Cost, style: Tensor) -> list[float]:
    """The relative content loss of pictures painted by their pixels, at each of `WEIGHTS`, means over photos."""
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
    """Where content losses that grow with the weight reach a target: a line through them, in logarithms of the weight.

    Beyond the first and the last weight it is these.
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
