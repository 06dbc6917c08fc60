"""The programs in examples/ paint what fststyle paints."""

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from documents import ROOT
from numpy.typing import NDArray
from PIL import Image

from fststyle import Stylizer
from fststyle.pictures.files import read_picture

EXAMPLES = ROOT / "examples"
MODEL = ROOT / "models" / "udnie_tiny.onnx"


@pytest.fixture
def photo_file(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """A lossless photo of 46×34 pixels."""
    path = tmp_path / "photo.png"
    Image.fromarray(np.ascontiguousarray(np.kron(photo[:17, :23], np.ones((2, 2, 1), np.uint8)))).save(path)
    return path


def run(name: str, *arguments: object) -> None:
    runpy.run_path(str(EXAMPLES / name))["main"](*map(str, arguments))


def assert_painted(path: Path, photo_file: Path, model: Path = MODEL, **controls: Any) -> None:
    expected = Stylizer.load(model, "cpu")(read_picture(photo_file), **controls)
    assert np.abs(read_picture(path).rgb.astype(int) - expected).max() <= 1


def test_onnxruntime_alone(tmp_path: Path, photo_file: Path) -> None:
    run("onnxruntime_alone.py", MODEL, photo_file, tmp_path / "out.png")
    assert_painted(tmp_path / "out.png", photo_file)


def test_onnxruntime_alone_with_a_strength(
    tmp_path: Path, photo_file: Path, save: Callable[..., Path], assets: dict[str, Any]
) -> None:
    darker = assets["gain_model"](0.5)
    with_strength = runpy.run_path(str(EXAMPLES / "onnxruntime_alone.py"))["main"]
    path = save(darker, {"min_side": 16})
    with_strength(str(path), str(photo_file), str(tmp_path / "out.png"), 0.5)  # a network that has no such input
    assert_painted(tmp_path / "out.png", photo_file, path)


def test_opencv(tmp_path: Path, photo_file: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    model = MODEL
    if int(cv2.__version__.split(".")[0]) < 5:
        model = tmp_path / "fixed.onnx"
        run("opencv4_fixed_size.py", MODEL, "46x34", model)
    run("opencv_dnn.py", model, photo_file, tmp_path / "out.png")
    assert_painted(tmp_path / "out.png", photo_file)


def test_a_copy_for_one_size_paints_the_same(tmp_path: Path, photo_file: Path) -> None:
    run("opencv4_fixed_size.py", MODEL, "46x34", tmp_path / "fixed.onnx")
    graph = onnx.load(tmp_path / "fixed.onnx").graph
    assert [side.dim_value for side in graph.output[0].type.tensor_type.shape.dim] == [1, 3, 34, 46]
    run("onnxruntime_alone.py", tmp_path / "fixed.onnx", photo_file, tmp_path / "out.png")
    assert_painted(tmp_path / "out.png", photo_file)


@pytest.mark.network
def test_node(tmp_path: Path, photo_file: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("no Node here")
    shutil.copytree(EXAMPLES / "node", tmp_path / "node", ignore=shutil.ignore_patterns("node_modules"))
    environment = os.environ | {"ONNXRUNTIME_NODE_INSTALL_CUDA": "skip"}
    subprocess.run([npm, "install", "--no-audit"], cwd=tmp_path / "node", env=environment, check=True, timeout=300)
    command = [node, "stylize.js", str(MODEL), str(photo_file), str(tmp_path / "out.png")]
    subprocess.run(command, cwd=tmp_path / "node", check=True, timeout=60)
    assert_painted(tmp_path / "out.png", photo_file)


def test_a_folder_of_frames(tmp_path: Path, photo_file: Path) -> None:
    pytest.importorskip("cv2")
    pytest.importorskip("av")
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in (10, 9):
        shutil.copy(photo_file, frames / f"{number}.png")
    run("paint_frame_folder.py", MODEL, frames, tmp_path / "painted")
    assert sorted(path.name for path in (tmp_path / "painted").iterdir()) == ["10.png", "9.png"]
    assert_painted(tmp_path / "painted" / "9.png", photo_file)


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_says_how_it_is_called(name: str) -> None:
    assert f"python examples/{name}" in (EXAMPLES / name).read_text("utf-8")


def test_sensors() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "sensor_example.py"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "not installed" in done.stderr or "No module named" in done.stderr:
        pytest.skip("needs fststyle[train]")
    assert done.returncode == 0, done.stderr
    assert "known of each mode" in done.stdout
