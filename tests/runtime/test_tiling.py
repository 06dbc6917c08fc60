import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.paint.frames import Steadiness, stylize_frames
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize
from fststyle.runtime import tiling
from fststyle.runtime.network import Network
from fststyle.runtime.tiling import TiledNetwork
from fststyle.samples import photos

Assets = dict[str, Any]
Pixels = NDArray[np.uint8]
Save = Callable[..., Path]
PLENTY = 10**12
ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "starry_night.onnx"


def node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(" "), [output], **attributes)


def painter(assets: Assets) -> Any:
    """A small network with all that matters: mirrored rim, stride, two norms, enlargement, odd sides cut back."""
    random = np.random.default_rng(0)
    weights = {
        "rim": np.array([0, 0, 8, 8, 0, 0, 8, 8]),
        "first": random.normal(0, 0.3, (6, 3, 5, 5)).astype(np.float32),
        "second": random.normal(0, 0.3, (6, 6, 3, 3)).astype(np.float32),
        "third": random.normal(0, 0.2, (3, 6, 3, 3)).astype(np.float32),
        "scale": np.ones(6, np.float32),
        "bias": random.normal(0, 0.5, 6).astype(np.float32),
        "twice": np.array([1, 1, 2, 2], np.float32),
        "starts": np.array([8, 8]),
        "axes": np.array([2, 3]),
        "eight": np.array([8, 8]),
        "cut": np.array([2, 4]),
    }
    nodes = [
        node("Pad", "content rim", "wide", mode="reflect"),
        node("Conv", "wide first", "a", pads=[2, 2, 2, 2], strides=[2, 2]),
        node("InstanceNormalization", "a scale bias", "b", epsilon=1e-3),
        node("Relu", "b", "c"),
        node("Conv", "c second", "d", pads=[1, 1, 1, 1]),
        node("InstanceNormalization", "d scale bias", "e", epsilon=1e-3),
        node("Add", "c e", "f"),
        node("Resize", "f  twice", "g", mode="linear"),
        node("Conv", "g third", "h", pads=[1, 1, 1, 1]),
        helper.make_node("Shape", ["content"], ["sides"], start=2, end=4),
        node("Add", "sides eight", "ends"),
        node("Slice", "h starts ends axes", "i"),
        node("Sigmoid", "i", "stylized"),
    ]
    return assets["picture_model"](nodes, weights)


@pytest.fixture
def network(assets: Assets, save: Save) -> Network:
    return Network.load(save(painter(assets), card={"min_side": 9}), "cpu", "rgb1", None)


def scene(height: int, width: int) -> Pixels:
    """Dark on the left and busy on the right, so that no part is like the whole."""
    slope = np.linspace(0, 200, width)[None, :, None] * np.linspace(0.2, 1, height)[:, None, None]
    noise = np.random.default_rng(3).integers(-50, 50, (height, width, 3)) * np.linspace(0, 1, width)[None, :, None]
    return np.clip(slope + noise + 20, 0, 255).astype(np.uint8)


def psnr(one: Pixels, other: Pixels) -> float:
    error = float(np.square(one.astype(np.float64) - other).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


@pytest.mark.parametrize(("height", "width"), [(64, 72), (97, 131), (50, 201)])
def test_exact_tiles_are_the_whole(network: Network, monkeypatch: pytest.MonkeyPatch, height: int, width: int) -> None:
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 32)
    rgb = scene(height, width)
    whole = network.run(rgb)
    tiled = TiledNetwork(network).run(rgb, PLENTY, exact=True)
    assert tiled.shape == whole.shape
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    assert psnr(tiled, whole) >= 60


def test_statistics_of_tiles_are_those_of_the_whole(network: Network) -> None:
    rgb = scene(97, 131)
    tiled = TiledNetwork(network)
    parts, whole = tiled.measure(rgb, 16, exact=True), tiled.measure(rgb, 4096, exact=True)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(parts.variance, whole.variance, rtol=1e-4, atol=1e-5)


def test_tiles_with_statistics_of_their_own_would_not_do(network: Network) -> None:
    """The photo of these tests is one on which the difference shows."""
    rgb = scene(96, 128)
    halves = np.hstack([network.run(rgb[:, :64]), network.run(rgb[:, 64:])])
    assert psnr(halves, network.run(rgb)) < 30


def test_a_sample_comes_close(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 64)
    monkeypatch.setattr(tiling, "_MEASURED_CORE", 16)
    rgb = scene(400, 600)
    whole = network.run(rgb)
    monkeypatch.setattr(tiling, "_MEASURED_PIXELS", 400 * 600 // 2)
    half = psnr(TiledNetwork(network).run(rgb, PLENTY), whole)
    monkeypatch.setattr(tiling, "_MEASURED_PIXELS", 400 * 600 // 100)
    hundredth = psnr(TiledNetwork(network).run(rgb, PLENTY), whole)
    assert 38 <= half < 70
    assert hundredth < half


def test_no_seams(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 32)
    monkeypatch.setattr(tiling, "_MEASURED_CORE", 16)
    monkeypatch.setattr(tiling, "_MEASURED_PIXELS", 4000)
    rgb = scene(128, 160)
    tiled = TiledNetwork(network)
    painted = tiled.run(rgb, PLENTY)
    # The same statistics in one piece: where tiles meet there is nothing to be seen.
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 1024)
    monkeypatch.setattr(TiledNetwork, "_core_side", lambda *_: 1024)
    whole = tiled.run(rgb, PLENTY)
    assert np.abs(painted.astype(int) - whole).max() <= 1


def test_memory_decides(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    tiled = TiledNetwork(network)
    assert tiled.fits(1000, 1000, 10**9)
    assert not tiled.fits(100_000, 100_000, 10**9)
    sides = [tiled._core_side(8000, 8000, memory) for memory in (600_000_000, 700_000_000, 10**10)]
    assert sides[0] <= sides[1] <= sides[2] == tiling._LARGEST_CORE
    with pytest.raises(
        ModelFileError, match=r"10000×10000 pixels need at least 0\.\d\d GB of memory with .*, not 0\.70"
    ):
        tiled._core_side(10000, 10000, 700_000_000)


def test_memory_that_a_refusal_names_is_enough(network: Network) -> None:
    tiled = TiledNetwork(network)
    for side in range(500, 5000, 500):
        with pytest.raises(ModelFileError) as refused:
            tiled._core_side(side, side, tiled.least_memory(side, side) - 1)
        needed, given = (float(number) for number in re.findall(r"\d\.\d+", str(refused.value))[-2:])
        assert given < needed
        tiled._core_side(side, side, round(needed * 1e9))


def test_the_stylizer_tiles_by_itself(assets: Assets, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 32)
    monkeypatch.setattr(tiling, "_FIXED_BYTES", 0)
    monkeypatch.setattr(tiling, "_SMALLEST_CORE", 8)
    path = save(painter(assets), card={"min_side": 9})
    rgb = scene(150, 170)
    whole = Stylizer.load(path)
    need = TiledNetwork(whole._network)
    memory = int(150 * 170 * need.bytes_per_pixel * 0.6)
    tiles: list[int] = []
    run = TiledNetwork.run
    monkeypatch.setattr(TiledNetwork, "run", lambda self, *a, **k: tiles.append(1) or run(self, *a, **k))
    tiled = Stylizer.load(path, memory=memory, exact=True)(rgb)
    assert tiles == [1]
    assert np.abs(tiled.astype(int) - whole(rgb)).max() <= 1
    assert tiles == [1]


def told(assets: Assets) -> Any:
    """The same network with a strength, which it can be told."""
    model = painter(assets)
    second, add = model.graph.node[4], model.graph.node[6]
    second.input[0] = add.input[0] = "told"
    model.graph.node.insert(4, node("Mul", "c strength", "told"))
    model.graph.input.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "strength"))
    return model


def test_tiles_and_held_statistics_are_told_the_strength(
    assets: Assets, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 32)
    monkeypatch.setattr(tiling, "_FIXED_BYTES", 0)
    monkeypatch.setattr(tiling, "_SMALLEST_CORE", 8)
    path, rgb = save(told(assets), card={"min_side": 9}), scene(150, 170)
    whole = Stylizer.load(path)
    half = whole(rgb, strength=0.5).astype(int)
    assert np.abs(half - whole(rgb)).max() > 5
    memory = int(150 * 170 * TiledNetwork(whole._network).bytes_per_pixel * 0.6)
    assert np.abs(Stylizer.load(path, memory=memory, exact=True)(rgb, strength=0.5) - half).max() <= 1
    for frame in stylize_frames(whole, [rgb, rgb], steadiness=Steadiness(follow=0, carry=0), strength=0.5):
        assert np.abs(frame - half).max() <= 1


def test_too_little_memory_is_refused_only_where_it_was_asked_for(
    assets: Assets, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiling, "_FIXED_BYTES", 0)
    monkeypatch.setattr(tiling, "_SMALLEST_CORE", 8)
    monkeypatch.setattr("fststyle.paint.stylizer._ALWAYS_WHOLE", 0)
    monkeypatch.setattr("fststyle.paint.stylizer.default_memory", lambda: 0)
    path, rgb = save(painter(assets), card={"min_side": 9}), scene(150, 170)
    tiles: list[int] = []
    run = TiledNetwork.run
    monkeypatch.setattr(TiledNetwork, "run", lambda self, *a, **k: tiles.append(1) or run(self, *a, **k))
    painted = Stylizer.load(path, exact=True)(rgb)
    assert tiles == [1]
    assert np.abs(painted.astype(int) - Stylizer.load(path, memory=PLENTY)(rgb)).max() <= 1
    with pytest.raises(ModelFileError, match="need at least"):
        Stylizer.load(path, memory=1)(rgb)


def test_what_cannot_be_tiled(assets: Assets, save: Save, photo: Pixels) -> None:
    pool = [node("GlobalAveragePool", "content", "mean"), node("Add", "content mean", "stylized")]
    path = save(assets["picture_model"](pool), card={})
    assert Stylizer.load(path)(photo).shape == photo.shape
    with pytest.raises(ModelFileError, match="cannot be painted in tiles because of its GlobalAveragePool"):
        Stylizer.load(path, memory=10**9)(photo)
    fixed = save(assets["picture_model"]([node("Relu", "content", "stylized")], sides=(1, 3, 24, 16)), name="b.onnx")
    with pytest.raises(ModelFileError, match="for one size only"):
        TiledNetwork(Network.load(fixed, "cpu", "rgb1", None))
    assert Stylizer.load(fixed, memory=10**9)(photo).shape == photo.shape


def test_the_network_that_we_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "_LARGEST_CORE", 128)
    rgb = resize(read_picture(photos()[3]).rgb, 197, 290)
    network = Network.load(SHIPPED, "cpu", "rgb1", None)
    assert psnr(TiledNetwork(network).run(rgb, PLENTY, exact=True), network.run(rgb)) >= 60
