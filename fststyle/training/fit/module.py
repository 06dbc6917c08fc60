"""Training one network for one style (Johnson 2016, section 3): its start, its optimizer, its checkpoints.

A single step is in `steps.py`; when runs stop and what they save in `callbacks.py`; what may be resumed in `recipe.py`.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal, Self, get_args

import torch
from pytorch_lightning.utilities import rank_zero_warn
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import nn
from torch.optim import Adam, Optimizer

from fststyle import __version__
from fststyle.errors import TrainingError
from fststyle.model.defaults import STYLE_SIZE
from fststyle.pictures.painting import look_at
from fststyle.training.checkpoint import CHECKPOINT_KEY, read_content
from fststyle.training.cost.objective import Cost
from fststyle.training.devices import ONLY_FLOAT32
from fststyle.training.fit.broken_steps import LOOK_EVERY, BrokenSteps
from fststyle.training.fit.graphed import Graphs
from fststyle.training.fit.muon import NORMS_ALONE_RATE, Muon
from fststyle.training.fit.recipe import at_another_rate, check_settings, recipe, refuse_another_recipe, saved_settings
from fststyle.training.fit.schedule import RunningAverage, one_cycle
from fststyle.training.fit.steps import PaintingSteps
from fststyle.training.fit.teacher import Teacher
from fststyle.training.networks.body import freeze_body
from fststyle.training.networks.strength import StrengthNet
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net
from fststyle.training.networks.warm_start import PREDICTED, warm_start
from fststyle.training.remedies import AFTER_NAN


class StyleTransferModule(PaintingSteps):
    """Trains a network to paint any photo in the style of one painting.

    Args:
        style: The painting, a picture file.
        name: The style's name in the exported file.
        painting: Artist, title and year for the exported file; None takes the file's name.
        network: "fast", "johnson" (the field's own, several times slower to train and to run), "tiny" (for videos,
            several times faster to run), "johnson2016".
        width: Multiplies the network's channel counts.
        strength: Train a network whose strength can be chosen when it is used (`strength.py`).
        cost: What is minimized.
        style_size: Shorter side in pixels that the painting is resized to. Its strokes are painted at the size that
            they have there: smaller means finer.
        optimizer: "muon" (`muon.py`), or "adam" as Johnson.
        learning_rate: Peak of the optimizer's one-cycle schedule.
        warmup: Fraction of the run over which the learning rate rises to its peak; it then falls to 1 % along a cosine.
            0 keeps it constant throughout, as does a Trainer without max_steps, max_epochs and max_time.
        ema_decay: The network that is measured and exported is a running average over about 1 / (1 - ema_decay) steps.
            0 switches averaging off.
        init: Where to start. "predicted" is what `new_style` gives for the painting; without a predictor for this
            network, it is the base. "base" is the network of this name that knows many styles and ships with the
            package, or its stand-in (`bases.py`); if there is none of this width, the start is random. "none" is a
            random start. Else a checkpoint of another style, an exported file, or the name of a network that ships.
        teacher: A larger network of the same style that this one learns from first (`teacher.py`): an exported file, or
            the name of a network that ships. `tiny` needs one.
        only_norms: Train only what makes a style in a body that others share: the gains and shifts of the instance
            norms and the last bias, a few hundred numbers. The networks can be mixed then.
        channels_last: Memory layout of the network's activations; None chooses by device.
        graphs: Whether steps on one GPU become CUDA graphs (`graphed.py`): "always", "never", or "auto", which times
            both ways at the start.

    Batches are photos (B, 3, H, W), uint8 or floating point in [0, 1], alone or first in a tuple.

    Raises:
        ImageError: If the painting cannot be read.
        FststyleError: If `init` is missing, broken, or of another network.
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        style: Path | str,
        name: str = "style",
        painting: str | None = None,
        network: NetworkName = "fast",
        width: float = 1.0,
        strength: bool = False,
        cost: Cost = Cost(),
        style_size: int = STYLE_SIZE,
        optimizer: Literal["muon", "adam"] = "muon",
        learning_rate: float = 5e-3,
        warmup: float = 0.15,
        ema_decay: float = 0.99,
        init: Path | str = PREDICTED,
        teacher: Path | str | None = None,
        only_norms: bool = False,
        channels_last: bool | None = None,
        graphs: Graphs = "never",
    ) -> None:
        super().__init__()
        if graphs not in get_args(Graphs):
            raise ValueError(f"graphs must be one of {', '.join(get_args(Graphs))}, not {graphs!r}")
        check_settings(style_size, width, learning_rate, warmup, ema_decay, optimizer)
        if teacher is not None and strength:
            raise ValueError("a teacher paints at full strength only; set strength: false, or leave it out")
        source = Path(style) if isinstance(style, str) else style
        if not isinstance(source, Path) and not hasattr(source, "read"):
            raise ValueError(f"style must be the path of a picture, not {type(style).__name__}")
        self.name, self.network, self.width, self.strength, self.cost = name, network, width, strength, cost
        self.painting = painting or getattr(source, "name", name)
        self.style_size, self.warmup = style_size, warmup
        self.optimizer, self.learning_rate = optimizer, learning_rate
        self.channels_last, self.graphs = channels_last, graphs
        self.teacher = None if teacher is None else Teacher(teacher)
        self.style_image = look_at(source, style_size)
        self.net = build_transformer_net(network, width)
        self.init = warm_start(self.net, network, width, str(init), self.style_image)
        if strength:
            self.net = StrengthNet(self.net)
        self.only_norms = only_norms
        if only_norms:
            if self.init == "none":
                raise ValueError(
                    f"only_norms needs a body to start from, and there is none for {network} at width {width:g}; use "
                    "network fast at width 1, or give init a network"
                )
            freeze_body(self.net)
        self.averaged = RunningAverage(self.net, ema_decay)
        self.averaged.requires_grad_(False)  # else two processes would wait for its gradients
        # The others are in the recipe, which is saved with them.
        self.save_hyperparameters({"warmup": warmup, "ema_decay": ema_decay}, logger=False)
        self._broken_steps = BrokenSteps()
        self.resume_anyway = False
        """Go on from a checkpoint of another recipe, too."""

    @classmethod
    def load_from_checkpoint(
        cls,
        checkpoint_path: Any,
        map_location: Any = None,
        hparams_file: Any = None,
        strict: bool | None = None,
        weights_only: bool | None = None,
        **settings: Any,
    ) -> Self:
        """A module as it was when a checkpoint was written; `settings` take the place of the saved ones.

        Only tensors and plain values are ever read from the file, and all settings stand in it: `weights_only` and
        `hparams_file` change nothing. The other arguments are Lightning's.

        Raises:
            CheckpointError: The file is missing, broken or not ours.
            TrainingError: It is of a version that did not save the painting; give it as `style`.
        """
        if cls.__init__ is not StyleTransferModule.__init__:
            return super().load_from_checkpoint(
                checkpoint_path, map_location, hparams_file, strict, weights_only, **settings
            )
        content = read_content(Path(checkpoint_path))
        module = cls(**(saved_settings(content, settings) | settings))
        module.init = content[CHECKPOINT_KEY]["recipe"]["init"]
        module.costs = dict(content[CHECKPOINT_KEY]["costs"])
        module.load_state_dict(content["state_dict"], strict=strict is not False)
        return module if map_location is None else module.to(map_location)

    @property
    def painting_sha256(self) -> str:
        """Fingerprint of the resized painting."""
        return hashlib.sha256(self.style_image.tobytes()).hexdigest()

    def setup(self, stage: str) -> None:
        """Build the objective if it is needed."""
        if stage != "predict":
            _ = self.objective

    def on_fit_start(self) -> None:
        """Bring the objective to the device that Lightning chose.

        Raises:
            TrainingError: If Lightning has made the weights anything but float32.
        """
        if next(self.net.parameters()).dtype != torch.float32:
            raise TrainingError(ONLY_FLOAT32)
        if self.network == "tiny" and self.teacher is None and self.init == "none":
            rank_zero_warn(
                "tiny alone learns blotches: train and export `fast` in this style first, and give it as teacher "
                "(--teacher fast.onnx)"
            )
        self._to_device()

    def _to_device(self) -> None:
        self.objective.to(self.device)
        # Measured: with the channels last, the transformer's backward pass is a quarter slower on a CPU.
        if self.channels_last if self.channels_last is not None else self.device.type == "cuda":
            self.net.to(memory_format=torch.channels_last)

    on_validation_start = on_test_start = _to_device

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Stop before a step that would ruin the network; on a GPU, before its next checkpoint.

        Raises:
            TrainingError: If a gradient is not finite; it names the terms that are not.
        """
        gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
        step = self.trainer.global_step
        self._broken_steps.see(nn.utils.get_total_norm(gradients), self.last_terms, step)
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        if self._looks_at_once() or scaler is not None or (step + 1) % LOOK_EVERY == 0:
            # The scaler of `16-mixed` leaves steps out whose gradients overflow, and scales less from then on.
            self._refuse_broken_steps(may_overflow=scaler is not None and scaler.get_scale() > 1)

    def _looks_at_once(self) -> bool:
        """Whether asking a tensor for its value costs nothing."""
        return self.device.type == "cpu"

    def _refuse_broken_steps(self, *, may_overflow: bool = False) -> None:
        broken = self._broken_steps.look()
        if broken is None or (may_overflow and not broken.terms):
            return
        terms = [name for name in broken.terms if name != "total_loss"]
        what = f"the {' and '.join(terms)}" if terms else "the gradient (of a finite cost)"
        raise TrainingError(
            f"{what} became NaN or infinite at step {broken.step}; nothing was saved since: {AFTER_NAN}"
        )

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, and take the step into the running average before any callback can save a checkpoint."""
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.net)

    def build_optimizer(self) -> Optimizer:
        """Without a schedule."""
        if self.optimizer == "adam":
            return Adam(self.net.parameters(), lr=self.learning_rate, fused=True)
        if self.only_norms:
            return Muon(self.net.parameters(), lr=self.learning_rate, others_rate=NORMS_ALONE_RATE)
        return Muon(self.net.parameters(), lr=self.learning_rate)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """The learning rate follows `progress`; if nothing ends the run, it is constant."""
        optimizer = self.build_optimizer()
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda _: one_cycle(self.progress, self.warmup) if self.has_end else 1.0,
        )
        return OptimizerLRSchedulerConfig(
            optimizer=optimizer, lr_scheduler=LRSchedulerConfigType(scheduler=schedule, interval="step")
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what export, resume and `load_from_checkpoint` need to know, in types that load with `weights_only`.

        Raises:
            TrainingError: A step since the last look was not finite.
        """
        self._refuse_broken_steps()
        checkpoint[CHECKPOINT_KEY] = {
            "version": __version__,
            "name": self.name,
            "painting": self.painting,
            "painting_sha256": self.painting_sha256,
            "style": torch.from_numpy(self.style_image),
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
        if self.resume_anyway:
            at_another_rate(checkpoint, self.learning_rate / saved["learning_rate"])
        else:
            refuse_another_recipe(saved, self.recipe())

    def recipe(self) -> dict[str, Any]:
        """What made this network, in JSON's types, without paths."""
        settings = {
            "network": self.network,
            "width": self.width,
            "strength": self.strength,
            "style_size": self.style_size,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "init": self.init,
            "only_norms": self.only_norms,
            "teacher": self.teacher and self.teacher.name,
        }
        return recipe(settings, self.cost)
