#!/usr/bin/env python
"""Measure flicker, and what steadiness costs: with paint that is carried along, and with each frame for itself.

    python scripts/benchmarks/measure_steadiness.py a.onnx b.onnx:rgb255 --painting udnie.jpg --size 512 --clip film.mp4

Each clip's warped-frame error (times 10 000) is that of `fststyle evaluate --video`, with the motion that DIS finds. As
carrying relies on DIS, too, a pan over a sample photo is made whose motion is known: there the error is measured with
the true one. With --painting the cost of every sixth frame is told as well, judged by VGG-19 (--weights) or else by the
medium loss network. All ratios are to the first network with each frame for itself.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fststyle import samples
from fststyle.paint.controls import Controls
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.paint.passes import parse_passes
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.training.cost.motion import inside, warp
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.judge.flicker import judge_clip, read_frames
from fststyle.training.tensors import reference_photos, unit_range

Pixels = NDArray[np.uint8]

SETTINGS = {
    "each frame for itself": Steadiness(carry=0, measure_every=1),
    "statistics shared": Steadiness(carry=0),
    "each measured, default carry": Steadiness(measure_every=1),
    "default": Steadiness(),
    "follow 0.1": Steadiness(follow=0.1, carry=0),
    "carry 0.1": Steadiness(carry=0.1),
    "carry 0.2 (default of the steady)": Steadiness(carry=0.2),
    "carry 0.4 (default of others)": Steadiness(carry=0.4),
    "carry 0.6": Steadiness(carry=0.6),
}

# Pixels of the pan from frame to frame; halves, because a network flickers most between whole pixels.
_STEP = (0.5, 1.5)  # down, right
_NOISE = 0.004
_JUDGED_EVERY = 6


class Remembering:
    """A painter that keeps what it made: every frame, and of some the photo, too."""

    def __init__(self, painter: FrameStylizer) -> None:
        self._painter = painter
        self.frames: list[Pixels] = []
        self.judged: list[tuple[Pixels, Pixels]] = []

    def __call__(self, frame: Pixels) -> Pixels:
        """Paint the next frame, (H, W, 3)."""
        painted = self._painter(frame)
        self.frames.append(painted)
        if len(self.frames) % _JUDGED_EVERY == 0:
            self.judged.append((frame, painted))
        return painted


def pan(photo: Path, frames: int, side: int) -> Iterator[Pixels]:
    """A camera that moves over a photo, with a little noise; made from twice the size, so that half pixels are true."""
    rng = np.random.default_rng(0)
    down, right = (int(2 * step) for step in _STEP)
    rgb = read_picture(photo).rgb
    large = resize_shorter_side(rgb, round(2 * side * min(rgb.shape[:2]) / max(rgb.shape[:2])))
    height, width = ((length - max(down, right) * frames) // 2 * 2 for length in large.shape[:2])
    for number in range(frames):
        part = large[number * down : number * down + height, number * right : number * right + width]
        halves = part.reshape(height // 2, 2, width // 2, 2, 3).astype(np.float32).mean(axis=(1, 3))
        yield np.clip(np.rint(halves + rng.normal(0, 255 * _NOISE, halves.shape)), 0, 255).astype(np.uint8)


def true_error(frames: list[Pixels]) -> float:
    """The warped-frame error of a pan's frames under the motion that they were made with."""
    flow = np.empty((*frames[0].shape[:2], 2), np.float32)
    flow[:] = _STEP[::-1]
    shown = inside(flow)
    errors = [
        np.square((warp(before, flow).astype(np.float32) - after)[shown] / 255).mean()
        for before, after in pairwise(frames)
    ]
    return float(np.mean(errors))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="files, those of others as FILE:LAYOUT")
    parser.add_argument("--painting", type=Path, help="the networks' own")
    parser.add_argument("--size", type=int, default=320, help="of the painting, as in training")
    parser.add_argument("--weights", type=Path, help="of VGG-19")
    parser.add_argument("--clip", type=Path, action="append", default=[])
    parser.add_argument("--photo", type=Path, action="append", default=[], help="to pan over; a sample if not given")
    parser.add_argument("--setting", choices=SETTINGS, action="append", help="all if not given")
    parser.add_argument("--passes", nargs="+", default=["auto"], help="auto 1 2 3; of frames of 1024 pixels and more")
    parser.add_argument("--frames", type=int, default=18)
    parser.add_argument("--side", type=int, default=512)
    given = parser.parse_args()
    clips = {path.stem: list(read_frames(path, limit=given.frames, max_side=given.side)) for path in given.clip}
    photos = given.photo or [samples.photo_folder() / "cat.jpg"]
    pans = {f"pan over {photo.stem}": list(pan(photo, given.frames, given.side)) for photo in photos}
    objective = None
    if given.painting is not None:
        painting = unit_range(resize_shorter_side(read_picture(given.painting).rgb, given.size))
        objective = PerceptualObjective(Cost(weights=given.weights), painting, photos=reference_photos())
    for title, frames in (clips | pans).items():
        labels, painters = [], []
        for text in given.models:
            file, _, layout = text.partition(":")
            stylizer = Stylizer.load(Path(file), layout=layout or "rgb1")
            for setting, passes in product(given.setting or SETTINGS, given.passes):
                labels.append(f"{Path(file).stem}, {setting}" + (f", passes {passes}" if given.passes[1:] else ""))
                controls = Controls(passes=parse_passes(passes))
                painters.append(Remembering(FrameStylizer(stylizer, SETTINGS[setting], controls)))
        errors = judge_clip(iter(frames), list(painters)).stylized
        if title in pans:
            errors = [true_error(painter.frames) for painter in painters]
        costs = [costs_of(objective, painter) for painter in painters]
        print(f"\n{title}: {len(frames)} frames of {frames[0].shape[1]}×{frames[0].shape[0]}\n")
        print("| | error | ratio | style cost | ratio | total cost, ratio |\n|---|---|---|---|---|---|")
        for label, error, (style, total) in zip(labels, errors, costs, strict=True):
            ratios = f"{error / errors[0]:.2f} | {style:.4f} | {style / costs[0][0]:.2f} | {total / costs[0][1]:.2f}"
            print(f"| {label} | {1e4 * error:.1f} | {ratios} |", flush=True)


@torch.no_grad()
def costs_of(objective: PerceptualObjective | None, painter: Remembering) -> tuple[float, float]:
    """Mean style and total cost of the frames that were set aside; NaN without a painting."""
    if objective is None or not painter.judged:
        return float("nan"), float("nan")
    terms = [
        objective.terms(unit_range(painted), objective.content_features(unit_range(frame)))
        for frame, painted in painter.judged
    ]
    return float(np.mean([float(each.style) for each in terms])), float(np.mean([float(each.total) for each in terms]))


if __name__ == "__main__":
    main()
