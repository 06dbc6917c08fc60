#!/usr/bin/env python
"""How well an exported network paints: its cost on photos, and what the eye would stumble over, as numbers.

    python scripts/measure_cost.py network.onnx --style painting.jpg --photos folder/ --weights vgg19.safetensors

Photos are cut to their middle square and resized to --size. The cost is `PerceptualObjective`'s in the relative form
with its default layers, channels normalized over the same photos. Two scores beside it:

grid    energy of the picture's spectrum at periods of 4 and 2 pixels along an axis, where upsampling leaves its mark,
        over that at neighboring frequencies; 1 is none, the photos' own is printed beside it
border  contrast (standard deviation) in the outermost 8 pixels over that of the rest; the photos' own beside it
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fststyle.images import find_images, read_picture, resize_shorter_side
from fststyle.stylizer import Stylizer
from fststyle.training.data import ValidationPhotos
from fststyle.training.objective import Cost, PerceptualObjective
from fststyle.training.tensors import unit_range


def grid_score(picture: NDArray[np.uint8]) -> float:
    """The strongest of the peaks at f = 1/4 and 1/2, horizontally and vertically, over the median around it."""
    gray = picture.astype(float).mean(axis=2)
    side = min(gray.shape) // 8 * 8
    gray = gray[:side, :side] - gray[:side, :side].mean()
    scores = []
    for axis in (0, 1):
        spectrum = (np.abs(np.fft.rfft(gray, axis=axis)) ** 2).mean(axis=1 - axis)
        for place in (side // 4, side // 2):
            around = np.concatenate([spectrum[place - 9 : place - 2], spectrum[place + 3 : place + 10]])
            scores.append(spectrum[place] / np.median(around))
    return float(max(scores))


def border_score(picture: NDArray[np.uint8]) -> float:
    gray = picture.astype(float).mean(axis=2)
    frame = np.ones(gray.shape, bool)
    frame[8:-8, 8:-8] = False
    return float(gray[frame].std() / gray[~frame].std())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--style-size", type=int, required=True, help="as in training")
    parser.add_argument("--photos", type=Path, required=True, help="a folder that was not trained on")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--layout", default="rgb1")
    arguments = parser.parse_args()

    files = find_images(arguments.photos)
    squares = [photo.permute(1, 2, 0).numpy() for photo in ValidationPhotos(files, arguments.size)]
    style = unit_range(resize_shorter_side(read_picture(arguments.style).rgb, arguments.style_size))
    objective = PerceptualObjective(Cost(weights=arguments.weights), style, photos=map(unit_range, squares))

    print(f"{len(squares)} photos at {arguments.size}²; means")
    print(f"{'':<28} content   style   total    grid  border")
    own = np.mean([(grid_score(square), border_score(square)) for square in squares], axis=0)
    print(f"{'the photos themselves':<28} {'':>7} {'':>7} {'':>7} {own[0]:7.2f} {own[1]:7.2f}")
    for path in arguments.models:
        stylizer = Stylizer.load(path, layout=arguments.layout)
        rows = []
        for square in squares:
            stylized = stylizer(square)
            with torch.no_grad():
                terms = objective.terms(unit_range(stylized), objective.content_features(unit_range(square)))
            costs = [terms.content.item(), terms.style.item(), terms.total.item()]
            rows.append([*costs, grid_score(stylized), border_score(stylized)])
        content, style_cost, total, grid, border = np.mean(rows, axis=0)
        print(f"{path.name:<28} {content:7.3f} {style_cost:7.4f} {total:7.3f} {grid:7.2f} {border:7.2f}")


if __name__ == "__main__":
    main()
