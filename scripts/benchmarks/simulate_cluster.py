#!/usr/bin/env python
"""How `stylize --on ray` goes with many workers and photos: what the driver has to bear, and what it costs.

    python scripts/benchmarks/simulate_cluster.py --seconds 0.35 --cores 2 --price 0.0893 --hardware "c7i.large"

The driver's own work is measured here, on this CPU, in processor time: planning a picture, dealing it out, noting it in
the manifest, and what all that keeps in memory. The rest is arithmetic: how many pictures a second so many workers
paint, hence how busy the driver is, and when it becomes the choke. The seconds that a worker takes for a picture are
measured, too, unless --seconds gives them. What Ray itself does for a report is not in it. Prints Markdown.
"""

import argparse
import platform
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fststyle import Stylizer, samples
from fststyle.cluster.dispatch import Dispatch
from fststyle.cluster.pictures import _REPORT_EVERY, _SYNC_EVERY, Painted
from fststyle.cluster.tasks import plan_tasks
from fststyle.jobs.manifest import Manifest
from fststyle.pictures.files import encode_picture, read_picture, resize

MEASURED = 20_000

# Dollars a request to S3 Standard, us-east-1, as its price list has them; a PUT, or a LIST of a thousand objects.
_GET, _PUT = 0.4e-6, 5e-6
WORKERS = (2, 16, 100, 1000)
PICTURES = (10_000, 1_000_000, 100_000_000)


@dataclass(frozen=True)
class Driver:
    """Processor seconds, and bytes, that the driver takes for one picture."""

    plan: float
    deal: float
    note: float
    memory: float

    @property
    def each(self) -> float:
        """Seconds while pictures are painted."""
        return self.deal + self.note


def measure_driver(count: int = MEASURED) -> Driver:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for number in range(count):
            (folder / "photos" / f"{number}.jpg").touch()
        tracemalloc.start()
        start = time.process_time()
        tasks = plan_tasks([str(folder / "photos")], str(folder / "out"), style="wave")
        kept = [Painted(task.source, task.target, 0.1, worker="node:1") for task in tasks]
        plan, memory = time.process_time() - start, tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        start = time.process_time()
        plan_tasks([str(folder / "photos")], str(folder / "out"), style="wave")
        plan = min(plan, time.process_time() - start)
        start = time.process_time()
        dispatch = Dispatch(count, 100)
        while numbers := dispatch.batch(0):
            for number in numbers:
                dispatch.done(0, number)
        deal = time.process_time() - start
        start = time.process_time()
        with Manifest(folder / "manifest.jsonl", "wave", _SYNC_EVERY) as notes:
            for result in kept[: count // 10]:
                notes.add(result.source, result.target, seconds=0.1, error=None, worker=result.worker)
        note = (time.process_time() - start) * 10
    return Driver(plan / count, deal / count, note / count, memory / count)


def measure_worker(model: str, side: int) -> float:
    """Processor seconds of one picture, read, painted and encoded."""
    stylizer = Stylizer(model, "cpu", threads=1)
    data = [
        encode_picture(resize(read_picture(path).rgb, side * 3 // 4, side), None, ".jpg") for path in samples.photos()
    ]
    stylizer(np.zeros((side * 3 // 4, side, 3), np.uint8))
    start = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        for number, photo in enumerate(data):
            path = Path(name) / f"{number}.jpg"
            path.write_bytes(photo)
            encode_picture(stylizer(read_picture(path).rgb), None, ".jpg")
    return (time.process_time() - start) / len(data)


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def in_words(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="udnie")
    parser.add_argument("--side", type=int, default=1024, help="longer side of a photo in pixels")
    parser.add_argument("--seconds", type=float, help="that one worker takes for a picture; measured if not given")
    parser.add_argument("--hardware", default=cpu_name(), help="what a machine of the cluster is called")
    parser.add_argument("--price", type=float, help="dollars an hour of one machine")
    parser.add_argument("--cores", type=int, default=1, help="workers on one machine")
    arguments = parser.parse_args()
    driver = measure_driver()
    seconds = arguments.seconds or measure_worker(arguments.model, arguments.side)
    where = f"{arguments.model}, {arguments.side} pixels, one thread of {arguments.hardware}"
    print(f"One picture: {seconds:.3f} s of a worker ({where}).\n")
    print("| the driver's part in a picture | on this CPU |\n|---|---|")
    print(f"| planning it, of a folder | {driver.plan * 1e6:.0f} µs |")
    print(f"| dealing it out | {driver.deal * 1e6:.1f} µs |")
    print(f"| its line in the manifest | {driver.note * 1e6:.0f} µs |")
    print(f"| memory | {driver.memory:.0f} bytes |\n")
    print("| workers | pictures a second | reports a second | driver busy |\n|---|---|---|---|")
    for workers in WORKERS:
        rate = workers / seconds
        # A worker reports at most that often, and not before it has a picture.
        reports = min(rate, workers / (_REPORT_EVERY * workers))
        print(f"| {workers:,} | {rate:,.0f} | {reports:,.0f} | {100 * rate * driver.each:.1f} % |")
    print("\n| pictures | planning | driver's memory | on 1,000 workers |\n|---|---|---|---|")
    for pictures in PICTURES:
        memory = f"{pictures * driver.memory / 1e9:.2f} GB"
        took = max(pictures * seconds / 1000, pictures * driver.each)
        print(f"| {pictures:,} | {in_words(pictures * driver.plan)} | {memory} | {in_words(took)} |")
    choke = seconds / driver.each
    hours = 1e6 * seconds / 3600 / arguments.cores
    print(f"\nThe driver alone keeps up with {1 / driver.each:,.0f} pictures a second, those of {choke:,.0f} workers.")
    print(f"A million pictures take {1e6 * seconds / 3600:,.0f} hours of a worker, {hours:,.0f} of a machine", end="")
    print("." if arguments.price is None else f": {hours * arguments.price:,.2f} dollars at {arguments.price} an hour.")
    print(f"Their requests to S3 cost {1e6 * (_GET + _PUT) + 1e3 * _PUT:,.2f} dollars: each is read and written once,")
    print("and one in a thousand is listed. With --skip-existing, one more in a thousand is.")


if __name__ == "__main__":
    main()
