#!/usr/bin/env python
"""How much memory the largest process of a training takes: `fststyle train` for a few steps on the sample photos.

python scripts/benchmarks/measure_training_memory.py --batch 4 --crop 256
"""

import argparse
import resource
import subprocess
import sys
import tempfile

from fststyle import samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("more", nargs="*", help="of fststyle train's options, behind --")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fststyle", "train", "--style", str(samples.style("swirls")), *arguments.more]
        command += ["--photos", str(samples.photo_folder()), "--output", f"{folder}/run"]
        command += ["--batch-size", str(arguments.batch), "--size", str(arguments.crop)]
        command += ["--steps", str(arguments.steps)]
        subprocess.run(command, check=True)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    print(f"batch {arguments.batch}, {arguments.crop}²: {peak / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
