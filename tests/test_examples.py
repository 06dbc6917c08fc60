"""The programs in examples/ paint what fststyle paints."""

import os
import runpy
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from documents import ROOT
from numpy.typing import NDArray
from PIL import Image

from fststyle import Stylizer, export_form
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
        export_form(MODEL, model, size=(46, 34))
    run("opencv_dnn.py", model, photo_file, tmp_path / "out.png")
    assert_painted(tmp_path / "out.png", photo_file)


@pytest.mark.parametrize("opset", [18, 11])
def test_opencv_with_a_network_for_one_size(tmp_path: Path, photo_file: Path, opset: int) -> None:
    """What OpenCV 4 needs, any version can read."""
    pytest.importorskip("cv2")
    export_form(MODEL, tmp_path / "fixed.onnx", size=(46, 34), opset=opset)
    run("opencv_dnn.py", tmp_path / "fixed.onnx", photo_file, tmp_path / "out.png")
    assert_painted(tmp_path / "out.png", photo_file)


def onnxruntime_for_compilers(folder: Path) -> tuple[Path, Path] | None:
    """A folder with the header and one with the library: of $ONNXRUNTIME_DIR, or of the system and this Python."""
    unpacked = Path(os.environ.get("ONNXRUNTIME_DIR", "/usr"))
    headers = [unpacked / "include", unpacked / "include" / "onnxruntime"]
    header = next((place for place in headers if (place / "onnxruntime_c_api.h").exists()), None)
    wheel = Path(onnxruntime.__file__).parent / "capi"
    libraries = [*(unpacked / "lib").glob("libonnxruntime.so"), *wheel.glob("libonnxruntime.so.*")]
    if header is None or not libraries:
        return None
    folder.mkdir()
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(libraries[0])
    return header, folder


def test_cpp(tmp_path: Path, photo_file: Path) -> None:
    compiler, found = shutil.which("g++"), onnxruntime_for_compilers(tmp_path / "lib")
    if compiler is None or found is None:
        pytest.skip("no g++, or no onnxruntime_c_api.h: set ONNXRUNTIME_DIR to an unpacked release of onnxruntime")
    header, library = found
    command = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", EXAMPLES / "cpp" / "stylize.cpp", f"-I{header}"]
    command += [f"-L{library}", "-lonnxruntime", f"-Wl,-rpath,{library}", "-o", tmp_path / "stylize"]
    subprocess.run(command, check=True, timeout=120)
    Image.open(photo_file).save(tmp_path / "photo.ppm")

    def stylize(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in (tmp_path / "stylize", *arguments)]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    done = stylize(MODEL, tmp_path / "photo.ppm", tmp_path / "out.ppm")
    assert (done.returncode, done.stderr) == (0, "")
    assert_painted(tmp_path / "out.ppm", photo_file)
    for wrong in ([MODEL, photo_file], ["nowhere.onnx", tmp_path / "photo.ppm"]):
        done = stylize(*wrong, tmp_path / "wrong.ppm")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert not (tmp_path / "wrong.ppm").exists()


def test_gradio(photo_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for Gradio, which notes what it is given."""
    made: dict[str, Any] = {}
    stub: Any = types.ModuleType("gradio")
    for name in ("Dropdown", "Image", "Slider", "Checkbox"):
        setattr(stub, name, lambda *arguments, **_: arguments)
    stub.Interface = lambda function, inputs, *_, **__: made.update(paint=function, inputs=inputs)
    monkeypatch.setitem(sys.modules, "gradio", stub)
    runpy.run_path(str(EXAMPLES / "gradio_app.py"))
    assert "starry_night" in made["inputs"][1][0]
    photo = np.asarray(Image.open(photo_file))
    painted = made["paint"](photo, "udnie_tiny", 0.5, False)
    np.testing.assert_array_equal(painted, Stylizer("udnie_tiny")(photo, strength=0.5))


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
