"""What one step does with a batch: the photos are painted, and the cost of the pictures is taken.

Not about the cost: `objective.py`. Not about what a run keeps, and how it changes the network: `module.py`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from fststyle.training.cost.objective import TERM_NAMES, Cost, CostTerms, PerceptualObjective
from fststyle.training.cost.sides import UPRIGHT_FROM_NOTHING
from fststyle.training.cost.temporal import moved, temporal_loss
from fststyle.training.cost.weights import DISTILLED
from fststyle.training.fit.progress import TimedModule
from fststyle.training.fit.teacher import MATCHING, TEACHER_WEIGHT, Teacher, likeness_loss
from fststyle.training.networks.strength import draw_strengths, style_share
from fststyle.training.tensors import bytes_of, content_of, photos_of, reference_photos, unit_range


class PaintingSteps(TimedModule):
    """The steps of a module that paints; whoever inherits them makes its networks.

    Attributes:
        net: In training.
        averaged: Its running average, which is measured, used and exported.
        style_image: The painting as it is looked at, (H, W, 3) uint8.
        init: What the network began with, as `warm_start` says it.
        costs: The held-out photos' mean terms at the last validation.
        last_terms: Of the last step.
    """

    net: nn.Module
    averaged: AveragedModel
    style_image: NDArray[np.uint8]
    cost: Cost
    strength: bool
    teacher: Teacher | None
    init: str

    def __init__(self) -> None:
        super().__init__()
        self.costs: dict[str, float] = {}
        self.last_terms: dict[str, Tensor] = {}
        self._objective: PerceptualObjective | None = None

    @property
    def turns(self) -> bool:
        """Whether steps are judged from other sides, too (`sides.py`)."""
        return self.cost.architecture in DISTILLED and bool(self.cost.style_layers)

    @property
    def objective(self) -> PerceptualObjective:
        """The cost, ready on this module's device. Outside the module tree: no checkpoint carries the loss network."""
        if self._objective is None:
            style = unit_range(self.style_image)
            self._objective = PerceptualObjective(self.cost, style, photos=reference_photos())
            if self.turns:
                self._objective.look_from_all_sides(style)
            self._objective.to(self.device)
        return self._objective

    def forward(self, content: Tensor) -> Tensor:
        """The averaged network: photos (B, 3, H, W), in [0, 1] or uint8, to pictures of the same size in [0, 1]."""
        stylized: Tensor = self.averaged(content_of(content, next(self.net.parameters()).dtype))
        return stylized

    def terms(self, batch: Tensor) -> CostTerms:
        """What the network in training makes of photos, (B, 3, H, W), costs; without a Trainer as at a run's end."""
        content = content_of(batch)
        side = self._side()
        features = self.objective.content_features(content, side)
        positions = self._positions(len(batch))
        net: Callable[[Tensor], Tensor] = self.net
        share = None
        if self.strength:
            strengths = draw_strengths(positions).to(content.device)
            net, share = partial(self.net, strength=strengths), style_share(strengths)
        stylized = net(content)
        terms = self.objective.terms(stylized, features, share, side)
        if self.teacher is not None and self.training:
            likeness = likeness_loss(stylized, self.teacher(bytes_of(batch)))
            terms = terms._replace(likeness=likeness, total=terms.total + TEACHER_WEIGHT * likeness)
        return self._as_network(terms, net, content, stylized, positions)

    def _as_network(
        self,
        terms: CostTerms,
        net: Callable[[Tensor], Tensor],
        content: Tensor,
        stylized: Tensor,
        positions: Sequence[int],
    ) -> CostTerms:
        """With the terms that no single picture has: its ripple, and how `net` paints the photos a moment later."""
        if self.cost.minds_grid:
            # A network that knows no strokes yet would rather learn those first.
            terms = self.objective.with_grid(terms, stylized, self.progress if self.training else 1.0)
        if not self.cost.temporal_weight:
            return terms
        later = moved(content, positions, lighting=self.cost.temporal_lighting)
        return self.objective.with_temporal(terms, temporal_loss(stylized, net(later.content), later))

    def _side(self) -> int:
        """From where the loss network looks at this step."""
        upright = UPRIGHT_FROM_NOTHING if self.init == "none" else 0.0
        return self.global_step % self.objective.sides if self.progress >= upright else 0

    def _positions(self, count: int) -> range:
        """Which photos of the run a batch holds, as `data.py` deals them out to one or several processes.

        Batches whose gradients are accumulated into one step count as the same photos here.
        """
        world = 1 if self._trainer is None else self.trainer.world_size
        first = self.global_step * count * world + self.global_rank
        return range(first, first + count * world, world)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The total cost of a batch of photos; where a teacher has its time, the likeness alone."""
        photos = photos_of(batch)
        if self.teacher is not None and self.progress < MATCHING:
            likeness = likeness_loss(self.net(content_of(photos)), self.teacher(bytes_of(photos)))
            terms = {"likeness_loss": likeness, "total_loss": TEACHER_WEIGHT * likeness}
        else:
            terms = self.terms(photos).named()
        self.last_terms = {name: value.detach() for name, value in terms.items()}
        self.log_dict({f"train/{name}": value for name, value in self.last_terms.items()}, batch_size=len(photos))
        return terms["total_loss"]

    def validation_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """Measure the averaged network on held-out photos; returns them and what it makes of them, (B, 3, H, W)."""
        return self._measure(photos_of(batch), batch_idx, "val")

    def test_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """As a validation, logged below `test`."""
        return self._measure(photos_of(batch), batch_idx, "test")

    def predict_step(self, batch: Any, *_: Any) -> Tensor:
        """What the averaged network makes of photos: (B, 3, H, W) in [0, 1]."""
        painted: Tensor = self(photos_of(batch))
        return painted.float()

    def _measure(self, photos: Tensor, batch_idx: int, stage: str) -> dict[str, Tensor]:
        content, stylized = content_of(photos), self(photos).float()
        terms = self.objective.terms(stylized, self.objective.content_features(content))
        places = range(batch_idx * len(photos), (batch_idx + 1) * len(photos))
        terms = self._as_network(terms, self, content, stylized, places)
        named = {f"{stage}/{name}": value for name, value in terms.named().items()}
        self.log_dict(named, batch_size=len(photos), sync_dist=True)
        return {"content": content, "stylized": stylized}

    def on_validation_epoch_end(self) -> None:
        """Keep the means: they go into the checkpoint, and from there into the exported file."""
        metrics, names = self.trainer.callback_metrics, (*TERM_NAMES, "grid_loss", "temporal_loss")
        self.costs = {name: float(metrics[f"val/{name}"]) for name in names if f"val/{name}" in metrics}
