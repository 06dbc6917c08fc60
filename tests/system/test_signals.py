import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fststyle.system.signals import SignalWatch

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_the_second_breaks_off(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with SignalWatch() as watch:
        assert watch.received is None
        os.kill(os.getpid(), number)
        assert watch.received == number
        os.kill(os.getpid(), signal.SIGTERM)  # means no more than the first
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(number) == before


PARENT = """
import os, subprocess, sys
code = "import os, time; from fststyle.system.signals import end_with; end_with(os.getppid()); "
code += "print(os.getpid(), flush=True); time.sleep(60)"
subprocess.run([sys.executable, "-c", code])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_a_process_ends_with_its_parent() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.kill()
        until = time.monotonic() + 20
        while _is_running(child) and time.monotonic() < until:
            time.sleep(0.05)
        assert not _is_running(child)


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
