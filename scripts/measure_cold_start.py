#!/usr/bin/env python
"""Measure how long `fststyle stylize` takes for one photo, cold: the whole process, from its start to its end.

    python scripts/measure_cold_start.py udnie small.onnx

The photo is a sample photo enlarged to 1920×1080. Networks take turns, so that a slow minute of the machine is
everybody's; the median counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fststyle import samples
from fststyle.images import read_picture, resize, write_picture

WIDTH, HEIGHT = 1920, 1080


def once(network: str, photo: Path, painted: Path) -> tuple[float, float]:
    """Seconds and peak megabytes."""
    command = [sys.executable, "-m", "fststyle", "stylize", network, str(photo), "-o", str(painted)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - began, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="names or files")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo, painted = Path(folder) / "photo.jpg", Path(folder) / "painted.jpg"
        write_picture(photo, resize(read_picture(samples.photo_folder() / "temple.jpg").rgb, HEIGHT, WIDTH))
        found: dict[str, list[tuple[float, float]]] = {network: [] for network in given.networks}
        for _ in range(given.runs):
            for network, runs in found.items():
                runs.append(once(network, photo, painted))
    print(f"| {WIDTH}×{HEIGHT}, whole process | seconds, median | least to most | peak MB |\n|---|---|---|---|")
    for network, runs in found.items():
        seconds = sorted(second for second, _ in runs)
        span = f"{statistics.median(seconds):.2f} | {seconds[0]:.2f} to {seconds[-1]:.2f}"
        print(f"| {Path(network).stem} | {span} | {max(size for _, size in runs):.0f} |")


if __name__ == "__main__":
    main()
