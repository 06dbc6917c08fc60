"""Names of devices, and what onnxruntime calls them; its sessions on any of them, and the errors it raises."""

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from fststyle.errors import DeviceError
from fststyle.system.cores import threads_for_cores

# Its own derive from Exception alone.
ORT_ERRORS = (
    RuntimeError,
    ValueError,
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_PACKAGES = {
    "cuda": "onnxruntime-gpu",
    "directml": "onnxruntime-directml",
    "coreml": "onnxruntime",
    "cpu": "onnxruntime",
}

# CoreML compiles a graph anew for every size of picture, so it is there for those who ask.
_AUTO = ("cuda", "directml", "cpu")


def installed_devices() -> list[str]:
    """The devices that the installed onnxruntime was built for; whether the machine has them shows on use."""
    available = onnxruntime.get_available_providers()
    return [device for device, provider in PROVIDERS.items() if provider in available]


def choose_device(device: str) -> str:
    """Resolve "auto"; any other device must be one that onnxruntime was built for.

    Raises:
        ValueError: No such name.
        DeviceError: The installed onnxruntime cannot use this device.
    """
    installed = installed_devices()
    if device == "auto":
        return next(name for name in _AUTO if name in installed)
    if device not in PROVIDERS:
        raise ValueError(f"device must be one of auto, {', '.join(PROVIDERS)}, not {device!r}")
    if device not in installed:
        raise DeviceError(
            f"the installed onnxruntime runs on {' and '.join(installed)}, not on {device}; {remedy(device)}"
        )
    return device


def open_session(
    data: bytes,
    device: str = "cpu",
    threads: int | None = None,
    *,
    optimized: Path | None = None,
    pooled: bool = False,
) -> onnxruntime.InferenceSession:
    """A session of a graph's bytes; every session of the package is opened here.

    Args:
        data: Of an ONNX file that was checked.
        device: A key of `PROVIDERS`. Whether the session really uses it, its `get_providers` tells.
        threads: For the CPU, at most as many as usable cores; None is a thread a core.
        optimized: Where to write what onnxruntime's basic optimization, which no hardware matters to, makes of the
            graph. The session has that optimization alone.
        pooled: Take memory from a pool of all such sessions of the process, for many that follow each other. The pool
            keeps what it has.

    Raises:
        Exception: One of `ORT_ERRORS`.
    """
    options = onnxruntime.SessionOptions()
    # Whatever fails is raised, too: below 4, onnxruntime also prints it, in color and with its own source's paths.
    options.log_severity_level = 4
    if (threads := threads_for_cores(threads)) is not None:
        options.intra_op_num_threads = threads
    if device == "cpu":
        # The plan of a size's first run gets a block of its own beside what that run took: a sixth to a third more
        # memory, and no less time.
        options.enable_mem_pattern = False
        # Threads of a session would go on looking for work for some 30 ms after a run, on the cores that whatever comes
        # next needs: another network, or the next frame's decoding. With that, `tiny` takes half as long beside others.
        options.add_session_config_entry("session.force_spinning_stop", "1")
    if pooled and device == "cpu":
        _make_pool()
        options.add_session_config_entry("session.use_env_allocators", "1")
    if optimized is not None:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(optimized)
    providers = list(dict.fromkeys([PROVIDERS[device], PROVIDERS["cpu"]]))
    return onnxruntime.InferenceSession(data, options, providers=providers)


def run_into(
    session: onnxruntime.InferenceSession,
    feeds: Mapping[str, NDArray[Any]],
    outputs: Mapping[str, NDArray[Any]],
    options: onnxruntime.RunOptions | None,
) -> list[NDArray[Any]]:
    """The given arrays, filled with the outputs of these names; by itself, onnxruntime makes arrays and copies to them.

    Raises:
        Exception: One of `ORT_ERRORS`: an array has not the output's shape, for example.
    """
    binding = session.io_binding()
    for name, values in feeds.items():
        binding.bind_cpu_input(name, np.ascontiguousarray(values))
    for name, values in outputs.items():
        binding.bind_output(name, "cpu", 0, values.dtype, values.shape, values.ctypes.data)
    session.run_with_iobinding(binding, options)
    return list(outputs.values())


@cache
def _make_pool() -> None:
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    # Of a program that has made its own pool, that one is used.
    with suppress(*ORT_ERRORS):
        onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(0, -1, -1, -1))


def reason(error: Exception) -> str:
    """What onnxruntime says, in one short line, without the places in its own source."""
    said = " ".join(str(error).split())
    said = re.sub(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", said)
    said = re.sub(
        r"Non-zero status code returned while running (\w+) node\. Name:'.*?' Status Message: ", r"\1: ", said
    )
    # The place, and the function with its arguments, which may have parentheses of their own.
    said = re.sub(r"\S+\.(?:h|cc):\d+ (?:[^()]*?::[^()]*\((?:[^()]|\([^()]*\))*\)(?: const)? )?", "", said)
    return said[:200]


def remedy(device: str) -> str:
    """What to do when a device cannot be used."""
    package = _PACKAGES[device]
    if package == "onnxruntime":
        return f"use device 'auto', or a computer that has {device}"
    # Both packages unpack into the same folder, and the one without GPU wins.
    return (
        f"use device 'auto', or `pip uninstall onnxruntime` and `pip install {package}`: only one of them may be there"
    )
