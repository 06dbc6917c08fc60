#!/usr/bin/env python
"""Judge networks that nobody trained: `fststyle new` on paintings that the predictor has not seen.

    python scripts/benchmarks/measure_predictor.py --photos photos/ --paintings held_out/ --out predicted/
    python scripts/benchmarks/measure_predictor.py --photos photos/ --paintings held_out/ --trained runs/

Costs are those of VGG-19 on middle squares of the photos, at the style size of the painting; total = content +
15 · style, as networks are trained. --trained is a folder with networks that were trained on the same paintings, named
like them (a.onnx for a.jpg): then the ratio to each is printed, too. --out keeps the networks and a sheet of what they
paint, the painting on the left.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fststyle import Stylizer, write_new_style
from fststyle.errors import FststyleError
from fststyle.pictures.files import find_images, read_picture, resize_shorter_side, write_picture
from fststyle.pictures.sheet import middle_square
from fststyle.training.cost.objective import Cost, PerceptualObjective, load_loss_network
from fststyle.training.tensors import reference_photos, unit_range

Pixels = NDArray[np.uint8]

STYLE_WEIGHT = 15.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--names", type=Path, help="a text file: only these paintings")
    parser.add_argument("--count", type=int, default=10, help="of the photos")
    parser.add_argument("--size", type=int, default=256, help="of the photos' squares")
    parser.add_argument("--style-size", type=int, default=320)
    parser.add_argument("--trained", type=Path, help="a folder of networks to compare with")
    parser.add_argument("--out", type=Path, help="a folder to keep networks and a sheet in")
    arguments = parser.parse_args()
    try:
        measure(arguments)
    except (FststyleError, ValueError) as error:
        sys.exit(f"error: {error}")


def measure(arguments: argparse.Namespace) -> None:
    found = find_images(arguments.photos)[: arguments.count]
    photos = [middle_square(read_picture(path).rgb, arguments.size) for path in found]
    names = None if arguments.names is None else arguments.names.read_text().split()
    paintings = [path for path in find_images(arguments.paintings) if names is None or path.name in names]
    cost = Cost(loss_network="vgg19")
    network = load_loss_network(cost, reference_photos())
    totals: list[float] = []
    ratios: list[float] = []
    seconds: list[float] = []
    rows: list[Pixels] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if arguments.out is None else arguments.out
        folder.mkdir(parents=True, exist_ok=True)
        for painting in paintings:
            style = resize_shorter_side(read_picture(painting).rgb, arguments.style_size)
            objective = PerceptualObjective(cost, unit_range(style), loss_network=network)
            begun = time.perf_counter()
            made = folder / f"{painting.stem}.onnx"
            write_new_style(painting, made, style_size=arguments.style_size)
            seconds.append(time.perf_counter() - begun)
            content, stylistic, painted = judged(objective, made, photos)
            totals.append(content + STYLE_WEIGHT * stylistic)
            line = f"{painting.stem[:40]:<40} {content:.3f} / {stylistic:.4f} = {totals[-1]:.3f}"
            other = None if arguments.trained is None else arguments.trained / f"{painting.stem}.onnx"
            if other is not None and other.exists():
                content, stylistic, _ = judged(objective, other, photos)
                ratios.append(totals[-1] / (content + STYLE_WEIGHT * stylistic))
                line += f"; trained {content:.3f} / {stylistic:.4f}, ratio {ratios[-1]:.2f}"
            print(line, flush=True)
            rows.append(row_of(style, painted[:4], arguments.size))
    print(f"total: median {statistics.median(totals):.3f}, worst tenth {worst_tenth(totals):.3f}")
    if ratios:
        print(f"ratio: median {statistics.median(ratios):.2f}, worst tenth {worst_tenth(ratios):.2f}")
    print(f"a network took {statistics.median(seconds):.2f} s (median), {max(seconds):.2f} at most")
    if arguments.out is not None:
        for number in range(0, len(rows), 12):
            write_picture(arguments.out / f"sheet_{number // 12}.jpg", np.concatenate(rows[number : number + 12]))


def judged(objective: PerceptualObjective, network: Path, photos: list[Pixels]) -> tuple[float, float, list[Pixels]]:
    """Mean content and style over the photos, and what is painted."""
    stylizer = Stylizer(network, "cpu")
    contents, styles, painted = [], [], []
    for photo in photos:
        painted.append(stylizer(photo))
        with torch.no_grad():
            features = objective.content_features(unit_range(photo))
            terms = objective.terms(unit_range(painted[-1]), features)
        contents.append(float(terms.content))
        styles.append(float(terms.style))
    return statistics.mean(contents), statistics.mean(styles), painted


def worst_tenth(values: list[float]) -> float:
    """The mean of the largest tenth."""
    return statistics.mean(sorted(values)[-max(1, len(values) // 10) :])


def row_of(style: Pixels, painted: list[Pixels], side: int) -> Pixels:
    """A painting and what is painted like it, side by side."""
    return np.concatenate([middle_square(style, side), *painted], axis=1)


if __name__ == "__main__":
    main()
