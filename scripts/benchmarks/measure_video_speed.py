#!/usr/bin/env python
"""Measure how fast videos are painted, how much of the time is not the network's, and where it goes.

    python scripts/benchmarks/measure_video_speed.py udnie udnie_tiny
    taskset -c 0,1 python scripts/benchmarks/measure_video_speed.py udnie_tiny --height 1080 --int8

A clip is made by panning over a sample photo. The first table is of whole runs, as `fststyle video` does them. The
network's own time is that of its session alone, on all threads, median of the frames, before and after; everything else
that the wall clock shows, from opening the file to closing it, is outside. The second table is of CPU time: each part
by itself on one thread, frame after frame, medians. On a machine that does other things, too, only the second counts.
"""

import argparse
import io
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fststyle import samples
from fststyle.paint.carry import Carrier
from fststyle.paint.cuts import CutFinder
from fststyle.paint.frames import FrameStylizer, Steadiness, share_threads
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.runtime.convert import quantize
from fststyle.video.clip import Clip, Cut, Frame
from fststyle.video.codecs import CODECS, GroupEncoder
from fststyle.video.color import FromRgb, ToRgb
from fststyle.video.convert import Job, convert

Pixels = NDArray[np.uint8]
Answer = TypeVar("Answer")

RATE = Fraction(25)
SETTINGS = {"default": Steadiness(), "carry 0": Steadiness(carry=0)}


def make(path: Path, height: int, frames: int) -> Pixels:
    """Write the clip, 16:9; returns its last frame."""
    width = height * 16 // 9
    ground = resize_shorter_side(read_picture(samples.photos()[0]).rgb, height + max(height // 2, 2 * frames))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            part = np.ascontiguousarray(ground[number : number + height, 2 * number : 2 * number + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(part, "rgb24")))
        container.mux(stream.encode(None))
    return part


def alone(stylizer: Stylizer, frame: Pixels, runs: int) -> list[float]:
    """Seconds of the network for one frame that is there already."""
    spent = []
    for _ in range(runs):
        began = time.perf_counter()
        stylizer.network.run(frame)
        spent.append(time.perf_counter() - began)
    return spent


def whole(model: str | Path, clip: Path, frame: Pixels, frames: int, steadiness: Steadiness) -> tuple[float, float]:
    """Seconds a frame: of a run, and of the network alone."""
    on_all = Stylizer.load(model, "cpu")
    at_once, threads = share_threads("cpu", None, steadiness)
    painter = FrameStylizer(Stylizer.load(model, "cpu", threads=threads), steadiness, at_once=at_once)
    spent = alone(on_all, frame, 5)
    began = time.perf_counter()
    target = clip.with_name("painted.mp4")
    convert(Job(str(clip), str(target), Cut()), painter, stdin=io.BytesIO(), stdout=io.BytesIO())
    each = (time.perf_counter() - began) / frames
    return each, statistics.median(spent[1:] + alone(on_all, frame, 5))


class Clock:
    """CPU time of parts, in milliseconds a frame."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(list)

    def __call__(self, part: str, function: Callable[..., Answer], *args: Any, frames: int = 1) -> Answer:
        """What the function gives; its time, also in threads that it starts, is noted."""
        began = time.process_time()
        answer = function(*args)
        self.spent[part].append(1e3 * (time.process_time() - began) / frames)
        return answer


def parts(model: str | Path, clip: Path, frames: int, measure_every: int) -> dict[str, float]:
    """Milliseconds of CPU time a frame."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    clock, painted = Clock(), []
    stylizer = Stylizer.load(model, "cpu", threads=1)
    steadiness = Steadiness(measure_every=measure_every)
    cuts, carrier = CutFinder(), Carrier(steadiness.carried(stylizer.card))
    painter = FrameStylizer(stylizer, replace(steadiness, carry=0.0))
    to_rgb, from_rgb = ToRgb(), FromRgb("yuv420p")

    def looked_at(rgb: Pixels) -> Pixels:
        small = carrier.look(rgb)
        cuts(small)
        return small

    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        decoder = container.decode(stream)
        for number in range(frames):
            image = clock("decoding", next, decoder)
            rgb = clock("to RGB", to_rgb, image, image.width, image.height)
            small = clock("small frame, cuts", looked_at, rgb)
            paint = clock("the network", painter.alone, rgb)
            shown = clock("carrying paint", carrier, small, paint)
            made = clock("from RGB", from_rgb, shown)
            painted.append((made, Frame(None, number)))
    clip_facts = Clip(image.width, image.height, 1 / RATE, RATE)
    clock("encoding", compress, GroupEncoder(CODECS["h264"], clip_facts, None), painted, frames=frames)
    cv2.setNumThreads(threads)
    # Frames that are measured take longer than those that share what was found.
    found = {part: statistics.median(spent) for part, spent in clock.spent.items()}
    return found | {"the network": statistics.fmean(clock.spent["the network"][1:])}


def compress(encoder: GroupEncoder, frames: list[tuple[av.VideoFrame, Frame]]) -> None:
    """One group of pictures."""
    for image, frame in frames:
        encoder.add(image, frame)
    encoder.packets()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="files, or names of the gallery")
    parser.add_argument("--height", type=int, action="append", help="of 16:9; 720 if not given")
    parser.add_argument("--frames", type=int, default=100, help="of whole runs")
    parser.add_argument("--int8", action="store_true", help="each network in 8 bits, too")
    parser.add_argument("--measure-every", type=int, action="append", help="frames; of the second table")
    parser.add_argument("--parts-only", action="store_true", help="leave the whole runs out")
    given = parser.parse_args()
    runs = ["| clip | network | frames a second | the network alone | outside |", "|---|---|---|---|---|"]
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        networks: dict[str, str | Path] = {}
        for model in given.models:
            name = Path(model).stem
            networks[name] = model
            if given.int8:
                networks[f"{name} int8"] = Path(folder) / f"{name}_int8.onnx"
                quantize(model, networks[f"{name} int8"])
        for height in given.height or [720]:
            clip = Path(folder) / f"{height}.mp4"
            frame = make(clip, height, given.frames)
            for name, model in networks.items():
                for every in given.measure_every or [Steadiness.measure_every]:
                    spent = parts(model, clip, min(given.frames, 37), every)
                    shares.append((f"{height}p, {name}, measured every {every}", spent))
                for label, steadiness in {} if given.parts_only else SETTINGS.items():
                    each, network = whole(model, clip, frame, given.frames, steadiness)
                    rates = f"{1 / each:.1f} | {1 / network:.1f} | {1 - network / each:.0%}"
                    runs.append(f"| {height}p | {name}, {label} | {rates} |")
    if not given.parts_only:
        print("\n".join(runs), "\n")
    print(f"| ms of CPU a frame | {' | '.join(name for name, _ in shares)} |\n|---|{'---|' * len(shares)}")
    for part in shares[0][1]:
        cells = (f"{spent[part]:.1f} ({spent[part] / sum(spent.values()):.0%})" for _, spent in shares)
        print(f"| {part} | {' | '.join(cells)} |")
    print(f"| **all** | {' | '.join(f'{sum(spent.values()):.0f}' for _, spent in shares)} |")


if __name__ == "__main__":
    main()
