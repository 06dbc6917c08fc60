#!/usr/bin/env python
"""What the gallery's networks cost at the sizes that people use, into docs/gallery_costs.json.

    python docs/make/gallery_costs.py --paintings paintings/ --photos photos/

VGG-19 judges. Networks that are measured already, as they are now and on these photos, are not measured again. The
table of scripts/recipes/train_gallery.py has the names of the paintings' files. A network and photo take some ten
seconds of one processor core.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fststyle.errors import FststyleError
from fststyle.model.file import read_model
from fststyle.pictures.files import find_images, read_picture, resize_shorter_side
from fststyle.system.files import atomic_write
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, PerceptualObjective, load_loss_network
from fststyle.training.judge.model import Model
from fststyle.training.tensors import reference_photos, unit_range

ROOT = Path(__file__).resolve().parents[2]
MODELS, COSTS = ROOT / "models", ROOT / "docs" / "gallery_costs.json"
SIDES = (256, 512, 1024)
COST = Cost(loss_network="vgg19")
sys.path.insert(0, str(ROOT / "scripts" / "recipes"))

from train_gallery import find_paintings  # noqa: E402


class Seen(NamedTuple):
    """A photo at one size, and what VGG-19 sees in it."""

    side: int
    rgb: NDArray[np.uint8]
    content: dict[str, Tensor]


@torch.no_grad()
def looked_at(photos: list[Path], judge: LossNetwork) -> list[Seen]:
    """Every photo at every size: as costly to look at as what a network paints, so it is done once for all of them."""
    found = []
    for photo in photos:
        rgb = read_picture(photo).rgb
        for side in SIDES:
            smaller = resize_shorter_side(rgb, side)
            found.append(Seen(side, smaller, judge(unit_range(smaller), COST.content_layers)))
    return found


@torch.no_grad()
def measure(network: Path, painting: Path, photos: list[Seen], judge: LossNetwork) -> dict[str, list[float]]:
    """Content and style by short side, means over the photos."""
    model = Model.load(network)
    stylize = model.once or model.stylize
    rgb = read_picture(painting).rgb
    style = unit_range(resize_shorter_side(rgb, model.style_size or min(rgb.shape[:2])))
    objective = PerceptualObjective(COST, style, loss_network=judge)
    costs = {}
    for side in SIDES:
        found = [objective.terms(unit_range(stylize(seen.rgb)), seen.content) for seen in photos if seen.side == side]
        content_cost, style_cost = (fmean(float(getattr(terms, of)) for terms in found) for of in ("content", "style"))
        costs[str(side)] = [round(content_cost, 4), round(style_cost, 5)]
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paintings", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos that nothing was trained on")
    parser.add_argument("--only", nargs="+", metavar="STYLE", help="networks of other styles keep their figures")
    arguments = parser.parse_args()
    try:
        measure_all(arguments.paintings, find_images(arguments.photos), arguments.only)
    except FststyleError as error:
        sys.exit(f"error: {error}")


def measure_all(paintings: Path, photos: list[Path], only: list[str] | None) -> None:
    judge = load_loss_network(COST, reference_photos())
    known = json.loads(COSTS.read_text("utf-8")) if COSTS.exists() else {}
    names, found = sorted(photo.stem for photo in photos), {}
    seen: list[Seen] = []
    for network in sorted(MODELS.glob("*.onnx")):
        digest = hashlib.sha256(network.read_bytes()).hexdigest()
        before = known.get(network.stem, {})
        card = read_model(network).card
        if card is None:
            raise FststyleError(f"{network} has no card; export it with `fststyle export`")
        is_left = bool(before and only) and card.style not in only
        if is_left or (before.get("sha256") == digest and before.get("photos") == names):
            found[network.stem] = before
            continue
        painting = find_paintings(paintings, {card.style})[card.style]
        seen = seen or looked_at(photos, judge)
        costs = measure(network, painting, seen, judge)
        found[network.stem] = {"sha256": digest, "photos": names, "costs": costs}
        print(network.stem, costs, flush=True)
        atomic_write(COSTS, (json.dumps(known | found, indent=1) + "\n").encode())
    atomic_write(COSTS, (json.dumps(found, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
