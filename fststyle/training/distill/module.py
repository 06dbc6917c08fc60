"""Training a student: its activations are compared with the teacher's, by position and as style matrices."""

import math
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor

from fststyle.training.cost import losses
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.fit.muon import Muon

# Style matrices differ by less than the activations that make them up; this makes both count.
_STYLE_FACTOR = 3.0

# A nearly black picture would divide by next to nothing; its style matrices are measured against at least this fraction
# of the usual ones.
_LEAST_ENERGY = 0.1


class DistillationModule(pl.LightningModule):
    """Trains a student to answer as the teacher did.

    Args:
        student: Its readouts have as many outputs as the teacher's answers.
        energies: Of the teacher at each layer, its mean ‖F‖² over positions.
        learning_rate: Muon's, at its peak; from there it falls along a cosine.
        steps: After which it is at its end.
    """

    def __init__(
        self, student: LossNetwork, energies: Mapping[str, float], *, learning_rate: float, steps: int
    ) -> None:
        super().__init__()
        self.student, self.energies = student, dict(energies)
        self.learning_rate, self.steps = learning_rate, steps
        self.last: dict[str, Tensor] = {}

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Relative errors of activations and of style matrices, summed over layers."""
        images = batch["picture"].float().div(255).to(memory_format=torch.channels_last)
        answers = self.student(images, list(self.energies))
        errors: dict[str, Tensor] = {}
        for layer, answer in answers.items():
            target = batch[layer].float().to(memory_format=torch.channels_last)
            energy = self.energies[layer]
            errors[f"content_{layer}"] = (answer - target).square().sum(1).mean() / energy
            asked = losses.gram_matrix(target)
            size = losses.style_loss(asked, torch.zeros_like(asked))
            usual = size.mean() * _LEAST_ENERGY
            errors[f"style_{layer}"] = (losses.style_loss(losses.gram_matrix(answer), asked) / (size + usual)).mean()
        self.log_dict(errors)
        self.last = {name: error.detach() for name, error in errors.items()}
        return sum((_STYLE_FACTOR if name.startswith("style") else 1.0) * error for name, error in errors.items())  # type: ignore[return-value]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Muon with a warm-up over a twentieth of the run."""
        optimizer = Muon(self.student.parameters(), lr=self.learning_rate)

        def factor(step: int) -> float:
            done = min(1.0, step / self.steps)
            return min(1.0, 20 * done + 0.01) * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return OptimizerLRSchedulerConfig(
            optimizer=optimizer, lr_scheduler=LRSchedulerConfigType(scheduler=schedule, interval="step")
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name what this is, so that nobody takes it for a style."""
        checkpoint["fststyle_distillation"] = {"steps": self.steps}
