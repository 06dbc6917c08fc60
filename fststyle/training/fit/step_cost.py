"""The total cost of a training step, put together in one place: training, validation, previews and the bench call it.

    total = cost of the pictures + of their parts + likeness to a teacher + ripple + steadiness

The cost of a single picture is in `cost/objective.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from fststyle.training.cost.objective import CostTerms, PerceptualObjective
from fststyle.training.cost.temporal import moved, temporal_loss
from fststyle.training.fit.teacher import TEACHER_WEIGHT, likeness_loss


def _plainly(net: nn.Module, content: Tensor) -> Tensor:
    painted: Tensor = net(content)
    return painted


@dataclass(frozen=True)
class StyleChoice:
    """How the pictures of one batch are painted, and what they are judged by; as a rule simply by the cost's painting.

    Attributes:
        paint: Calls a network on photos, (B, 3, H, W).
        style_share: How much of style and smoothness counts for each picture, (B,); all of it if None.
        style_weight: In place of the cost's.
        style_grams: In place of the painting's: by layer, (1, C, C), or (B, C, C) for each picture its own.
    """

    paint: Callable[[nn.Module, Tensor], Tensor] = _plainly
    style_share: Tensor | None = None
    style_weight: float | None = None
    style_grams: Mapping[str, Tensor] | None = None


AS_IT_IS = StyleChoice()


def step_cost(
    objective: PerceptualObjective,
    paint: Callable[[Tensor], Tensor],
    content: Tensor,
    positions: Sequence[int],
    *,
    choice: StyleChoice = AS_IT_IS,
    side: int = 0,
    grid_share: float = 1.0,
    taught: Tensor | None = None,
) -> tuple[CostTerms, Tensor]:
    """The cost of what a network makes of a batch, and the pictures, (B, 3, H, W).

    Args:
        objective: The cost.
        paint: The network.
        content: Photos, (B, 3, H, W) in [0, 1].
        positions: Of each photo in the run; they decide the motion for the steadiness term.
        choice: What the pictures are judged by. Its `paint` is not called here.
        side: From which the loss network looks (`cost/sides.py`).
        grid_share: How much of the term against ripples counts.
        taught: A teacher's pictures of the photos, if likeness to them counts.
    """
    features = objective.content_features(content, side)
    stylized = paint(content)
    terms = objective.terms(
        stylized,
        features,
        choice.style_share,
        side,
        style_weight=choice.style_weight,
        style_grams=choice.style_grams,
        in_training=True,
    )
    if taught is not None:
        likeness = likeness_loss(stylized, taught)
        terms = terms._replace(likeness=likeness, total=terms.total + TEACHER_WEIGHT * likeness)
    if objective.cost.minds_grid:
        terms = objective.with_grid(terms, stylized, grid_share)
    if objective.cost.temporal_weight:
        later = moved(content, positions, lighting=objective.cost.temporal_lighting)
        terms = objective.with_temporal(terms, temporal_loss(stylized, paint(later.content), later))
    return terms, stylized


def likeness_cost(stylized: Tensor, taught: Tensor) -> dict[str, Tensor]:
    """The cost of the first part of a run with a teacher, by name: likeness to the teacher's pictures, nothing else."""
    likeness = likeness_loss(stylized, taught)
    return {"likeness_loss": likeness, "total_loss": TEACHER_WEIGHT * likeness}
