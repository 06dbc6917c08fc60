#!/usr/bin/env python
"""The README's strip for `fststyle optimize`: one photo and one painting, and four ways to bring them together.

    python docs/make/make_optimize_picture.py --style starry_night.jpg --weights vgg19.safetensors out.jpg

From left to right: a sample photo; from the photo; from noise with three times the style weight; the texture of the
painting; what relu5_1 keeps of the photo.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from fststyle import samples
from fststyle.pictures.files import fit_longer_side, read_picture, write_picture
from fststyle.pictures.sheet import contact_sheet
from fststyle.training.cost.objective import Cost
from fststyle.training.optimize.coarse_to_fine import Rgb
from fststyle.training.optimize.request import Request
from fststyle.training.optimize.run import OptimizeRun


def optimized(request: Request) -> Rgb:
    run = OptimizeRun(request, torch.device("cpu"))
    for _ in run.steps():
        pass
    run.finish()
    return run.picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--photo", default="temple", help="name of a sample photo")
    parser.add_argument("--size", type=int, default=320, help="longer side of the pictures")
    arguments = parser.parse_args()

    photo = samples.photo_folder() / f"{arguments.photo}.jpg"
    shown = fit_longer_side(read_picture(photo).rgb, arguments.size)
    height, width = shown.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        cost = Cost(loss_network="vgg19", weights=arguments.weights)
        plain = Request(Path(folder) / "out.png", cost, photo, (arguments.style,), size=arguments.size)
        strip = [
            shown,
            optimized(plain),
            optimized(replace(plain, start="noise", cost=replace(cost, style_weight=3))),
            optimized(replace(plain, content=None, size=(width, height))),
            optimized(replace(plain, styles=(), start="noise", cost=replace(cost, content_layers=("relu5_1",)))),
        ]
    write_picture(arguments.output, contact_sheet([strip]), quality=85)


if __name__ == "__main__":
    main()
