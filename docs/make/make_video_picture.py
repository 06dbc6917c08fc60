#!/usr/bin/env python
"""Make the README's moving picture, a pan painted by a network that is not steady and by one that is; plot its flicker.

    PYTHONPATH=scripts/benchmarks python docs/make/make_video_picture.py --unsteady udnie_unsteady.onnx udnie

The first is the same training with `--temporal-weight 0`, and every frame for itself; the second is painted
as `fststyle video` does by default, and plotted with every frame for itself, too.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
from measure_steadiness import pan, true_error
from PIL import Image

from fststyle import samples
from fststyle.paint.frames import Steadiness, stylize_frames
from fststyle.paint.stylizer import Stylizer

PICTURES = Path(__file__).parents[1] / "pictures"
RATE = 12
COLORS = ("#888888", "#e6a08c", "#c0392b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=Path("udnie"))
    parser.add_argument("--unsteady", type=Path, required=True)
    parser.add_argument("--photo", default="temple")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--side", type=int, default=340)
    given = parser.parse_args()
    frames = list(pan(samples.photo_folder() / f"{given.photo}.jpg", round(given.seconds * RATE), given.side))
    steady, alone = Stylizer.load(given.model), Steadiness(carry=0)
    ways = {
        "not trained for steadiness": stylize_frames(Stylizer.load(given.unsteady), frames, steadiness=alone),
        "trained for it": stylize_frames(steady, frames, steadiness=alone),
        "and paint carried along (default)": stylize_frames(steady, frames),
    }
    clips = {label: list(painted) for label, painted in ways.items()}
    before, _, by_default = clips.values()
    gap = np.full((frames[0].shape[0], 6, 3), 255, np.uint8)
    rows = [Image.fromarray(np.hstack([one, gap, other])) for one, other in zip(before, by_default, strict=True)]
    first, *others = rows
    first.save(
        PICTURES / "video.webp",
        save_all=True,
        append_images=others,
        duration=1000 // RATE,
        loop=0,
        quality=60,
        method=6,
    )
    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
    for (label, clip), color in zip(clips.items(), COLORS, strict=True):
        errors = [1e4 * true_error(list(pair)) for pair in pairwise(clip)]
        print(f"{label}: {np.mean(errors):.1f}")
        axes.plot(np.arange(1, len(clip)) / RATE, errors, label=label, color=color)
    axes.set(xlabel="seconds", ylabel="warped-frame error × 10⁴", ylim=(0, None), xlim=(0, len(frames) / RATE))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(clips))
    figure.savefig(PICTURES / "flicker.png", dpi=110)
    print(f"{(PICTURES / 'video.webp').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
