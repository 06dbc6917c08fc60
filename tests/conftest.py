import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bodies import write_sibling
from case import Case
from numpy.typing import NDArray

from fststyle.model.card import ModelCard
from fststyle.model.file import write_model

ROOT = Path(__file__).parents[1]
ASSETS = Path(__file__).parent / "assets"


@pytest.fixture
def identity() -> Path:
    """A network of ours that gives back every byte."""
    return ASSETS / "identity.onnx"


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    """Noise with odd sides, (33, 47, 3)."""
    return np.random.default_rng(0).integers(0, 256, (33, 47, 3), np.uint8)


@pytest.fixture(scope="session")
def assets() -> dict[str, Any]:
    """What make_assets.py defines: picture_model, gain_model, CARD."""
    return runpy.run_path(str(ASSETS / "make_assets.py"))


@pytest.fixture
def save(tmp_path: Path, assets: dict[str, Any]) -> Callable[..., Path]:
    """Save a graph: as somebody else's, or with `card=...` fields as one of ours."""

    def save(model: onnx.ModelProto, card: dict[str, Any] | None = None, name: str = "network.onnx") -> Path:
        path = tmp_path / name
        if card is None:
            path.write_bytes(model.SerializeToString())
        else:
            base: ModelCard = assets["CARD"]
            write_model(path, model, replace(base, **card))
        return path

    return save


@pytest.fixture
def sibling(tmp_path: Path) -> Callable[..., Path]:
    """Save a network of the body of one that ships: its gains, shifts and last bias are others."""
    return partial(write_sibling, tmp_path)


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run this Python in a process of its own, in `tmp_path`, whether fststyle is installed or not."""

    def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(
            command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, timeout=120, check=False
        )

    return run


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The row of the table that the test stands for."""
    mark = request.node.get_closest_marker("fault")
    return Case(*mark.args)
