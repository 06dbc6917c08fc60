#!/usr/bin/env python
"""Paint a folder by two Ray workers of which one is killed, and by two plain processes, and compare.

    python scripts/benchmarks/measure_ray_pictures.py --photos 2000 --side 640

Two of a hundred photos are rotten. Every good one must be painted once, to the bytes of the plain processes, and every
rotten one be named. The two plain processes share the folder by --shard; they are the ideal that the time is compared
with. Prints JSON, and ends with status 1 if anything is not as it must be.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image

from fststyle import samples

ROTTEN_EVERY = 50


def make_photos(folder: Path, count: int, side: int) -> set[str]:
    """Crops of the sample photos, each another; gives the names of the rotten ones."""
    folder.mkdir()
    sources = [Image.open(path).convert("RGB").resize((side + 64, side * 3 // 4 + 64)) for path in samples.photos()]
    rotten = set()
    for number in range(count):
        left, top = number % 64, number // 64 % 64
        path = folder / f"{number:06}.jpg"
        sources[number % len(sources)].crop((left, top, left + side, top + side * 3 // 4)).save(path, quality=90)
        if number % ROTTEN_EVERY == ROTTEN_EVERY - 1:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if number % 100 == 99 else b"rotten")
            rotten.add(path.name)
    return rotten


def stylize(model: str, photos: Path, out: Path, *more: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "fststyle", "stylize", model, str(photos), "-o", str(out), "--threads", "1", *more]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def ideal(model: str, photos: Path, out: Path) -> float:
    start = time.perf_counter()
    processes = [stylize(model, photos, out, "--shard", f"{part}/2") for part in (1, 2)]
    for process in processes:
        process.wait()
    return time.perf_counter() - start


def lines_of(manifest: Path) -> list[dict[str, Any]]:
    text = manifest.read_text("utf-8") if manifest.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


class Killer(threading.Thread):
    """Waits until a random share of the photos is done, and kills the worker that did the last one."""

    def __init__(self, manifest: Path, count: int) -> None:
        super().__init__(daemon=True)
        self._manifest = manifest
        self._after = random.SystemRandom().randrange(count // 10, count * 9 // 10)
        self.killed: str | None = None

    def run(self) -> None:
        """Wait, and kill."""
        while len(lines := lines_of(self._manifest)) < self._after:
            time.sleep(0.2)
        self.killed = lines[-1]["worker"]
        os.kill(int(self.killed.rpartition(":")[2]), signal.SIGKILL)


def check(manifest: Path, photos: Path, out: Path, expected: Path, rotten: set[str]) -> dict[str, bool]:
    lines = lines_of(manifest)
    status = {Path(line["source"]).name: line["status"] for line in lines}
    names = {path.name for path in photos.iterdir()}
    good = sorted(path.name for path in expected.iterdir())
    return {
        "every photo has one line": Counter(Path(line["source"]).name for line in lines) == Counter(names),
        "every rotten one is named": {name for name, what in status.items() if what == "failed"} == rotten,
        "every good one is painted": sorted(path.name for path in out.iterdir()) == good == sorted(names - rotten),
        "the same bytes": all((out / name).read_bytes() == (expected / name).read_bytes() for name in good),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--side", type=int, default=640, help="longer side of the photos in pixels")
    parser.add_argument("--model", default="udnie")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        rotten = make_photos(scratch / "photos", arguments.photos, arguments.side)
        plain = ideal(arguments.model, scratch / "photos", scratch / "expected")
        manifest = scratch / "manifest.jsonl"
        killer = Killer(manifest, arguments.photos)
        killer.start()
        start = time.perf_counter()
        more = ["--on", "ray", "--workers", "2", "--manifest", str(manifest)]
        process = stylize(arguments.model, scratch / "photos", scratch / "out", *more)
        process.wait()
        seconds = time.perf_counter() - start
        first = min(line["time"] for line in lines_of(manifest))
        told = {
            "photos": arguments.photos,
            "side": arguments.side,
            "killed": killer.killed,
            "workers": len({line["worker"] for line in lines_of(manifest)}),
            "seconds of two plain processes": round(plain, 1),
            "seconds on Ray, its start included": round(seconds, 1),
            "of which before the first photo": round(seconds - (time.time() - first), 1),
            "ratio": round(seconds / plain, 3),
            **check(manifest, scratch / "photos", scratch / "out", scratch / "expected", rotten),
        }
    print(json.dumps(told, indent=2))
    sys.exit(not all(value is not False and value is not None for value in told.values()))


if __name__ == "__main__":
    main()
