#!/usr/bin/env python
"""Train one network on many paintings at once, and split it into a network for each.

    python scripts/recipes/train_base.py --photos photos/ --paintings starry_night.jpg scream.jpg … --minutes 40 \
        --sides 320 --out runs/base

The package's sample styles are added to the paintings. Interrupted, the same command goes on. In `styles/` of the
run's folder lies each style by itself (painting_SIDE.ckpt), for `fststyle export` or for `fststyle train --init`. With
--sides the styles are the paintings themselves, in so many sizes; without, variants of them in size, color and
direction. A painting can have a size of its own (scream.jpg:512). --from takes up where an earlier run ended, perhaps
with a network built a little differently. --keep-painted is for scripts/recipes/distill_loss_network.py.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn

from fststyle import samples
from fststyle.errors import FststyleError
from fststyle.pictures.files import write_picture
from fststyle.training.checkpoint import CHECKPOINT_KEY, AtomicCheckpointIO, read_checkpoint
from fststyle.training.cost.objective import Cost
from fststyle.training.data.cache import CACHE_FOLDER, remove_cache
from fststyle.training.data.photos import ContentData
from fststyle.training.data.readers import plain_reading_errors
from fststyle.training.devices import default_precision, torch_device
from fststyle.training.fit.callbacks import CostProgressBar, LastCheckpoint, SamplePictures, StopOnSignal, TimeBudget
from fststyle.training.fit.many_styles import ManyStylesModule, one_style
from fststyle.training.fit.trainer import bare_trainer
from fststyle.training.networks.strength import plain_state
from fststyle.training.tensors import to_uint8


class KeepPainted(pl.Callback):
    """Writes what the network in training makes, so that a distilled loss network can learn from it, too."""

    def __init__(self, folder: Path, every_n_steps: int) -> None:
        self.folder, self.every_n_steps = folder, every_n_steps

    def on_train_start(self, trainer: pl.Trainer, pl_module: ManyStylesModule) -> None:
        """Look at what leaves the network from now on."""

        def keep(_: nn.Module, __: tuple[Tensor, ...], painted: Tensor) -> None:
            if trainer.global_step % self.every_n_steps == 0:
                for number, picture in enumerate(painted):
                    name = f"{trainer.global_step:06d}_{number}.png"
                    write_picture(self.folder / name, to_uint8(picture))

        pl_module.net.register_forward_hook(keep)


def train(arguments: argparse.Namespace) -> Path:
    pl.seed_everything(0, verbose=False)
    folder: Path = arguments.out
    cost = Cost(loss_network=arguments.loss_network, weights=arguments.weights)
    given = [with_sides(text, arguments.sides) for text in arguments.paintings]
    given += [(path, tuple(arguments.sides)) for path in samples.styles()]
    paintings, sides = [path for path, _ in given], [of_this for _, of_this in given]
    module = ManyStylesModule(paintings, arguments.network, cost, arguments.init, sides if arguments.sides else ())
    styles = [(painting, side) for painting, of_this in given for side in of_this]
    if arguments.start is not None:
        files = [arguments.start / f"{painting.stem}_{side}.ckpt" for painting, side in styles]
        fresh = module.start_from([plain_state(dict(read_checkpoint(file).state)) for file in files])
        print(f"begin anew: {', '.join(fresh) or 'none'}")
    data = ContentData(arguments.photos, crop=arguments.crop, batch_size=arguments.batch)
    data.bad_list, data.cache_folder = folder / "bad_files.jsonl", folder / CACHE_FOLDER
    remove_cache(data.cache_folder)  # an interrupted run's, perhaps of other photos
    signals = StopOnSignal()
    last = folder / "last.ckpt"
    trainer = bare_trainer(
        max_steps=arguments.steps,
        precision=default_precision(torch_device("auto")),
        val_check_interval=1000,
        check_val_every_n_epoch=None,
        callbacks=[
            TimeBudget(arguments.minutes),
            signals,
            SamplePictures(folder / "samples"),
            CostProgressBar(),
            LastCheckpoint(folder, 500),
            *([KeepPainted(arguments.keep_painted, 2)] if arguments.keep_painted else []),
        ],
        plugins=[AtomicCheckpointIO()],
        default_root_dir=folder,
    )
    with plain_reading_errors():
        trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)
    remove_cache(data.cache_folder)
    if signals.received is not None:
        sys.exit(f"stopped; the same command goes on from {last}")
    if not arguments.sides:
        return last
    split(module, styles, folder / "styles")
    return folder / "styles"


def with_sides(text: str, sides: list[int]) -> tuple[Path, tuple[int, ...]]:
    """A painting's file, and the sizes at which it is looked at: its own behind a colon, or everybody's."""
    path, _, side = text.rpartition(":")
    return (Path(path), (int(side),)) if path and side.isdecimal() else (Path(text), tuple(sides))


def split(module: ManyStylesModule, styles: list[tuple[Path, int]], folder: Path) -> None:
    """Write a checkpoint for each style, as if it had been trained alone."""
    for number, (painting, side) in enumerate(styles):
        state = {f"averaged.module.{key}": value for key, value in one_style(module.averaged.module, number).items()}
        name = f"{painting.stem}_{side}"
        checkpoint: dict[str, Any] = {"state_dict": state, "global_step": module.global_step}
        module.on_save_checkpoint(checkpoint)
        facts = checkpoint[CHECKPOINT_KEY]
        facts |= {
            "name": name,
            "painting": painting.name,
            "costs": {},
            "recipe": facts["recipe"] | {"style_size": side},
        }
        AtomicCheckpointIO().save_checkpoint(checkpoint, folder / f"{name}.ckpt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", nargs="+", required=True, help="files, each perhaps with :SIDE")
    parser.add_argument("--network", default="fast")
    parser.add_argument("--loss-network", default=None)
    parser.add_argument("--weights", type=Path, help="of the loss network")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=-1)
    parser.add_argument("--sides", type=int, nargs="+", default=[], help="of the paintings, shorter ones, in pixels")
    parser.add_argument("--init", default="none", help="base, none or a checkpoint of one style")
    parser.add_argument("--from", dest="start", type=Path, help="styles/ of an earlier run with these styles")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--keep-painted", type=Path, help="folder for what it paints on the way")
    parser.add_argument("--out", type=Path, default=Path("runs/base"))
    arguments = parser.parse_args()
    if arguments.minutes is None and arguments.steps < 1:
        parser.error("give --minutes or --steps")
    own_sides = any(with_sides(text, [])[1] for text in arguments.paintings)
    if not arguments.sides and (own_sides or arguments.start is not None):
        parser.error("give --sides, for the paintings without one of their own, too")
    try:
        print(train(arguments))
    except (FststyleError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
