"""What painting in tiles costs, and how close it comes to painting whole.

    python scripts/benchmarks/measure_tiling.py models/starry_night.onnx
    python scripts/benchmarks/measure_tiling.py models/starry_night.onnx --side 10000 --compare 2000

The photo is a mosaic of the sample photos, enlarged until their pixels are as soft as those of a large photo. Each
mode is a process of its own, whose peak memory the system tells.
"""

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fststyle import Stylizer
from fststyle.pictures.files import read_picture, resize, write_picture
from fststyle.samples import photos


def mosaic(side: int) -> NDArray[np.uint8]:
    tiles = [read_picture(path).rgb for path in photos()]
    per_row = max(2, math.ceil(side / 1250))
    cell = math.ceil(side / per_row)
    made = np.empty((per_row * cell, per_row * cell, 3), np.uint8)
    for number in range(per_row**2):
        row, column = divmod(number, per_row)
        photo = tiles[(number * 7 + row) % len(tiles)]
        shorter = min(photo.shape[:2])
        square = resize(photo[:shorter, :shorter], cell, cell)
        made[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = square[:, :: -1 if number % 2 else 1]
    return made[:side, :side]


def in_a_process(model: Path, layout: str, photo: Path, painted: Path, *options: str) -> tuple[float, float]:
    """Seconds and peak gigabytes of `fststyle stylize`."""
    command = [sys.executable, "-m", "fststyle", "stylize", str(model), str(photo), "-o", str(painted)]
    command += ["--layout", layout, *options]
    begun = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    scale = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - begun, usage.ru_maxrss * scale / 1e9


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    rows = (np.square(a.astype(np.float32) - b).mean() for a, b in zip(one, other, strict=True))
    error = float(np.mean(list(rows)))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--layout", default="rgb1")
    parser.add_argument("--side", type=int, default=10000, help="of the large picture; 0 leaves it out")
    parser.add_argument("--compare", type=int, default=4000, help="of the picture that is painted whole, too; 0: none")
    parser.add_argument("--memory", default="1.3GB")
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        if side := arguments.compare:
            photo = mosaic(side)
            whole = Stylizer.load(arguments.model, layout=arguments.layout, memory=10**15)(photo)
            for exact in (False, True):
                tiled = Stylizer.load(
                    arguments.model, layout=arguments.layout, memory=min(10**9, 60 * side**2 + 6 * 10**8), exact=exact
                )
                print(f"{side}², {'exact' if exact else 'default'}: {psnr(tiled(photo), whole):.1f} dB", flush=True)
        if side := arguments.side:
            write_picture(folder / "photo.jpg", mosaic(side))
            painted = {}
            for name, options in (("default", []), ("exact", ["--exact"])):
                painted[name] = folder / f"{name}.jpg"
                seconds, gigabytes = in_a_process(
                    arguments.model,
                    arguments.layout,
                    folder / "photo.jpg",
                    painted[name],
                    *("--memory", arguments.memory),
                    *options,
                )
                print(f"{side}², {name}: {seconds:.0f} s, {gigabytes:.2f} GB", flush=True)
            one, other = (read_picture(path).rgb for path in painted.values())
            print(f"{side}², default against exact: {psnr(one, other):.1f} dB")
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"(this program itself: {largest / 1e9:.1f} GB)")


if __name__ == "__main__":
    main()
