"""One step of training a network for one style (Johnson 2016, section 3), its optimizer and its logs.

Not about where runs are kept, when they stop or what is drawn of them: `callbacks.py`. Not about the cost:
`objective.py`.
"""

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel

from fststyle import __version__
from fststyle.errors import TrainingError
from fststyle.images import read_picture, resize_shorter_side
from fststyle.training.checkpoint import CHECKPOINT_KEY
from fststyle.training.muon import Muon
from fststyle.training.objective import TERM_NAMES, Cost, CostTerms, PerceptualObjective
from fststyle.training.schedule import one_cycle, warmed_up_average
from fststyle.training.sides import UPRIGHT_FROM_NOTHING
from fststyle.training.strength import StrengthNet, draw_strengths, style_share
from fststyle.training.teacher import MATCHING, TEACHER_WEIGHT, Teacher, likeness_loss
from fststyle.training.temporal import moved, temporal_loss
from fststyle.training.tensors import reference_photos, unit_range
from fststyle.training.transformer_net import NetworkName, build_transformer_net
from fststyle.training.warm_start import warm_start
from fststyle.training.weights import DISTILLED

# Settings that did not exist when older checkpoints were written, and what those were trained with.
ADDED_SINCE: Mapping[str, Any] = {
    "strength": False,
    "optimizer": "adam",
    "teacher": None,
    "grid_weight": 0.0,
    "temporal_weight": 0.0,
    "temporal_lighting": 0.0,
}


class StyleTransferModule(pl.LightningModule):
    """Trains a network to paint any photo in the style of one painting.

    Args:
        style: The painting, a picture file.
        name: Of the style, as it stands in the exported file.
        painting: Artist, title and year, for the exported file; none takes the file's name.
        network: "fast", "johnson" (the field's own, several times slower to train and to run), "tiny" (for videos,
            several times faster to run), "johnson2016".
        width: Multiplies the network's channel counts.
        strength: Train a network that can be told how strongly to paint when it is used (`strength.py`).
        cost: What is minimized.
        style_size: Shorter side in pixels at which the painting is looked at. Its strokes come out in the size that
            they have there: smaller means finer.
        optimizer: "muon" (`muon.py`), or "adam" as Johnson.
        learning_rate: Peak of the optimizer's one-cycle schedule.
        warmup: Fraction of the run over which the learning rate rises to its peak; it then falls to 1 % along a cosine.
            0 keeps it constant throughout.
        ema_decay: The network that is measured and exported is a running average over about 1 / (1 - ema_decay) steps.
            0 switches averaging off.
        init: Where to start: "base", the network of this name that knows many styles and ships with the package (or
            what stands in for it, `bases.py`; or nothing, if there is none of this width); "none"; a checkpoint of
            another style; or an exported network, a file or the name of one that ships.
        teacher: A larger network of the same style that this one learns from first (`teacher.py`): an exported file, or
            the name of a network that ships. `tiny` needs one.
        channels_last: Memory layout of the network's activations; none chooses by device.

    Raises:
        ImageError: If the painting cannot be read.
        FststyleError: If `init` is missing, broken, or of another network.
    """

    def __init__(
        self,
        style: Path,
        name: str = "style",
        painting: str | None = None,
        network: NetworkName = "fast",
        width: float = 1.0,
        strength: bool = False,
        cost: Cost = Cost(),
        style_size: int = 320,
        optimizer: Literal["muon", "adam"] = "muon",
        learning_rate: float = 5e-3,
        warmup: float = 0.15,
        ema_decay: float = 0.99,
        init: str = "base",
        teacher: str | None = None,
        channels_last: bool | None = None,
    ) -> None:
        super().__init__()
        if style_size < 32:
            raise ValueError(f"style_size must be at least 32, not {style_size}")
        if not 0 <= ema_decay < 1 or not 0 <= warmup < 1:
            raise ValueError(f"ema_decay and warmup must lie in [0, 1), not {ema_decay} and {warmup}")
        if teacher is not None and strength:
            raise ValueError("a teacher paints at full strength only; set strength: false, or leave it out")
        self.name, self.network, self.width, self.strength, self.cost = name, network, width, strength, cost
        self.painting = painting or style.name
        self.style_size, self.warmup = style_size, warmup
        self.optimizer, self.learning_rate = optimizer, learning_rate
        self.channels_last = channels_last
        self.teacher = None if teacher is None else Teacher(teacher)
        self.style_image = resize_shorter_side(read_picture(style).rgb, style_size)
        self.net = build_transformer_net(network, width)
        self.init = warm_start(self.net, network, width, init)
        if strength:
            self.net = StrengthNet(self.net)
        self.averaged = AveragedModel(self.net, multi_avg_fn=warmed_up_average(ema_decay), use_buffers=True)
        self.averaged.requires_grad_(False)  # else two processes would wait for its gradients
        self.resume_anyway = False
        """Go on from a checkpoint of another recipe, too."""
        self.time_spent = 0.0
        """Fraction of the time budget that is used up; 0 without a budget. `callbacks.TimeBudget` keeps it."""
        self.costs: dict[str, float] = {}
        """The held-out photos' mean terms at the last validation."""
        self.last_terms: dict[str, Tensor] = {}
        self._objective: PerceptualObjective | None = None

    @property
    def painting_sha256(self) -> str:
        """Fingerprint of the painting as it is looked at."""
        return hashlib.sha256(self.style_image.tobytes()).hexdigest()

    @property
    def progress(self) -> float:
        """How much of the run is done, 0..1: of its steps or of its time, whichever is further."""
        steps = self.trainer.max_steps
        return min(1.0, max(self.time_spent, self.trainer.global_step / steps if steps > 0 else 0.0))

    @property
    def turns(self) -> bool:
        """Whether steps are judged from other sides, too (`sides.py`)."""
        return self.cost.architecture in DISTILLED and bool(self.cost.style_layers)

    @property
    def objective(self) -> PerceptualObjective:
        """The cost, ready on this module's device."""
        if self._objective is None:
            raise RuntimeError("the objective is built in setup(); fit or validate with a Trainer")
        return self._objective

    def setup(self, stage: str) -> None:
        """Build the objective. Outside the module tree, so that no checkpoint carries the loss network."""
        if self._objective is None:
            style = unit_range(self.style_image)
            self._objective = PerceptualObjective(self.cost, style, photos=reference_photos())
            if self.turns:
                self._objective.look_from_all_sides(style)

    def on_fit_start(self) -> None:
        """Bring the objective to the device that Lightning chose."""
        self.objective.to(self.device)
        # Measured: with the channels last, the transformer's backward pass is a quarter slower on a CPU.
        if self.channels_last if self.channels_last is not None else self.device.type == "cuda":
            self.net.to(memory_format=torch.channels_last)

    on_validation_start = on_fit_start

    def forward(self, content: Tensor) -> Tensor:
        """The averaged network: photos (B, 3, H, W) in [0, 1] to pictures of the same size and range."""
        stylized: Tensor = self.averaged(content)
        return stylized

    def terms(self, batch: Tensor) -> CostTerms:
        """What the network in training makes of uint8 photos, (B, 3, H, W), costs."""
        content = batch.float().div_(255)
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
            likeness = likeness_loss(stylized, self.teacher(batch))
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
        return self.trainer.global_step % self.objective.sides if self.progress >= upright else 0

    def _positions(self, count: int) -> range:
        """Which photos of the run a batch holds, as `data.py` deals them out to one or several processes.

        Batches whose gradients are accumulated into one step count as the same photos here.
        """
        world = self.trainer.world_size
        first = self.trainer.global_step * count * world + self.global_rank
        return range(first, first + count * world, world)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """The total cost of a batch of uint8 photos, (B, 3, H, W); where a teacher has its time, the likeness alone."""
        if self.teacher is not None and self.progress < MATCHING:
            likeness = likeness_loss(self.net(batch.float().div_(255)), self.teacher(batch))
            terms = {"likeness_loss": likeness, "total_loss": TEACHER_WEIGHT * likeness}
        else:
            terms = self.terms(batch).named()
        self.last_terms = {name: value.detach() for name, value in terms.items()}
        self.log_dict({f"train/{name}": value for name, value in self.last_terms.items()})
        return terms["total_loss"]

    def validation_step(self, batch: Tensor, batch_idx: int) -> dict[str, Tensor]:
        """Measure the averaged network on held-out photos; returns them and what it makes of them, (B, 3, H, W)."""
        content = batch.float().div_(255)
        stylized = self(content)
        terms = self.objective.terms(stylized, self.objective.content_features(content))
        places = range(batch_idx * len(batch), (batch_idx + 1) * len(batch))
        terms = self._as_network(terms, self, content, stylized, places)
        self.log_dict(
            {f"val/{name}": value for name, value in terms.named().items()}, batch_size=len(batch), sync_dist=True
        )
        return {"content": content, "stylized": stylized}

    def on_validation_epoch_end(self) -> None:
        """Keep the means: they go into the checkpoint, and from there into the exported file."""
        metrics, names = self.trainer.callback_metrics, (*TERM_NAMES, "grid_loss", "temporal_loss")
        self.costs = {name: float(metrics[f"val/{name}"]) for name in names if f"val/{name}" in metrics}

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Stop before a step that would ruin the network.

        Raises:
            TrainingError: If a gradient is not finite; it names the terms that are not.
        """
        gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if torch.isfinite(norm):
            return
        broken = [name for name, value in self.last_terms.items() if not torch.isfinite(value) and name != "total_loss"]
        what = f"the {' and '.join(broken)}" if broken else "the gradient (of a finite cost)"
        raise TrainingError(
            f"{what} became NaN or infinite at step {self.trainer.global_step}; nothing was changed by it: go on from "
            "the last checkpoint, if there is one, by --resume --trainer.precision 32-true, or by --resume --force with"
            " a lower --model.learning_rate"
        )

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, and take the step into the running average before any callback can save a checkpoint."""
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.net)

    def build_optimizer(self) -> Optimizer:
        """Without a schedule."""
        if self.optimizer == "adam":
            return Adam(self.net.parameters(), lr=self.learning_rate, fused=True)
        return Muon(self.net.parameters(), lr=self.learning_rate)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """The learning rate follows `progress`, which a time budget moves, too."""
        optimizer = self.build_optimizer()
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: one_cycle(self.progress, self.warmup))
        return OptimizerLRSchedulerConfig(
            optimizer=optimizer, lr_scheduler=LRSchedulerConfigType(scheduler=schedule, interval="step")
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what export and resume need to know, in plain types that load with `weights_only`."""
        checkpoint[CHECKPOINT_KEY] = {
            "version": __version__,
            "name": self.name,
            "painting": self.painting,
            "painting_sha256": self.painting_sha256,
            "network": self.network,
            "width": self.width,
            "strength": self.strength,
            "recipe": self.recipe(),
            "costs": self.costs,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to go on with another network or another cost than the run began with, or go on at another rate.

        Raises:
            TrainingError: If they differ.
        """
        saved = checkpoint[CHECKPOINT_KEY]["recipe"]
        if not self.resume_anyway:
            self.refuse_another_recipe(saved)
            return
        # Optimizer and schedule would go on at the rates that they were saved with, whatever is asked for now.
        factor = self.learning_rate / saved["learning_rate"]
        for schedule in checkpoint["lr_schedulers"]:
            schedule["base_lrs"] = [rate * factor for rate in schedule["base_lrs"]]
        for group in itertools.chain.from_iterable(each["param_groups"] for each in checkpoint["optimizer_states"]):
            group["lr"] *= factor
            group["initial_lr"] *= factor

    def refuse_another_recipe(self, saved: Mapping[str, Any]) -> None:
        """Raise a `TrainingError` if a run that began with the recipe `saved` must not go on with this one."""
        saved = {**ADDED_SINCE, **saved}
        for key, value in self.recipe().items():
            if saved.get(key) != value:
                raise TrainingError(
                    f"this run began with {key} = {saved.get(key)}, not {value}; resume with the old setting, start "
                    "anew in another folder (--out) with --init to begin from this one's weights, or go on with --force"
                )

    def recipe(self) -> dict[str, Any]:
        """What made this network, in JSON's types, without paths."""
        cost = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self.cost).items() if k != "weights"}
        return {
            "network": self.network,
            "width": self.width,
            "strength": self.strength,
            "style_size": self.style_size,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "init": self.init,
            "teacher": self.teacher and self.teacher.name,
            **cost,
            "loss_network": self.cost.architecture,
        }
