"""Measure memory, frame count and times of a long video.

Usage: python scripts/benchmarks/measure_video_memory.py [--minutes 10] [--rate 30000/1001]

A synthetic 720p clip goes through `fststyle video` with a network that does nothing, and the
largest resident memory of the process is taken in every tenth of the way. Constant memory: the last are as the first.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

NETWORK = Path(__file__).parents[2] / "tests" / "assets" / "identity.onnx"


def make(path: Path, frames: int, rate: Fraction) -> None:
    y, x = np.mgrid[:720, :1280]
    ground = np.stack([x // 5, y // 3, (x + y) // 8], axis=2).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(ground, 3 * number, axis=1), "rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return sorted(packet.pts * packet.time_base for packet in packets if packet.pts is not None)


def resident(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=Fraction, default=Fraction(30000, 1001), help="frames a second")
    given = parser.parse_args()
    frames = round(given.minutes * 60 * given.rate)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.mp4", Path(folder) / "out.mp4"
        make(source, frames, given.rate)
        command = [sys.executable, "-m", "fststyle", "video", str(NETWORK), str(source), str(target), "--json"]
        peaks: dict[int, int] = {}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr or ():
                event = json.loads(line)
                if event["event"] == "progress":
                    tenth = 10 * event["frames"] // frames
                    peaks[tenth] = max(peaks.get(tenth, 0), resident(process.pid))
        print(f"{frames} frames, {len(times(target))} came out; times equal: {times(target) == times(source)}")
        print("resident MB in every tenth: " + " ".join(str(peaks[tenth]) for tenth in sorted(peaks)))


if __name__ == "__main__":
    main()
