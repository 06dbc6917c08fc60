#!/usr/bin/env python
"""Measure how long `fststyle stylize` takes for one photo, cold: the whole process, from its start to its end.

    python scripts/benchmarks/measure_cold_start.py udnie small.onnx
    python scripts/benchmarks/measure_cold_start.py udnie small.onnx --size 4000x3000

The photo is a sample photo enlarged. Networks take turns, so that a slow minute of the machine is
everybody's; the median counts.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from measure_tiling import in_a_process

from fststyle import samples
from fststyle.pictures.files import read_picture, resize, write_picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="names or files")
    parser.add_argument("--size", default="1920x1080", help="width x height")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        photo, painted = Path(folder) / "photo.jpg", Path(folder) / "painted.jpg"
        write_picture(photo, resize(read_picture(samples.photo_folder() / "temple.jpg").rgb, height, width))
        found: dict[str, list[tuple[float, float]]] = {network: [] for network in given.networks}
        for _ in range(given.runs):
            for network, runs in found.items():
                runs.append(in_a_process(Path(network), "rgb1", photo, painted))
    print(f"| {width}×{height}, whole process | seconds, median | least to most | peak MB |\n|---|---|---|---|")
    for network, runs in found.items():
        seconds = sorted(second for second, _ in runs)
        span = f"{statistics.median(seconds):.2f} | {seconds[0]:.2f} to {seconds[-1]:.2f}"
        print(f"| {Path(network).stem} | {span} | {1e3 * max(size for _, size in runs):.0f} |")


if __name__ == "__main__":
    main()
