"""Loads `fststyle serve` with many clients, and compares it with the bare `Stylizer` in as many threads.

pip install locust
python scripts/benchmarks/load_server.py [--requests 1000] [--clients 16] [--network udnie] [--side 512]

Prints errors, throughput, the ratio to the bare Stylizer (measured before and after, in this run), response times, and
the server's memory after a quarter of the requests and at the end. Ends with status 1 if a request failed, the ratio is
under 0.9, or the memory changed by more than 5 %.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO, cast
from urllib.parse import urlencode

from fststyle import Stylizer, samples
from fststyle.pictures.files import encode_picture, read_picture, resize

LEAST_RATIO = 0.9
MOST_GROWTH = 0.05
_CLIENTS = Path(__file__).with_name("paint_load.py")


def photo_of(side: int) -> bytes:
    """A square JPEG of a sample photo."""
    return encode_picture(resize(read_picture(samples.photos()[0]).rgb, side, side), None, ".jpg")


def bare_rate(asked: argparse.Namespace, photo: bytes, *, files: bool = False) -> float:
    """Paintings a second of the Stylizer alone; with `files`, JPEGs are decoded and encoded, too."""
    stylizer = Stylizer(asked.network, threads=asked.threads)
    workers, paintings = asked.workers, max(20, asked.requests // 8)
    rgb = read_picture(io.BytesIO(photo)).rgb

    def paint(_: int) -> None:
        painted = stylizer(read_picture(io.BytesIO(photo)).rgb if files else rgb)
        if files:
            encode_picture(painted, None, ".jpg")

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(paint, range(workers)))
        begun = time.perf_counter()
        list(pool.map(paint, range(paintings)))
        return paintings / (time.perf_counter() - begun)


class Memory(threading.Thread):
    """Looks at the resident memory of a process, twice a second."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{process}/status")
        self.bytes: list[int] = []
        self._done = threading.Event()

    def run(self) -> None:
        """Look until `end`."""
        while not self._done.wait(0.5):
            line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmRSS"))
            self.bytes.append(int(line.split()[1]) * 1024)

    def end(self) -> tuple[float, float]:
        """The mean after a quarter of the time, over a tenth of it, and the mean of the last tenth."""
        self._done.set()
        self.join()
        span = max(1, len(self.bytes) // 10)
        quarter = len(self.bytes) // 4
        first, last = self.bytes[quarter : quarter + span], self.bytes[-span:]
        return sum(first) / len(first), sum(last) / len(last)


def load(address: str, photo: bytes, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Locust's figures."""
    (folder / "photo.jpg").write_bytes(photo)
    environment = os.environ | {
        "LOAD_PHOTO": str(folder / "photo.jpg"),
        "LOAD_REQUESTS": str(asked.requests),
        "LOAD_QUERY": urlencode({"network": asked.network, "format": "jpg"}),
    }
    words = ["-f", str(_CLIENTS), "--headless", "-u", str(asked.clients), "-r", str(asked.clients), "--host", address]
    done = subprocess.run(
        [asked.locust, *words, "--json", "--loglevel", "ERROR"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    figures: dict[str, Any] = json.loads(done.stdout)[0]
    return figures


def percentile(times: dict[str, int], share: float) -> int:
    """Milliseconds that this share of the requests took at most."""
    left = share * sum(times.values())
    for milliseconds, count in sorted((int(key), value) for key, value in times.items()):
        left -= count
        if left <= 0:
            return milliseconds
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--network", default="udnie")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--threads", type=int, help="of onnxruntime, for each painting; default: one per core")
    parser.add_argument("--locust", default=shutil.which("locust") or "locust", help="where locust is")
    asked = parser.parse_args()
    photo = photo_of(asked.side)
    before = bare_rate(asked, photo)
    with tempfile.TemporaryDirectory() as name:
        words = ["serve", asked.network, "--port", "0", "--workers", str(asked.workers), "-o", f"{name}/served"]
        words += [] if asked.threads is None else ["--threads", str(asked.threads)]
        server = subprocess.Popen([sys.executable, "-m", "fststyle", *words], stderr=subprocess.PIPE, text=True)
        try:
            address = cast("TextIO", server.stderr).readline().removeprefix("open: ").strip().rstrip("/")
            memory = Memory(server.pid)
            memory.start()
            figures = load(address, photo, asked, Path(name))
            first, last = memory.end()
        finally:
            server.terminate()
            server.wait()
    after, with_files = bare_rate(asked, photo), bare_rate(asked, photo, files=True)
    seconds = figures["last_request_timestamp"] - figures["start_time"]
    rate = figures["num_requests"] / seconds
    alone = (before + after) / 2
    ratio, growth = rate / alone, last / first - 1
    print(f"{figures['num_requests']} requests from {asked.clients} clients, {figures['num_failures']} errors")
    print(f"server      {rate:.2f} paintings a second")
    print(f"Stylizer    {alone:.2f} in {asked.workers} threads ({before:.2f} before, {after:.2f} after)")
    print(f"with files  {with_files:.2f}, JPEGs decoded and encoded")
    print(f"ratio       {ratio:.3f} (at least {LEAST_RATIO})")
    times = figures["response_times"]
    print(f"response    {percentile(times, 0.5)} ms median, {percentile(times, 0.99)} ms for 99 %")
    print(f"memory      {first / 1e6:.0f} MB after a quarter, {last / 1e6:.0f} MB at the end ({growth:+.1%})")
    failed = figures["num_failures"] or figures["num_requests"] < asked.requests
    return int(bool(failed) or ratio < LEAST_RATIO or abs(growth) > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
