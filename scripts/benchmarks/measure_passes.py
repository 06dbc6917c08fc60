#!/usr/bin/env python
"""Compare large photos painted in one pass and in several: costs as seen on a screen and at 1:1, blur, time.

    python scripts/benchmarks/measure_passes.py udnie --painting udnie.jpg --photos large/ --passes 1 auto --save out/

Costs are judged by the medium loss network, or by --loss-network vgg19, which takes ten times as long. The time is that
of one thread. First comes what the passes rely on: the contrast of the two finest octaves of the painting, in gray
levels, and of what the network paints in the first pass, with their ratio.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray

from fststyle.paint.passes import FIRST_SIDE, parse_passes
from fststyle.paint.step import octave_contrasts
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import find_images, read_picture, resize_shorter_side, write_picture
from fststyle.training.cost.objective import Cost, load_loss_network
from fststyle.training.judge.sizes import SizeJudge, SizeScores
from fststyle.training.tensors import reference_photos

Pixels = NDArray[np.uint8]

_SCORES = ("content", "style", "wasserstein", "blur", "direction")


class Timed:
    """Paints, and remembers how long it took and what came out."""

    def __init__(self, stylizer: Stylizer, passes: str) -> None:
        self._paint = partial(stylizer, passes=parse_passes(passes))
        self.passes = passes
        self.seconds: list[float] = []
        self.last: Pixels | None = None

    def __call__(self, photo: Pixels) -> Pixels:
        """Paint (H, W, 3)."""
        begun = time.process_time()
        self.last = self._paint(photo)
        self.seconds.append(time.process_time() - begun)
        return self.last


def show_octaves(stylizer: Stylizer, painting: Pixels, photos: list[Path], style_size: int) -> None:
    """One line for the painting, one for the network."""
    own = octave_contrasts(resize_shorter_side(painting, style_size))
    print(f"painting at {style_size}: {own[0]:.1f}, {own[1]:.1f}, fall {own[0] / own[1]:.2f}")
    made = [
        octave_contrasts(stylizer(resize_shorter_side(read_picture(path).rgb, FIRST_SIDE), passes=1)) for path in photos
    ]
    falls = [finest / second for finest, second in made]
    spread = f" ± {stdev(falls):.2f}" if len(falls) > 1 else ""
    finest, second = (fmean(pair[number] for pair in made) for number in (0, 1))
    print(f"{stylizer.style} at {FIRST_SIDE}: {finest:.1f}, {second:.1f}, fall {fmean(falls):.2f}{spread}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an ONNX file, or a name")
    parser.add_argument("--painting", type=Path, required=True, help="the network's own")
    parser.add_argument("--photos", type=Path, required=True, help="of 1536 pixels and more")
    parser.add_argument("--passes", nargs="+", default=["1", "auto"])
    parser.add_argument("--loss-network", default="medium")
    parser.add_argument("--limit", type=int, help="use only the first N photos")
    parser.add_argument("--save", type=Path, help="a folder for the pictures")
    given = parser.parse_args()
    stylizer = Stylizer(given.model, "cpu", threads=1)
    style_size = int(stylizer.card.recipe.get("style_size", 512)) if stylizer.card is not None else 512
    painting = read_picture(given.painting).rgb
    photos = find_images(given.photos)[: given.limit]
    show_octaves(stylizer, painting, photos, style_size)
    cost = Cost(loss_network=given.loss_network)
    judge = SizeJudge(cost, load_loss_network(cost, reference_photos()), painting, style_size)
    painters = [Timed(stylizer, passes) for passes in given.passes]
    print(f"| passes | size | {' | '.join(_SCORES)} | seconds |\n|---|---|{'---|' * (len(_SCORES) + 1)}")
    for painter in painters:
        found: list[SizeScores] = []
        for path in photos:  # one at a time, so that its painting can be kept
            found += judge.judge([painter], [path], ())[0]
            if given.save is not None and painter.last is not None:
                given.save.mkdir(parents=True, exist_ok=True)
                write_picture(given.save / f"{path.stem}_{stylizer.style}_{painter.passes}.png", painter.last)
        for label in dict.fromkeys(scores.label for scores in found):
            means = []
            for name in _SCORES:
                values = [getattr(scores, name) for scores in found if scores.label == label]
                means.append("" if values[0] is None else f"{fmean(values):.3f}")
            print(f"| {painter.passes} | {label} | {' | '.join(means)} | {fmean(painter.seconds):.1f} |", flush=True)
        if screens := judge.too_small_for([found]):
            print(f"not as seen at {screens}: the painting is smaller")


if __name__ == "__main__":
    main()
