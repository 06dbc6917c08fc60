"""Ten thousand pictures in one process: the memory stays flat."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from case import Case, fault
from PIL import Image

PICTURES = 10_000
GROWTH = 1.05
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks into /proc"),
]


def make_photos(folder: Path, rotten: float) -> int:
    """Smooth photos of varying sizes, many of them links to the same file; how many of them are rotten."""
    rng = np.random.default_rng(0)
    originals = folder.with_name("originals")
    originals.mkdir()
    for number in range(200):
        height, width = rng.integers(16, 97, 2)
        small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8))
        small.resize((int(width), int(height))).save(originals / f"{number}.jpg")
    (originals / "rotten.jpg").write_bytes((originals / "0.jpg").read_bytes()[:300])
    bad = set(rng.choice(PICTURES, int(rotten * PICTURES), replace=False).tolist())
    folder.mkdir()
    for number in range(PICTURES):
        original = "rotten" if number in bad else str(rng.integers(200))
        (folder / f"{number:05}.jpg").hardlink_to(originals / f"{original}.jpg")
    return len(bad)


def count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def resident(pid: int) -> int:
    """Bytes of memory that are the process's own: files that are mapped and shared do not count."""
    _, total, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(total) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("rotten", "status"),
    [
        pytest.param(
            rotten,
            status,
            marks=fault(
                Case(
                    "Long haul", fed, f"memory at most {GROWTH - 1:.0%} above what it was after a tenth, exit {status}"
                )
            ),
        )
        for rotten, status, fed in (
            (0.0, 0, f"{PICTURES:,} pictures of varying sizes in one process"),
            (0.02, 1, f"{PICTURES:,} pictures, 2 % of them rotten"),
        )
    ],
)
def test_memory_stays_flat(rotten: float, status: int, tmp_path: Path, record_property: pytest.FixtureRequest) -> None:
    bad = make_photos(tmp_path / "in", rotten)
    model = ROOT / "models" / "starry_night.onnx"
    shutil.copy(model, tmp_path / "m.onnx")
    command = [sys.executable, "-m", "fststyle", "stylize", "m.onnx", "in", "-o", "out", "--threads", "1"]
    with (tmp_path / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=errors)
    seen: list[tuple[int, int]] = []
    out = tmp_path / "out"
    while process.poll() is None:
        done = count(out) if out.exists() else 0
        try:
            seen.append((done, resident(process.pid)))
        except (FileNotFoundError, ProcessLookupError, ValueError):
            break
        time.sleep(0.25)
    assert process.wait(60) == status, (tmp_path / "errors.txt").read_text()[-2000:]
    assert count(out) == PICTURES - bad
    warm = max(size for done, size in seen if done <= PICTURES // 10)
    most = max(size for _, size in seen)
    record_property("found", f"{warm / 2**20:.0f} MiB after a tenth, at most {most / 2**20:.0f} MiB")
    assert most <= GROWTH * warm, [(done, size >> 20) for done, size in seen[:: max(1, len(seen) // 20)]]
