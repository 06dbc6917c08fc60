"""A style by `fast` and by `johnson`, from nothing, for a minute each; and what VGG-19 says of them on the way."""

import copy
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from fststyle import samples
from fststyle.model.defaults import STYLE_SIZE
from fststyle.pictures.painting import look_at
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.run import train
from fststyle.training.tensors import reference_photos, unit_range

if TYPE_CHECKING:
    from gpu_section import Asked

STYLE = "swirls"

# Shares of the training after which VGG-19 judges, and seconds kept for it.
_MARKS = (1 / 12, 1 / 6, 1 / 3, 2 / 3)
_JUDGING = 6.0


class Snapshots(pl.Callback):
    """Keeps the averaged network as it is after some of the seconds; that takes a copy on the device."""

    def __init__(self, marks: Iterable[float]) -> None:
        self.marks = list(marks)
        self.kept: list[tuple[float, int, nn.Module]] = []
        self._began = 0.0

    def on_train_start(self, *_: Any) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Keep the network if a mark is passed."""
        seconds = time.monotonic() - self._began
        if self.marks and seconds >= self.marks[0]:
            self.marks.pop(0)
            self.keep(seconds, trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the last one."""
        self.keep(time.monotonic() - self._began, trainer, pl_module)

    def keep(self, seconds: float, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The network of now."""
        averaged = copy.deepcopy(cast(StyleTransferModule, pl_module).averaged.module)
        self.kept.append((seconds, trainer.global_step, averaged.eval()))


def run(asked: "Asked") -> int:
    """Each network has half of the time."""
    side = 256 if asked.on_gpu else 64
    for name, left in (("fast", 2), ("johnson", 1)):
        seconds = asked.style_seconds
        if asked.on_gpu:
            seconds = min(seconds, asked.left / left - 2 * _JUDGING)
        snapshots = Snapshots(seconds * mark for mark in _MARKS)
        settings = {"network": name, "minutes": seconds / 60, "crop": side, "batch_size": asked.batch}
        trained(asked, snapshots, **settings)
        tell(asked, name, snapshots, side, asked.batch)
    return 0


def trained(asked: "Asked", snapshots: Snapshots, **settings: Any) -> None:
    """Train from nothing on the sample photos, and keep the snapshots alone."""
    with tempfile.TemporaryDirectory() as folder:
        train(
            samples.style(STYLE),
            samples.photo_folder(),
            out=Path(folder) / "run",
            init="none",
            val_photos=1,
            limit_val_batches=0,
            logger=False,
            save_every=10**9,
            device=asked.device,
            devices=1,
            enable_progress_bar=False,
            on_device="always",
            callbacks=[snapshots],
            **settings,
        )


def tell(asked: "Asked", name: str, snapshots: Snapshots, side: int, batch: int) -> None:
    """What VGG-19 says of each snapshot."""
    device = torch.device(asked.device)
    photos, judge = judged_photos(side).to(device), vgg19(device)
    for seconds, steps, net in snapshots.kept:
        row = {"network": name, "seconds": seconds, "steps": steps, "photos": steps * batch}
        asked.row(f"{STYLE}, judged by vgg19 on the sample photos", **row, **judged(net.to(device), photos, judge))


def judged_photos(side: int) -> Tensor:
    """The middle squares of the sample photos, (N, 3, side, side) in [0, 1]."""
    squares = ValidationPhotos(samples.photos(), side)
    return torch.stack([squares[number] for number in range(len(squares))]).float().div(255)


def vgg19(device: torch.device) -> PerceptualObjective:
    """The judge of `fststyle evaluate`, for the style."""
    painting = unit_range(look_at(samples.style(STYLE), STYLE_SIZE))
    return PerceptualObjective(Cost(loss_network="vgg19"), painting, photos=reference_photos()).to(device)


@torch.no_grad()
def judged(net: nn.Module, photos: Tensor, judge: PerceptualObjective) -> dict[str, float]:
    """The mean terms of the cost, photo by photo."""
    terms = [judge.terms(net(photo[None]), judge.content_features(photo[None])) for photo in photos]
    return {
        name: float(torch.stack([getattr(each, name) for each in terms]).mean())
        for name in ("content", "style", "total")
    }
