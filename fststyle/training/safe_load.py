"""Reading torch's files from anywhere: tensors and plain values, never code."""

import pickle
import struct
from pathlib import Path
from typing import Any

import torch

# What torch's restricted unpickler was seen to raise over truncated, bit-flipped and foreign files.
_BROKEN = (
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    OSError,
    AttributeError,
    AssertionError,
    LookupError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


class BrokenFileError(Exception):
    """The file is not whole, is something else, or holds more than tensors and plain values."""


def safe_load(path: Path) -> Any:
    """What `torch.save` wrote, on the CPU.

    Raises:
        BrokenFileError: From whatever torch had to say.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        raise BrokenFileError(str(error)) from error
