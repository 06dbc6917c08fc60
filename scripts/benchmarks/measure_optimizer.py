#!/usr/bin/env python
"""What the cost comes to where a picture is painted by its pixels: means over the sample photos, by iterations.

    python scripts/benchmarks/measure_optimizer.py --painting udnie.jpg --style-size 512 --weights vgg19.safetensors

L-BFGS from the photo, middle squares of 256 pixels, as `fststyle evaluate` counts what a network is worth. One that
shall be worth N iterations needs about the total of row N.
"""

import argparse
import statistics
import sys
from pathlib import Path

from torch import Tensor

from fststyle import samples
from fststyle.pictures.files import find_images, read_picture, resize_shorter_side
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.judge.evaluation import Settings
from fststyle.training.optimize.pixels import PixelOptimizer
from fststyle.training.tensors import reference_photos, unit_range

COLUMNS = ("content_loss", "style_loss", "total_loss")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--painting", type=Path, required=True)
    parser.add_argument("--style-size", type=int, default=Settings.style_size)
    parser.add_argument("--weights", type=Path, help="of VGG-19")
    parser.add_argument("--content", type=Path, help="folder of photos; the sample photos if not given")
    parser.add_argument("--at", type=int, nargs="+", default=[10, 20, 50, 100, 150], help="iterations")
    given = parser.parse_args()
    photos = find_images(given.content) if given.content else samples.photos()
    cost = Cost(loss_network="vgg19", weights=given.weights)
    style = unit_range(resize_shorter_side(read_picture(given.painting).rgb, given.style_size))
    objective = PerceptualObjective(cost, style, photos=reference_photos())
    found: dict[int, list[dict[str, float]]] = {iterations: [] for iterations in given.at}
    for path, square in zip(photos, ValidationPhotos(photos, Settings.size), strict=True):
        content = unit_range(square.permute(1, 2, 0).numpy())
        features = objective.content_features(content)

        def judged(picture: Tensor, features: dict[str, Tensor] = features) -> dict[str, Tensor]:
            return objective.terms(picture, features).named()

        optimizer = PixelOptimizer(judged, content)
        for iterations in sorted(found):
            while optimizer.last.iteration < iterations and not optimizer.stalled:
                optimizer.step()
            found[iterations].append(optimizer.last.terms)
        print(f"  {path.stem}", file=sys.stderr, flush=True)
    print(f"| iterations | {' | '.join(name.removesuffix('_loss') for name in COLUMNS)} |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for iterations, terms in sorted(found.items()):
        means = [statistics.fmean(each[name] for each in terms) for name in COLUMNS]
        print(f"| {iterations} | {' | '.join(f'{mean:.3g}' for mean in means)} |")


if __name__ == "__main__":
    main()
