#!/usr/bin/env python
"""Paint a video in one process and by two Ray workers, and compare frames, sound and file.

    python scripts/benchmarks/measure_ray_video.py --seconds 20 --size 640x360

The clip has a cut, an irregular frame rate and sound, and comes as H.264 with few key frames. Prints JSON, and ends
with status 1 if a frame differs.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from fststyle import samples
from fststyle.pictures.files import read_picture, resize


def make_clip(path: Path, seconds: float, width: int, height: int) -> None:
    """Pans over two photos, with a cut between them, and a tone."""
    photos = [resize(read_picture(photo).rgb, height + 64, width + 400) for photo in samples.photos()[:2]]
    rng = np.random.default_rng(0)
    frames = int(25 * seconds)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"g": "113", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        sound: Any = container.add_stream("aac", rate=16000, layout="mono")
        for number in range(frames):
            photo = photos[number > frames * 0.43]
            left, top = (4 * number) % 400, number % 64
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(photo[top : top + height, left : left + width]), "rgb24"
            )
            frame.pts, frame.time_base = 40 * number + int(rng.integers(0, 20)), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        tone = (8000 * np.sin(np.arange(int(16000 * seconds)) / 9)).astype(np.int16)
        for start in range(0, len(tone), 1024):
            samples_of = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "s16", "mono")
            samples_of.sample_rate, samples_of.pts = 16000, start
            container.mux(sound.encode(samples_of))
        container.mux(sound.encode(None))


def paint(model: str, source: Path, target: Path, *more: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "fststyle", "video", model, str(source), str(target), "--threads", "1", *more]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def frame_hashes(path: Path) -> list[tuple[Fraction, str]]:
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest())
            for frame in container.decode(video=0)
        ]


def sound_of(path: Path) -> list[tuple[int | None, bytes]]:
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.size]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--model", default="udnie")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        make_clip(scratch / "in.mp4", arguments.seconds, width, height)
        one = paint(arguments.model, scratch / "in.mp4", scratch / "one.mp4")
        two = paint(arguments.model, scratch / "in.mp4", scratch / "two.mp4", "--on", "ray", "--workers", "2")
        hashes = frame_hashes(scratch / "one.mp4")
        told = {
            "frames": len(hashes),
            "seconds of one process": round(one, 1),
            "seconds of two workers, Ray's start included": round(two, 1),
            "frames and times equal": hashes == frame_hashes(scratch / "two.mp4"),
            "sound equal": sound_of(scratch / "one.mp4") == sound_of(scratch / "two.mp4"),
            "file equal": (scratch / "one.mp4").read_bytes() == (scratch / "two.mp4").read_bytes(),
        }
    print(json.dumps(told, indent=2))
    sys.exit(not all(value is not False for value in told.values()))


if __name__ == "__main__":
    main()
