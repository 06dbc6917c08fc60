"""Networks as other exporters write them, each through all that a network goes through."""

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from make_foreign_networks import Foreign, networks
from numpy.typing import NDArray
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.errors import ModelFileError
from fststyle.paint.frames import Steadiness, stylize_frames
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import write_picture
from fststyle.runtime import tiling
from fststyle.runtime.bench import measure_here
from fststyle.runtime.convert import quantize
from fststyle.runtime.tiling import TiledNetwork

Pixels = NDArray[np.uint8]
NETWORKS = networks()

# One of each kind; the others, which differ from these in a number, are tried in the slow part of the suite.
QUICK = {
    "opset 7",
    "opset 20",
    "border torchscript_chain",
    "norm written_with_second_moments",
    "norm written_by_dynamo",
    "norm group",
    "resize nearest asymmetric floor, sizes, opset 13",
    "upsample linear",
    "enlarge transposed_same",
    "shortcut, multiples of 8",
    "sides 1×3×h×64",
    "keras, opset 13",
    "half, rows of pixels",
    "two outputs",
}


@pytest.fixture(scope="module")
def scene() -> Pixels:
    """Dark on the left and busy on the right, with sides that are multiples of no power of 2."""
    height, width = 95, 133
    slope = np.linspace(0, 200, width)[None, :, None] * np.linspace(0.2, 1, height)[:, None, None]
    noise = np.random.default_rng(3).integers(-50, 50, (height, width, 3)) * np.linspace(0, 1, width)[None, :, None]
    return np.clip(slope + noise + 20, 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 32)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # nothing here is worth one
        yield


def test_the_quick_ones_are_there() -> None:
    assert set(NETWORKS) >= QUICK
    assert len(NETWORKS) > 100


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(foreign, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, foreign in NETWORKS.items()
    ],
)
def test_a_network_from_elsewhere(foreign: Foreign, tmp_path: Path, scene: Pixels) -> None:
    path, layout = tmp_path / "net.onnx", foreign.layout
    onnx.save(foreign.model, path)
    stylizer = Stylizer.load(path, layout=layout)  # type: ignore[arg-type]
    painted = stylizer(scene).astype(int)
    assert painted.shape == scene.shape
    assert painted.std() > 2  # not a blank
    assert stylizer._fitting.least_multiple == foreign.multiple
    in_tiles(foreign, stylizer, scene, painted)
    frames = stylize_frames(stylizer, [scene, scene], steadiness=Steadiness(follow=0.1, carry=0))
    assert max(np.abs(frame - painted).max() for frame in frames) <= 1
    write_picture(tmp_path / "photos" / "a.png", scene)
    half = foreign.model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    for precision in ("int8", "fp16"):
        made = tmp_path / f"{precision}.onnx"
        if half:
            with pytest.raises(ModelFileError, match="16-bit floats already; start from its 32-bit form"):
                quantize(path, made, precision=precision, photos=tmp_path / "photos", layout=layout)  # type: ignore[arg-type]
            continue
        quantize(path, made, precision=precision, photos=tmp_path / "photos", layout=layout)  # type: ignore[arg-type]
        error = Stylizer.load(made, layout=layout)(scene) - painted  # type: ignore[arg-type]
        assert np.square(error).mean() <= 255**2 / 10**3.4
    made = tmp_path / "bytes.onnx"
    quantize(path, made, precision="fp32", io="uint8", photos=tmp_path / "photos", layout=layout)  # type: ignore[arg-type]
    assert np.abs(Stylizer.load(made)(scene) - painted).max() <= 1
    facts = json.loads(CliRunner().invoke(app, ["info", str(path), "--json"]).stdout)
    assert ("multiples of" in facts["sides"]) == (foreign.multiple > 1)
    assert measure_here(str(path), 50, 60, "cpu", 1, 1, layout)["width"] == 60


def in_tiles(foreign: Foreign, stylizer: Stylizer, scene: Pixels, painted: NDArray[Any]) -> None:
    """The same as the whole, or one line that says why not."""

    def paint(rgb: Pixels) -> Pixels:
        return TiledNetwork(stylizer.network, stylizer._fitting.multiple).run(rgb, 10**12, exact=True)

    if foreign.in_tiles:
        assert np.abs(stylizer._fitting(scene, paint) - painted).max() <= 1
        return
    with pytest.raises(ModelFileError) as refused:
        stylizer._fitting(scene, paint)
    said = str(refused.value)
    assert "\n" not in said
    assert "allow more memory" in said or "it needs no tiles" in said


def test_one_line_and_nothing_more(tmp_path: Path, scene: Pixels, fststyle_process: Callable[..., Any]) -> None:
    """What onnxruntime says of a picture that its graph was not made for."""
    model = NETWORKS["shortcut, multiples of 8"].model
    weight = next(tensor for tensor in model.graph.initializer if list(tensor.dims) == [8, 16, 3, 3])
    broken = onnx.numpy_helper.from_array(np.zeros((8, 15, 3, 3), np.float32), weight.name)
    weight.CopyFrom(broken)
    onnx.save(model, tmp_path / "net.onnx")
    write_picture(tmp_path / "a.png", scene)
    ended = fststyle_process("stylize", "net.onnx", "a.png")
    assert ended.status == 1
    assert ended.errors.startswith("error: ")
    assert ended.errors.count("\n") == 1
    assert "/onnxruntime" not in ended.errors
