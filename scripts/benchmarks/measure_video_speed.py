#!/usr/bin/env python
"""Measure how fast a 720p video is painted, and how much of the time is not the network's.

    python scripts/benchmarks/measure_video_speed.py MODEL…

A clip is made by panning over a sample photo. The network's own time is that of its session alone, median of the
frames, before and after; everything else that the wall clock shows, from opening the file to closing it, is outside.
"""

import argparse
import io
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from fststyle import samples
from fststyle.model.file import INPUT_NAME
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.video.clip import Cut
from fststyle.video.convert import Job, convert

WIDTH, HEIGHT = 1280, 720
SETTINGS = {"carry 0": Steadiness(carry=0), "default": Steadiness()}


def make(path: Path, frames: int) -> NDArray[np.uint8]:
    """Write the clip; returns its last frame."""
    ground = resize_shorter_side(read_picture(samples.photos()[0]).rgb, 1600)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(frames):
            part = np.ascontiguousarray(ground[number : number + HEIGHT, 2 * number : 2 * number + WIDTH])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(part, "rgb24")))
        container.mux(stream.encode(None))
    return part


def alone(stylizer: Stylizer, frame: NDArray[np.uint8], runs: int) -> list[float]:
    """Seconds of the session for one frame that is there already."""
    content = np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32) / 255
    session = stylizer.network.open(stylizer.network.model.data)
    spent = []
    for _ in range(runs):
        began = time.perf_counter()
        session.run(None, {INPUT_NAME: content})
        spent.append(time.perf_counter() - began)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=60)
    given = parser.parse_args()
    print("| 1280×720 | frames a second | the network alone | outside the network |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "in.mp4"
        frame = make(clip, given.frames)
        for model in given.models:
            stylizer = Stylizer.load(model, "cpu")
            for label, steadiness in SETTINGS.items():
                spent = alone(stylizer, frame, 5)
                began = time.perf_counter()
                convert(
                    Job(str(clip), str(Path(folder) / f"{model.stem} {label}.mp4"), Cut()),
                    FrameStylizer(stylizer, steadiness),
                    stdin=io.BytesIO(),
                    stdout=io.BytesIO(),
                )
                each = (time.perf_counter() - began) / given.frames
                network = statistics.median(spent + alone(stylizer, frame, 5))
                rate = f"{1 / each:.1f} | {1 / network:.1f}"
                print(f"| {model.stem}, {label} | {rate} | {max(0.0, 1 - network / each):.0%} |", flush=True)


if __name__ == "__main__":
    main()
