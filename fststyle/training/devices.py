"""Where torch computes, and how precisely."""

from typing import Literal

import torch

from fststyle.errors import DeviceError, TrainingError
from fststyle.system.cores import usable_cores

Precision = Literal["bf16-mixed", "32-true"]
"""Lightning's names of those that we train with."""


ONLY_FLOAT32 = (
    "weights are trained in float32: the steps of the optimizer and of the running average would be rounded away in 16 "
    "bits; use --precision 32-true, or bf16-mixed or 16-mixed to compute with 16"
)

_TRAINED_WITH = ("32-true", "32", 32, "bf16-mixed", "bf16", "16-mixed", "16", 16)


def check_precision(precision: str | int) -> None:
    """Refuse Lightning's names of precisions that nobody can train with.

    Raises:
        TrainingError: Its weights would not be float32.
    """
    if precision not in _TRAINED_WITH:
        raise TrainingError(f"{precision} does not fit: {ONLY_FLOAT32}")


def torch_device(name: str) -> torch.device:
    """The device called "cpu" or "cuda"; "auto" is the GPU if there is one.

    Raises:
        DeviceError: If there is no such device here.
        ValueError: For another name.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError("torch finds no CUDA device; use --device cpu, or install torch for your driver")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def keep_to_cores() -> None:
    """Let torch start no more threads than cores that the process may use: it does not see quotas of control groups."""
    cores = usable_cores()
    if cores < torch.get_num_threads():
        torch.set_num_threads(cores)


def default_precision(device: torch.device) -> Precision:
    """What to train with: bf16 where the device has units that multiply matrices of it.

    On CPUs those are Intel's AMX; a step with VGG-19 then takes two fifths of its time. With bf16 in the vector units
    alone it took half as long again as in float32.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and _cpu_capabilities().get("amx_bf16", False)
    return "bf16-mixed" if native else "32-true"


def _cpu_capabilities() -> dict[str, bool]:
    """What torch knows of the processor; its older versions do not tell."""
    known: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return known
