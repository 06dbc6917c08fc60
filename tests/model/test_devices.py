import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from fststyle.errors import DeviceError
from fststyle.model.devices import PROVIDERS, choose_device, installed_devices, open_session


def installed(monkeypatch: pytest.MonkeyPatch, *devices: str) -> None:
    providers = ["AzureExecutionProvider", *(PROVIDERS[device] for device in devices)]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)


def test_auto_prefers_a_gpu_and_leaves_coreml_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for devices, chosen in ((["cpu"], "cpu"), (["cpu", "cuda"], "cuda"), (["coreml", "cpu"], "cpu")):
        installed(monkeypatch, *devices)
        assert choose_device("auto") == chosen
        assert choose_device("cpu") == "cpu"
        assert set(installed_devices()) == set(devices)


def test_a_missing_device_names_what_is_there_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "cpu")
    with pytest.raises(
        DeviceError, match=r"runs on cpu, not on cuda; .*pip install onnxruntime-gpu`: only one of them"
    ):
        choose_device("cuda")
    with pytest.raises(DeviceError, match=r"not on coreml; use device 'auto'"):
        choose_device("coreml")


def test_an_unknown_device() -> None:
    with pytest.raises(ValueError, match="one of auto, cuda, directml, coreml, cpu, not 'gpu'"):
        choose_device("gpu")


_THREE_RUNS = """
import json, resource, sys
import numpy as np
from fststyle.model.devices import open_session
session = open_session(open(sys.argv[1], "rb").read(), threads=1)
content = np.zeros((1, 3, 512, 512), np.float32)
peaks = []
for _ in range(3):
    session.run(None, {"content": content})
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(json.dumps(peaks))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_size_takes_no_more_memory_again(
    assets: dict[str, Any],
    save: Callable[..., Path],
    run_python: Callable[..., CompletedProcess[bytes]],
) -> None:
    constants = {
        "more": np.ones((32, 3, 1, 1), np.float32),
        "same": np.ones((32, 32, 1, 1), np.float32),
        "less": np.ones((3, 32, 1, 1), np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["content", "more"], ["a"]),
        helper.make_node("Conv", ["a", "same"], ["b"]),
        helper.make_node("Conv", ["b", "less"], ["stylized"]),
    ]
    done = run_python("-c", _THREE_RUNS, save(assets["picture_model"](nodes, constants)))
    first, *_, last = json.loads(done.stdout)
    assert last - first < 10_000  # kilobytes; one tensor has 32,768


def test_threads_rest_between_runs(assets: dict[str, Any]) -> None:
    """So that the cores are free for what comes next."""
    weights = {"more": np.ones((32, 3, 5, 5), np.float32), "less": np.ones((3, 32, 1, 1), np.float32)}
    nodes = [
        helper.make_node("Conv", ["content", "more"], ["a"], pads=[2, 2, 2, 2]),
        helper.make_node("Conv", ["a", "less"], ["stylized"]),
    ]
    session = open_session(assets["picture_model"](nodes, weights).SerializeToString(), threads=2)
    session.run(None, {"content": np.zeros((1, 3, 256, 256), np.float32)})
    begun = time.process_time()
    time.sleep(0.1)
    assert time.process_time() - begun < 0.005  # a thread that waits awake takes 0.01 and more


_STARTED = """
import os, sys
from fststyle.model.devices import open_session
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
data = open(sys.argv[1], "rb").read()
before = len(os.listdir("/proc/self/task"))
sessions = [open_session(data), open_session(data, threads=8)]
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux does")
def test_a_process_bound_to_one_core_starts_no_threads(
    assets: dict[str, Any], save: Callable[..., Path], run_python: Callable[..., CompletedProcess[bytes]]
) -> None:
    """By itself, onnxruntime starts one per core of the machine, and binds it to a core that is not the process's."""
    scale = {"scale": np.ones((1, 3, 1, 1), np.float32)}
    model = assets["picture_model"]([helper.make_node("Mul", ["content", "scale"], ["stylized"])], scale)
    assert run_python("-c", _STARTED, save(model)).stdout.strip() == b"0"
