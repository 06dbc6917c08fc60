"""The base networks that ship with the package: where a new style starts by default."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

BASE_FOLDER = Path(__file__).parent

STAND_INS = {"johnson": "udnie_johnson"}
"""Of networks without a base, the one in the gallery, of a single style, that new styles start from. Measured on
Pastorales tahitiennes after 3.5 minutes: total 1.05; from a network of The Starry Night of six minutes, 1.81."""


def base_file(network: str) -> Path:
    """Where the base of a network lies, if there is one."""
    return BASE_FOLDER / f"base_{network}.safetensors"


def load_base(network: str, width: float) -> dict[str, Tensor] | None:
    """The state of a network that knows many styles, or None if none ships for this name and width."""
    path = base_file(network)
    return load_file(path) if width == 1 and path.exists() else None
