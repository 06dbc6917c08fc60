import subprocess
import sys

import pytest

from fststyle.system import memory


@pytest.mark.parametrize(
    ("text", "amount"),
    [("2000", 2000), ("1.5GB", 1_500_000_000), ("800 MB", 800_000_000), ("3g", 3_000_000_000), ("64KiB", 64_000)],
)
def test_amounts(text: str, amount: int) -> None:
    assert memory.parse_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1.5 gigabytes", "1e9", "9" * 400])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"memory must be an amount such as 1\.5GB or 800MB, not"):
        memory.parse_bytes(text)


def test_half_of_the_least_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_of_machine", lambda: 8000)
    monkeypatch.setattr(memory, "in_control_groups", lambda: 3000)
    assert memory.default_memory() == 1500
    monkeypatch.setattr(memory, "_of_process", lambda: 2000)
    assert memory.default_memory() == 1000
    monkeypatch.setattr(memory, "_of_process", lambda: None)
    monkeypatch.setattr(memory, "in_control_groups", lambda: None)
    assert memory.default_memory() == 4000
    monkeypatch.setattr(memory, "_of_machine", lambda: None)
    assert memory.default_memory() == 1_000_000_000


def test_this_machine_has_some() -> None:
    assert memory.default_memory() > 10_000_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits that Linux keeps")
@pytest.mark.parametrize("name", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(name: str) -> None:
    script = f"""
import resource
from fststyle.system.memory import default_memory

taken = {{"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}}["{name}"]
kilobytes = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(taken))
resource.setrlimit(resource.{name}, (kilobytes * 1024 + 300_000_000,) * 2)
print(default_memory())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) == pytest.approx(150_000_000, rel=0.05)


def page_faults(script: str, word: str) -> int:
    """What a script prints that is told this word."""
    done = subprocess.run([sys.executable, "-c", script, word], capture_output=True, text=True, check=False)
    if "no glibc" in done.stderr:
        pytest.skip("another C library")
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_kept_memory_is_not_got_from_the_system_anew() -> None:
    script = """
import resource, sys
import numpy as np
from fststyle.system.memory import keep_freed_memory

if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit("no glibc")
for turn in range(12):
    if turn == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(10_000_000, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    faults = {what: page_faults(script, what) for what in ("leave", "keep")}
    assert faults["keep"] < faults["leave"] / 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_memory_that_one_thread_freed_is_taken_by_another() -> None:
    script = """
import resource, sys, threading
import numpy as np
from fststyle.system.memory import keep_freed_memory

if not keep_freed_memory(in_one_arena=sys.argv[1] == "one"):
    sys.exit("no glibc")
np.ones(10_000_000, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
thread = threading.Thread(target=lambda: np.ones(10_000_000, np.float32))
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    faults = {what: page_faults(script, what) for what in ("several", "one")}
    assert faults["one"] < faults["several"] / 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_freed_memory_between_used_blocks_is_given_back() -> None:
    script = """
import sys
import numpy as np
from fststyle.system.memory import give_back_freed_memory

def pages():
    return int(open("/proc/self/statm").read().split()[1])

blocks = [np.ones(100_000, np.uint8) for _ in range(1000)]
blocks = [block for number, block in enumerate(blocks) if number % 10 == 0]
before = pages()
if not give_back_freed_memory():
    sys.exit("no glibc")
print((before - pages()) * 4096)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if "no glibc" in done.stderr:
        pytest.skip("another C library")
    assert int(done.stdout) > 50_000_000
