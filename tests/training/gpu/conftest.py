"""The device of the tests that are marked `gpu`: CUDA, or what FSTSTYLE_GPU_TESTS names, to try them on a CPU."""

import os
from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def device() -> Iterator[torch.device]:
    """Where the test runs; products are in full float32 there, so that results can be compared with the CPU's."""
    asked = os.environ.get("FSTSTYLE_GPU_TESTS", "cuda")
    if asked == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    matmul, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, convolutions.allow_tf32
    matmul.allow_tf32 = convolutions.allow_tf32 = False
    yield torch.device(asked)
    matmul.allow_tf32, convolutions.allow_tf32 = before


@pytest.fixture
def gpu(device: torch.device) -> torch.device:
    """The GPU, for what a CPU cannot try."""
    if device.type != "cuda":
        pytest.skip("only a GPU can show this")
    return device
