"""What one step does with a batch: the photos are painted, and the cost of the pictures is taken.

The cost itself is in `step_cost.py`. What a run keeps, and how it changes the network: `module.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from fststyle.training.cost.objective import TERM_NAMES, Cost, CostTerms, PerceptualObjective
from fststyle.training.cost.sides import UPRIGHT_FROM_NOTHING
from fststyle.training.cost.weights import DISTILLED
from fststyle.training.fit.graphed import GraphedSteps, Graphs
from fststyle.training.fit.progress import TimedModule
from fststyle.training.fit.step_cost import AS_IT_IS, StyleChoice, likeness_cost, step_cost
from fststyle.training.fit.teacher import MATCHING, Teacher
from fststyle.training.networks.strength import draw_strengths, style_share
from fststyle.training.tensors import bytes_of, content_of, onto, photos_of, reference_photos, unit_range


class PaintingSteps(TimedModule):
    """The steps of a module that paints; whoever inherits them makes its networks.

    Attributes:
        net: In training.
        averaged: Its running average, which is measured, used and exported.
        style_image: The painting as it is looked at, (H, W, 3) uint8.
        init: What the network began with, as `warm_start` says it.
        costs: The held-out photos' mean terms at the last validation.
        last_terms: Of the last step.
        chooser: Decides the `StyleChoice` of each step; None: the painting, at the cost's weight.
        paints_already: The term against ripples counts in full from the first step; otherwise it grows to that. What
            a network knows against them is lost within a hundred steps without it.
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
        self.chooser: Callable[[], StyleChoice] | None = None
        self.paints_already = False
        self._objective: PerceptualObjective | None = None
        self._logged_step = -1
        self.graphs: Graphs = "never"
        self._graphed = GraphedSteps("never")

    @property
    def turns(self) -> bool:
        """Whether steps are also judged from other sides (`cost/sides.py`)."""
        return self.cost.architecture in DISTILLED and bool(self.cost.style_layers)

    @property
    def objective(self) -> PerceptualObjective:
        """The objective, on this module's device. No submodule, so that checkpoints do not contain the loss network."""
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
        """The cost of the network in training on photos, (B, 3, H, W); without a Trainer as at a run's end."""
        positions = self._positions(len(batch))
        choice = self.choose(positions)
        terms, _ = step_cost(
            self.objective,
            lambda content: choice.paint(self.net, content),
            content_of(batch),
            positions,
            choice=choice,
            side=self._side(),
            # A network that knows no strokes yet would rather learn those first.
            grid_share=self.progress if self.training and not self.paints_already else 1.0,
            taught=self.teacher(bytes_of(batch)) if self.teacher is not None and self.training else None,
        )
        return terms

    def choose(self, positions: Sequence[int]) -> StyleChoice:
        """How the photos at these positions of the run are painted and judged."""
        if self.chooser is not None:
            return self.chooser()
        if not self.strength:
            return AS_IT_IS
        strengths = onto(draw_strengths(positions), self.device)
        return StyleChoice(lambda net, content: net(content, strengths), style_share=style_share(strengths))

    def choose_held_out(self, batch_idx: int, count: int) -> StyleChoice:
        """How a batch of held-out photos is painted and judged: all of them alike."""
        return AS_IT_IS

    def _side(self) -> int:
        """The side that the loss network looks from at this step."""
        upright = UPRIGHT_FROM_NOTHING if self.init == "none" else 0.0
        return self.global_step % self.objective.sides if self.progress >= upright else 0

    def _positions(self, count: int) -> range:
        """The positions of a batch's photos in the run, as `data/positions.py` distributes them to processes.

        Batches whose gradients are accumulated into one step have the same positions.
        """
        world = 1 if self._trainer is None else self.trainer.world_size
        first = self.global_step * count * world + self.global_rank
        return range(first, first + count * world, world)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The total cost of a batch of photos; in the first part of a run with a teacher, only the likeness."""
        is_logged = self._is_logged()
        photos = photos_of(batch, check_range=is_logged)
        if self.teacher is not None and self.progress < MATCHING:
            terms = likeness_cost(self.net(content_of(photos)), self.teacher(bytes_of(photos)))
        else:
            terms = self._graphed_terms(photos) or self.terms(photos).named()
        self.last_terms = {name: value.detach() for name, value in terms.items()}
        if is_logged:
            self._logged_step = self.global_step
            self._log_terms(len(photos))
        return terms["total_loss"]

    def _graphed_terms(self, photos: Tensor) -> dict[str, Tensor] | None:
        """The terms of a step from a CUDA graph; None if there cannot be one, or shall not."""
        trainer: Any = self.trainer
        draws = self.strength or self.chooser is not None or self.cost.temporal_weight or self.cost.minds_wasserstein
        is_plain = trainer.world_size == trainer.accumulate_grad_batches == 1 and self.teacher is None
        if self.device.type != "cuda" or draws or not is_plain or type(self).choose is not PaintingSteps.choose:
            return None
        return self._graphed.terms(self.net, self.objective, photos, self._side(), self.progress)

    def on_train_start(self) -> None:
        """The first step of each run is logged. Graphs hold where things lay in the last one."""
        super().on_train_start()
        self._logged_step = -1
        self._graphed = GraphedSteps(self.graphs)

    def on_train_batch_end(self, *_: Any) -> None:
        """Log the last step of a run, too."""
        if self.trainer.should_stop and self._logged_step != self.global_step - 1:
            self._log_terms(1)

    def _is_logged(self) -> bool:
        """Whether a logger takes this step, or it is the first one. Logging the others would only cost time."""
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        return self._logged_step < 0 or (every > 0 and (self.global_step + 1) % every == 0)

    def _log_terms(self, photos: int) -> None:
        self.log_dict({f"train/{name}": value for name, value in self.last_terms.items()}, batch_size=photos)

    def validation_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """Measure the averaged network on held-out photos; returns the photos and its pictures, (B, 3, H, W)."""
        return self._measure(photos_of(batch), batch_idx, "val")

    def test_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """Like a validation, logged under `test`."""
        return self._measure(photos_of(batch), batch_idx, "test")

    def predict_step(self, batch: Any, *_: Any) -> Tensor:
        """Paint photos with the averaged network: (B, 3, H, W) in [0, 1]."""
        painted: Tensor = self(photos_of(batch))
        return painted.float()

    def _measure(self, photos: Tensor, batch_idx: int, stage: str) -> dict[str, Tensor]:
        content, choice = content_of(photos), self.choose_held_out(batch_idx, len(photos))
        terms, stylized = step_cost(
            self.objective,
            lambda content: choice.paint(self.averaged, content).float(),
            content,
            range(batch_idx * len(photos), (batch_idx + 1) * len(photos)),
            choice=choice,
        )
        named = {f"{stage}/{name}": value for name, value in terms.named().items()}
        self.log_dict(named, batch_size=len(photos), sync_dist=True)
        return {"content": content, "stylized": stylized}

    def on_validation_epoch_end(self) -> None:
        """Keep the means for the checkpoint and the exported file."""
        metrics, names = self.trainer.callback_metrics, (*TERM_NAMES, "grid_loss", "temporal_loss")
        self.costs = {name: float(metrics[f"val/{name}"]) for name in names if f"val/{name}" in metrics}
