#!/usr/bin/env python
"""Compare two networks of one body, mixed by their numbers, with the mixture of what they paint: time and contrast.

    python scripts/benchmarks/measure_mixtures.py a.onnx b.onnx --photos photos/ --side 1024

For every share of the second network: processor seconds a photo, and the contrast of the two finest octaves over that
of the two networks' own paintings, mixed in the same ratio. A double exposure has less, because strokes of one painting
cancel those of the other. Then the largest difference, in gray levels, between each network and a file of both styles.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from fststyle import Blend, Stylizer, export_styles, read_picture
from fststyle.paint.step import octave_contrasts
from fststyle.pictures.files import find_images, fit_longer_side

Pixels = NDArray[np.uint8]
_SHARES = (0.25, 0.5, 0.75)


def timed(paint: Callable[[Pixels], Pixels], photos: Sequence[Pixels]) -> tuple[list[Pixels], float]:
    """Paintings, and seconds a photo; the first photo is painted once more before."""
    paint(photos[0])
    begun = time.process_time()
    painted = [paint(photo) for photo in photos]
    return painted, (time.process_time() - begun) / len(photos)


def contrasts(pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    """Of both octaves, (2,), as a mean over the pictures."""
    return np.mean([octave_contrasts(picture) for picture in pictures], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs=2, help="ONNX files of one body")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--side", type=int, default=1024, help="longer side in pixels")
    parser.add_argument("--limit", type=int, default=5, help="use only the first N photos")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    paths = find_images(given.photos)[: given.limit]
    photos = [fit_longer_side(read_picture(path).to_paint(), given.side) for path in paths]
    networks = [Stylizer(model, threads=given.threads) for model in given.models]
    alone = [timed(network, photos) for network in networks]
    own = [contrasts(painted) for painted, _ in alone]
    print(f"one network alone: {fmean(seconds for _, seconds in alone):.2f} s\n")
    print("| share of the second | seconds, by numbers | by pixels | contrast, by numbers | by pixels |")
    print("|---|---|---|---|---|")
    for share in _SHARES:
        mixture = Blend(networks, [1 - share, share])
        if len(mixture.parts) > 1:
            parser.error("these networks do not share a body")
        painted, seconds = timed(mixture, photos)
        exposed = [
            ((1 - share) * one.astype(np.float32) + share * other + 0.5).astype(np.uint8)
            for one, other in zip(*(pictures for pictures, _ in alone), strict=True)
        ]
        expected = (1 - share) * own[0] + share * own[1]
        by_numbers, by_pixels = (
            ", ".join(f"{ratio:.2f}" for ratio in contrasts(made) / expected) for made in (painted, exposed)
        )
        print(f"| {share:.0%} | {seconds:.2f} | {sum(taken for _, taken in alone):.2f} | {by_numbers} | {by_pixels} |")
    with tempfile.TemporaryDirectory() as scratch:
        many = Path(scratch, "many.onnx")
        names = export_styles(given.models, many).styles or []
        both = Stylizer(many, threads=given.threads)
        for name, (pictures, _) in zip(names, alone, strict=True):
            apart = max(
                int(np.abs(both(photo, mix=name).astype(int) - picture).max())
                for photo, picture in zip(photos, pictures, strict=True)
            )
            print(
                f"\n{name} out of a file of both: {apart} of 255 apart at most, {many.stat().st_size:,} bytes", end=""
            )
    print()


if __name__ == "__main__":
    main()
