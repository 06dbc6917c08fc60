#!/usr/bin/env python
"""Make the predictor and its body: the files behind `fststyle new`.

    python scripts/recipes/train_predictor.py --photos photos/ --paintings paintings/ --held-out held_out.txt \
        --minutes 60 --out runs/predictor

Paintings are any pictures; the package's sample styles are added. Those that `--held-out` names, a file name a line,
are left out, to measure with later. First every painting is looked at, in several variants, which takes some minutes
and is kept in the run's folder. Then one body and the predictor of its numbers are trained together. Interrupted, the
same command goes on. At the end predictor.onnx and body.onnx lie in the run's folder; put them into fststyle/predict/
to ship them. --start takes up where another run ended, with another judge or other crops for example; where a run's
checkpoint is gone, from the two files alone.
"""

import argparse
import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytorch_lightning as pl
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from fststyle import samples
from fststyle.errors import FststyleError
from fststyle.model.card import ModelCard
from fststyle.pictures.files import find_images
from fststyle.training.checkpoint import AtomicCheckpointIO, read_checkpoint
from fststyle.training.cost.loss_network import Architecture, LossNetwork
from fststyle.training.cost.objective import Cost, load_loss_network
from fststyle.training.data.photos import ContentData
from fststyle.training.data.readers import plain_reading_errors
from fststyle.training.devices import default_precision, torch_device
from fststyle.training.fit.callbacks import CostProgressBar, LastCheckpoint, StopOnSignal, TimeBudget
from fststyle.training.fit.trainer import bare_trainer
from fststyle.training.predict.bank import StyleBank, mean_products
from fststyle.training.predict.export import export_predictor
from fststyle.training.predict.exported import load_vectors, read_net
from fststyle.training.predict.module import PredictorModule
from fststyle.training.predict.predicted_net import PredictedNet
from fststyle.training.predict.style_vector import StyleVector
from fststyle.training.safe_load import safe_load
from fststyle.training.tensors import reference_photos

# The loss network inside the predictor. The smallest is enough to tell styles apart, and is the fastest.
TRUNK = "slim"

# Paintings are drawn by kind, or a collection's many dark portraits would decide what a style is.
KINDS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--held-out", type=Path, help="a text file with the names of paintings to leave out")
    parser.add_argument("--variants", type=int, default=8, help="of each painting")
    parser.add_argument("--judge", default="slim", help="the loss network: slim, medium or vgg19")
    parser.add_argument("--grid-weight", type=float, default=1.0, help="of the term against ripples")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--crop", default="128", help="side of the crops of photos, or several: 256,384")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--start", type=Path, help="folder of an earlier run, or of its files: fststyle/predict")
    parser.add_argument("--out", type=Path, default=Path("runs/predictor"))
    arguments = parser.parse_args()
    try:
        train(arguments)
    except (FststyleError, ValueError) as error:
        sys.exit(f"error: {error}")


def train(arguments: argparse.Namespace) -> None:
    pl.seed_everything(0, verbose=False)
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    bank = looked_at(arguments)
    chances = by_kind(bank.vectors.standardized(bank.raw)[:: bank.variants]).repeat_interleave(bank.variants)
    cost = Cost(loss_network=arguments.judge, grid_weight=arguments.grid_weight)
    module = PredictorModule(bank, chances, cost=cost, learning_rate=arguments.learning_rate)
    if arguments.start is not None:
        earlier = arguments.start / "last.ckpt"
        module.start_from(
            read_checkpoint(earlier).state
            if earlier.exists()
            else read_net(module.network, bank.vectors.size, arguments.start).state_dict()
        )
    data = ContentData(arguments.photos, crop=arguments.crop, batch_size=arguments.batch, dark=0.1)
    data.bad_list, data.cache_folder = folder / "bad_files.jsonl", folder / ".decoded"
    signals, last = StopOnSignal(), folder / "last.ckpt"
    trainer = bare_trainer(
        max_steps=-1,
        precision=default_precision(torch_device("auto")),
        val_check_interval=1_000_000,
        check_val_every_n_epoch=None,
        callbacks=[TimeBudget(arguments.minutes), signals, CostProgressBar(), LastCheckpoint(folder, 200)],
        plugins=[AtomicCheckpointIO()],
        default_root_dir=folder,
    )
    with plain_reading_errors():
        trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)
    if signals.received is not None:
        sys.exit(f"stopped; the same command goes on from {last}")
    card = ModelCard(
        style="body",
        network=module.network,
        width=1.0,
        loss_network=arguments.judge,
        recipe={"paintings": len(bank.paintings), "variants": bank.variants},
        steps=0,
        licence="MIT",
        min_side=module.predicted.min_side,
    )
    export_predictor(cast(PredictedNet, module.averaged.module), bank.vectors, module.network, card, folder)
    print(f"{folder}: predictor.onnx and body.onnx, after {trainer.global_step:,} steps on {len(bank)} styles")


def looked_at(arguments: argparse.Namespace) -> StyleBank:
    """The styles, with what the predictor sees of them; what was looked at in an earlier run is taken over."""
    folder = arguments.start or arguments.out
    names = {line.strip() for line in arguments.held_out.read_text().splitlines()} if arguments.held_out else set()
    paintings = [path for path in find_images(arguments.paintings) if path.name not in names] + samples.styles()
    judges = {name: seeing(name) for name in {TRUNK, arguments.judge}}
    vectors = StyleVector(judges[TRUNK])
    known = folder / "vectors.pt"
    if known.exists():
        vectors.load_state_dict(safe_load(known))
    elif arguments.start is not None:
        load_vectors(vectors, arguments.start)
    else:
        vectors.look_along(mean_products(vectors.trunk, paintings[::7]))
        keep(vectors, known)
    bank = StyleBank(arguments.out / "styles", paintings, arguments.variants, judges, vectors)
    bank.look()
    if arguments.start is None:
        vectors.standardize(bank.raw)
    keep(vectors, arguments.out / "vectors.pt")
    return bank


def keep(vectors: StyleVector, path: Path) -> None:
    AtomicCheckpointIO().save_checkpoint(dict(vectors.state_dict()), path)


def seeing(name: str) -> LossNetwork:
    return load_loss_network(Cost(loss_network=cast(Architecture, name)), reference_photos())


def by_kind(vectors: Tensor) -> Tensor:
    """How often each painting is drawn, (N,): the more of its kind there are, the less."""
    centered = (vectors - vectors.mean(0)).numpy()
    left, values, _ = np.linalg.svd(centered, full_matrices=False)
    most = min(32, len(vectors) - 1)
    _, kinds = kmeans2((left * values)[:, :most], min(KINDS, len(vectors)), minit="++", seed=1)
    return torch.tensor(np.bincount(kinds)[kinds] ** -0.5, dtype=torch.float32)


if __name__ == "__main__":
    main()
