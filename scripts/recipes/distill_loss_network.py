#!/usr/bin/env python
"""Make slim or medium, loss networks that ship: a VGG-19 of fewer channels, taught to see what VGG-19 sees.

    python scripts/recipes/distill_loss_network.py --photos photos/ --paintings paintings/ --painted painted/ \
        --out runs/slim

Photos: a few hundred of any kind. Paintings: a dozen of any artist. Painted: what style networks made of photos, from
`fststyle stylize`; the more networks, the better. Give the teacher's weights with --weights, or let torchvision fetch
them. Interrupted, the same command goes on. Two CPU cores need about 45 minutes, and the lessons 9 GB of disk.

A network trained with a young slim paints what slim does not see. Hence further rounds: let `train_base.py
--loss-network slim --keep-painted FOLDER` paint, once with `--init base` and once from nothing, since what one shows
the other does not, and teach slim with --start, both folders among the painted ones, and a --learning-rate of 0.002.
--network medium learned first from what had been painted with slim, then from what had been painted with itself. It
begins so near to the teacher that more than a --learning-rate of 0.001 leads it away at first; the second round had
half of that.
"""

import argparse
import sys
from pathlib import Path

from fststyle.errors import FststyleError
from fststyle.training.cost.weights import DISTILLED
from fststyle.training.devices import torch_device
from fststyle.training.distill.pictures import Sources
from fststyle.training.distill.run import Recipe, distill


def say(what: str, done: int, of: int) -> None:
    print(f"{done}/{of}  {what}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for folder in ("photos", "paintings"):
        parser.add_argument(f"--{folder}", type=Path, required=True)
    parser.add_argument("--painted", type=Path)
    parser.add_argument("--weights", type=Path, help="of VGG-19")
    parser.add_argument("--start", type=Path, help="an earlier one to go on from")
    parser.add_argument("--out", type=Path, default=Path("runs/slim"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--network", choices=DISTILLED, default=Recipe.network, help="which to make")
    for name, default in vars(Recipe()).items():
        if name != "network":
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    arguments = parser.parse_args()
    recipe = Recipe(**{name: getattr(arguments, name) for name in vars(Recipe())})
    try:
        sources = Sources.find(arguments.photos, arguments.paintings, arguments.painted)
        file = distill(
            arguments.weights,
            sources,
            arguments.out,
            recipe,
            start=arguments.start,
            device=torch_device(arguments.device),
            progress=say,
        )
    except (FststyleError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(file)


if __name__ == "__main__":
    main()
