"""Three style weights after a minute of training, side by side, to choose one by eye.

One network learns all three: the convolutions are shared, each weight has its own gains and shifts (Dumoulin 2017), and
the steps take turns. So every step helps all three; separate networks would have 20 seconds each.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback
from torch import Tensor, nn

from fststyle.errors import DataError, TrainingError
from fststyle.pictures.sheet import contact_sheet
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.many_styles import in_styles, styled_norms, with_styles
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.step_cost import StyleChoice
from fststyle.training.fit.trainer import bare_trainer
from fststyle.training.networks.warm_start import PREDICTED
from fststyle.training.tensors import to_uint8

# Factors of the style weight that was asked for: from a hint of the painting to all of it.
FACTORS = (0.3, 1.0, 3.0)

_PHOTOS = 4

# Side of the squares, two or more a step. Small ones teach faster; their drawbacks need longer than a minute to show.
_CROP = 128


class Strengths(Callback):
    """Trains a network at several style weights in turn, each with its own norms.

    Args:
        factors: On the style weight that the module's cost has.
    """

    def __init__(self, factors: tuple[float, ...] = FACTORS) -> None:
        self.factors = factors

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give every strength its own gains and shifts, before the optimizer is made.

        Raises:
            TrainingError: The network has no instance norm, as Johnson's of 2016, or is told its strength.
        """
        module = _ours(pl_module)
        if module.strength:
            raise TrainingError("a network that is told its strength needs no preview; leave out --model.strength")
        nets: tuple[nn.Module, ...] = (module.net, module.averaged.module)
        for net in nets:
            with_styles(net, len(self.factors))
        if not any(True for _ in styled_norms(module.net)):
            raise TrainingError(f"{module.network} has no instance norm, which a preview needs; preview with fast")
        module.averaged.requires_grad_(False)
        module.teacher = None  # it has one strength, and would make all of them alike
        module.chooser = lambda: self.choice(module, trainer.global_step % len(self.factors))

    def choice(self, module: StyleTransferModule, number: int) -> StyleChoice:
        """Paint and judge at one of the strengths."""
        style = torch.full((1,), number, device=module.device)
        return StyleChoice(
            lambda net, content: in_styles(net, content, style),
            style_weight=module.cost.style_weight * self.factors[number],
        )

    @torch.no_grad()
    def sheet(self, module: StyleTransferModule, photos: Tensor) -> NDArray[np.uint8]:
        """A sheet with a row for each photo, (B, 3, H, W) in [0, 1]: the photo, then the paintings, weakest first."""
        columns = [list(photos)]
        for number in range(len(self.factors)):
            paint = self.choice(module, number).paint
            columns.append([paint(module.averaged, photo[None])[0] for photo in photos])
        return contact_sheet([[to_uint8(picture) for picture in row] for row in zip(*columns, strict=True)])


def weights(module: StyleTransferModule, factors: tuple[float, ...] = FACTORS) -> list[float]:
    """The style weights that are shown, as a user would type them."""
    return [float(f"{module.cost.style_weight * factor:.2g}") for factor in factors]


def preview(
    module: StyleTransferModule,
    data: ContentData,
    folder: Path,
    callbacks: list[Callback],
    predicted: Callable[[NDArray[np.uint8]], None] = lambda _: None,
    **trainer: Any,
) -> NDArray[np.uint8]:
    """Train for a short while and show held-out photos at three strengths.

    Args:
        module: As for a training; it cannot be used for one afterwards.
        data: As for a training; its crops are made small.
        folder: Where Lightning may write; nothing is kept.
        callbacks: One of them must end the run, such as `TimeBudget`.
        predicted: Gets a sheet of what is painted before any training, if the module begins with a predicted network.
        trainer: For Lightning's `Trainer`: accelerator, precision, max_steps, …

    Raises:
        DataError: There is no photo that could be shown.
        TrainingError: See `Strengths`.
    """
    data.setup("fit")
    if not data.val_files:
        raise DataError("a preview shows photos that were held out, and there are none; give more, or --val-photos 4")
    shown = [photo.float().div(255) for (photo,) in data.val_dataloader()][:_PHOTOS]
    if module.init == PREDICTED:
        predicted(_side_by_side(module.averaged.eval(), shown))
        module.averaged.train()
    data.sides, data.batch_size = (min(*data.sides, _CROP),), max(data.batch_size, 2)
    strengths = Strengths()
    short = bare_trainer(
        **{"max_steps": -1} | trainer,
        limit_val_batches=0,
        callbacks=[strengths, *callbacks],
        enable_checkpointing=False,
        default_root_dir=folder,
    )
    short.fit(module, data)
    module.eval()  # as the network will be used
    return strengths.sheet(module, torch.stack(shown).to(module.device))


@torch.no_grad()
def _side_by_side(net: nn.Module, photos: Sequence[Tensor]) -> NDArray[np.uint8]:
    return contact_sheet([[to_uint8(photo), to_uint8(net(photo[None])[0])] for photo in photos])


def _ours(module: pl.LightningModule) -> StyleTransferModule:
    if not isinstance(module, StyleTransferModule):
        raise TypeError(f"a preview trains a StyleTransferModule, not a {type(module).__name__}")
    return module
