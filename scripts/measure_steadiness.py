"""Measure what holding the statistics and keeping still pixels does to flicker.

Usage: python scripts/measure_steadiness.py MODEL [--clip cockatoo.mp4]

Clips are made from a sample photo: one that pans slowly with a little noise, one that stands still with noise, and one
into which something bright moves. Printed is the warped-frame error of `fststyle evaluate`, times 1000, and how far the
paint of the last frame is from what the network makes of that frame alone: steadiness that is bought with the wrong
paint is none.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fststyle.images import fit_longer_side, read_picture
from fststyle.samples import photos
from fststyle.steady import FrameStylizer, Steadiness
from fststyle.stylizer import Stylizer
from fststyle.training.motion import judge_clip, read_frames

Pixels = NDArray[np.uint8]

KINDS = ("pan", "still", "lamp")

SETTINGS = {
    "each frame for itself": Steadiness(follow=1, still=0),
    "follow 0.3": Steadiness(follow=0.3, still=0),
    "follow 0.1": Steadiness(follow=0.1, still=0),
    "follow 0.03": Steadiness(follow=0.03, still=0),
    "follow 0": Steadiness(follow=0, still=0),
    "still 0.5": Steadiness(follow=1, still=0.5),
    "still 0.8": Steadiness(follow=1, still=0.8),
    "follow 0.1, still 0.8": Steadiness(follow=0.1, still=0.8),
}


class Remembering:
    """A painter whose last frame can be looked at."""

    def __init__(self, painter: FrameStylizer) -> None:
        self._painter = painter

    def __call__(self, frame: Pixels) -> Pixels:
        """Paint the next frame, (H, W, 3)."""
        self.last = self._painter(frame)
        return self.last


def clip(photo: Path, kind: str, frames: int, side: int) -> Iterator[Pixels]:
    rng = np.random.default_rng(0)
    large = fit_longer_side(read_picture(photo).rgb, side + 2 * frames)
    height, width = (length - 2 * frames for length in large.shape[:2])
    for number in range(frames):
        shift = number if kind == "pan" else 0
        frame = large[shift : shift + height, 2 * shift : 2 * shift + width].astype(np.float32)
        if kind == "lamp":
            reach = width * number // (2 * frames)
            frame[height // 4 : height // 2, :reach] = (255, 250, 230)
        noisy = frame + rng.normal(0, 255 * 0.004, frame.shape)
        yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--layout", default="rgb1")
    parser.add_argument("--clip", type=Path, action="append", default=[])
    parser.add_argument("--kind", choices=KINDS, action="append", help="which made clips; all if not given")
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--side", type=int, default=256)
    given = parser.parse_args()
    stylizer = Stylizer.load(given.model, layout=given.layout)
    chosen = photos()[:1]
    clips = {f"{photo.stem}, {kind}": (photo, kind) for photo in chosen for kind in given.kind or KINDS}
    made = {name: list(clip(*which, given.frames, given.side)) for name, which in clips.items()}
    for path in given.clip:
        made[path.stem] = list(islice(read_frames(path, limit=given.frames, max_side=given.side), given.frames))
    for name, frames in made.items():
        painters = [Remembering(FrameStylizer(stylizer, setting)) for setting in SETTINGS.values()]
        scores = judge_clip(iter(frames), list(painters))
        alone = stylizer(frames[-1]).astype(np.float32)
        print(f"{name}: {scores.frames} frames of {scores.width}×{scores.height}, own {1e3 * scores.own:.3f}")
        for label, painter, error in zip(SETTINGS, painters, scores.stylized, strict=True):
            away = float(np.abs(painter.last - alone).mean())
            print(f"  {label:<24} {1e3 * error:7.3f}   {away:5.2f} gray levels off")


if __name__ == "__main__":
    main()
