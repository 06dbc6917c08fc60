#!/usr/bin/env python
"""What the gallery's networks cost at the sizes that people use, into docs/gallery_costs.json.

    python docs/make/gallery_costs.py --paintings paintings/ --photos photos/

VGG-19 judges. Networks that are measured already, as they are now, are not measured again. The table of
scripts/recipes/train_gallery.py has the names of the paintings' files. Photos are best of 1,100 to 1,500 pixels at
their shorter side; a network and photo take some ten seconds of one processor core.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from statistics import fmean

import torch

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
sys.path.insert(0, str(ROOT / "scripts" / "recipes"))

from train_gallery import find_paintings  # noqa: E402


@torch.no_grad()
def measure(network: Path, painting: Path, photos: list[Path], judge: LossNetwork) -> dict[str, list[float]]:
    """Content and style by short side, means over the photos."""
    model = Model.load(network)
    stylize = model.once or model.stylize
    rgb = read_picture(painting).rgb
    style = unit_range(resize_shorter_side(rgb, model.style_size or min(rgb.shape[:2])))
    objective = PerceptualObjective(Cost(loss_network="vgg19"), style, loss_network=judge)
    costs = {}
    for side in SIDES:
        found = []
        for photo in photos:
            content = resize_shorter_side(read_picture(photo).rgb, side)
            seen = objective.content_features(unit_range(content))
            found.append(objective.terms(unit_range(stylize(content)), seen))
        content_cost, style_cost = (fmean(float(getattr(terms, of)) for terms in found) for of in ("content", "style"))
        costs[str(side)] = [round(content_cost, 4), round(style_cost, 5)]
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paintings", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos that nothing was trained on")
    arguments = parser.parse_args()
    try:
        measure_all(arguments.paintings, find_images(arguments.photos))
    except FststyleError as error:
        sys.exit(f"error: {error}")


def measure_all(paintings: Path, photos: list[Path]) -> None:
    judge = load_loss_network(Cost(loss_network="vgg19"), reference_photos())
    known = json.loads(COSTS.read_text("utf-8")) if COSTS.exists() else {}
    found = {}
    for network in sorted(MODELS.glob("*.onnx")):
        digest = hashlib.sha256(network.read_bytes()).hexdigest()
        if known.get(network.stem, {}).get("sha256") == digest:
            found[network.stem] = known[network.stem]
            continue
        card = read_model(network).card
        if card is None:
            raise FststyleError(f"{network} has no card; export it with `fststyle export`")
        painting = find_paintings(paintings, {card.style})[card.style]
        costs = measure(network, painting, photos, judge)
        found[network.stem] = {"sha256": digest, "costs": costs}
        print(network.stem, costs, flush=True)
        atomic_write(COSTS, (json.dumps(known | found, indent=1) + "\n").encode())
    atomic_write(COSTS, (json.dumps(found, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
