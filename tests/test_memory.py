import subprocess
import sys
from pathlib import Path

import pytest

from fststyle import memory


@pytest.mark.parametrize(
    ("text", "amount"),
    [("2000", 2000), ("1.5GB", 1_500_000_000), ("800 MB", 800_000_000), ("3g", 3_000_000_000), ("64KiB", 64_000)],
)
def test_amounts(text: str, amount: int) -> None:
    assert memory.parse_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1.5 gigabytes", "1e9"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"memory must be an amount such as 1\.5GB or 800MB, not"):
        memory.parse_bytes(text)


def test_half_of_the_least_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_of_machine", lambda: 8000)
    monkeypatch.setattr(memory, "_of_container", lambda: 3000)
    assert memory.default_memory() == 1500
    monkeypatch.setattr(memory, "_of_container", lambda: None)
    assert memory.default_memory() == 4000
    monkeypatch.setattr(memory, "_of_machine", lambda: None)
    assert memory.default_memory() == 1_000_000_000


def test_this_machine_has_some() -> None:
    assert memory.default_memory() > 10_000_000


def test_a_container_without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_: "max\n")
    assert memory._of_container() is None


def test_what_files_left_in_a_containers_memory_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "memory.max": "1000\n",
        "memory.current": "900\n",
        "memory.stat": "anon 150\nfile 720\ninactive_file 600\nactive_file 100\n",
    }
    monkeypatch.setattr(Path, "read_text", lambda path, _: files[path.name])
    assert memory._of_container() == 800
    files["memory.current"] = "0\n"
    assert memory._of_container() == 1000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_kept_memory_is_not_got_from_the_system_anew() -> None:
    script = """
import resource, sys
import numpy as np
from fststyle.memory import keep_freed_memory

if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit("no glibc")
for turn in range(12):
    if turn == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(10_000_000, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    faults = {}
    for what in ("leave", "keep"):
        done = subprocess.run([sys.executable, "-c", script, what], capture_output=True, text=True, check=False)
        if "no glibc" in done.stderr:
            pytest.skip("another C library")
        faults[what] = int(done.stdout)
    assert faults["keep"] < faults["leave"] / 10
