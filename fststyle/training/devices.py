"""Where torch computes."""

import torch

from fststyle.errors import DeviceError


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
