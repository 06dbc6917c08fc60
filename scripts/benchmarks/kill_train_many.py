#!/usr/bin/env python
"""Train six styles of a sheet, unbroken and killed twice, and compare the networks byte for byte.

    python scripts/benchmarks/kill_train_many.py --steps 60

The trainings are small; what is tested is that a row goes on where it was. Prints JSON, and ends with status 1 if a
network differs.
"""

import argparse
import csv
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageOps

from fststyle import samples

PAINTINGS = 6


def make_sheet(folder: Path) -> Path:
    """The sample styles, and the same mirrored or upside down."""
    changes = [lambda picture: picture, ImageOps.mirror, ImageOps.flip]
    with (folder / "styles.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["style", "seed"])
        for number in range(PAINTINGS):
            sources = samples.styles()
            picture = Image.open(sources[number % len(sources)]).convert("RGB")
            changes[number // len(sources) % 3](picture).save(folder / f"style {number}.png")
            writer.writerow([f"style {number}.png", number])
    return folder / "styles.csv"


def start(sheet: Path, out: Path, steps: int) -> "subprocess.Popen[bytes]":
    small = ["--size", "64", "--style-size", "96", "--network", "tiny", "--init", "none", "--device", "cpu"]
    command = [sys.executable, "-m", "fststyle", "train-many", str(sheet), "-o", str(out), "--threads", "1"]
    command += ["--jobs", "2", "--", "--steps", str(steps), "--save-every", "5", *small]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def checkpoints(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.glob("runs/*/last.ckpt")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--patience", type=float, default=1800, help="seconds for each command")
    arguments = parser.parse_args()
    chance = random.SystemRandom()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        sheet = make_sheet(scratch)
        begun = time.perf_counter()
        status = start(sheet, scratch / "unbroken", arguments.steps).wait(arguments.patience)
        unbroken = time.perf_counter() - begun
        killed_at = []
        for _ in range(2):
            before = checkpoints(scratch / "broken")
            process = start(sheet, scratch / "broken", arguments.steps)
            wait = chance.randrange(1, 4)  # checkpoints that are new
            while process.poll() is None and sum(
                before.get(path) != when for path, when in checkpoints(scratch / "broken").items()
            ) < min(wait, 2):
                time.sleep(0.02)
            time.sleep(chance.random())
            done = len(list((scratch / "broken").glob("*.onnx")))
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed_at.append(f"{done} of {PAINTINGS} done, {len(checkpoints(scratch / 'broken'))} begun")
        last = start(sheet, scratch / "broken", arguments.steps).wait(arguments.patience)
        networks = sorted(path.name for path in (scratch / "unbroken").glob("*.onnx"))
        same = [
            (scratch / "broken" / each).is_file()
            and (scratch / "broken" / each).read_bytes() == (scratch / "unbroken" / each).read_bytes()
            for each in networks
        ]
    told = {
        "steps": arguments.steps,
        "seconds unbroken": round(unbroken, 1),
        "killed at": killed_at,
        "exit statuses": [status, last],
        "networks": len(networks),
        "equal byte for byte": sum(same),
    }
    print(json.dumps(told, indent=2))
    sys.exit(not (status == last == 0 and len(networks) == sum(same) == PAINTINGS))


if __name__ == "__main__":
    main()
