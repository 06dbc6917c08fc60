#!/usr/bin/env python
"""What `fststyle stylize --grain` costs and gains: networks with and without, on the sample photos.

    python scripts/benchmarks/measure_grain.py udnie udnie_johnson --painting udnie.jpg --weights vgg19.safetensors

Costs are against the photos without grain. Flicker is of pictures of one scene that the grain does not move with.
"""

import argparse
import dataclasses
from functools import partial
from pathlib import Path

from fststyle import samples
from fststyle.commands.evaluate import common_style_size
from fststyle.pictures.files import find_images
from fststyle.training.cost.objective import Cost
from fststyle.training.judge.evaluate import Model, evaluate
from fststyle.training.judge.evaluation import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="files or names of networks, of one painting in one size")
    parser.add_argument("--painting", type=Path, required=True, help="the networks' own")
    parser.add_argument("--weights", type=Path, help="of VGG-19")
    parser.add_argument("--grain", type=float, nargs="+", default=[0, 4, 8, 16])
    parser.add_argument("--content", type=Path, help="folder of photos; the sample photos if not given")
    given = parser.parse_args()
    loaded = [Model.load(path) for path in given.models]
    models = [
        dataclasses.replace(model, name=f"`{model.name}` | {grain:g}", stylize=partial(model.stylize, grain=grain))
        for model in loaded
        for grain in given.grain
    ]
    judged = evaluate(
        models,
        find_images(given.content) if given.content else samples.photos(),
        given.painting,
        cost=Cost(loss_network="vgg19", weights=given.weights),
        settings=Settings(style_size=common_style_size(loaded), iterations=0, speed_side=0, sizes=()),
    ).models
    columns = ("content_loss", "style_loss", "total_loss", "grid", "border", "flicker")
    print(f"| network | grain | {' | '.join(name.removesuffix('_loss') for name in columns)} |")
    print("|---" * (len(columns) + 2) + "|")
    for scores in judged:
        mean = scores.mean()
        print(f"| {scores.name} | {' | '.join(f'{mean[name]:.3g}' for name in columns)} |")


if __name__ == "__main__":
    main()
