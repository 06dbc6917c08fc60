"""Names of devices, and what onnxruntime calls them; the errors it raises on any of them."""

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from fststyle.errors import DeviceError

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


def reason(error: Exception) -> str:
    """What onnxruntime says, in one short line."""
    return " ".join(str(error).split())[:200]


def remedy(device: str) -> str:
    """What to do when a device cannot be used."""
    package = _PACKAGES[device]
    if package == "onnxruntime":
        return f"use device 'auto', or a computer that has {device}"
    # Both packages unpack into the same folder, and the one without GPU wins.
    return (
        f"use device 'auto', or `pip uninstall onnxruntime` and `pip install {package}`: only one of them may be there"
    )
