import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.paint.held import HeldNetwork
from fststyle.paint.stylizer import Stylizer
from fststyle.runtime import bands
from fststyle.runtime.bands import BandedNetwork
from fststyle.runtime.convert import quantize
from fststyle.runtime.network import Network
from fststyle.runtime.stopping import Stop, StoppedError

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def low_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of so few rows that a small picture has several."""
    monkeypatch.setattr(bands, "_LEAST_ROWS", 32)
    monkeypatch.setattr(bands, "_BAND_PIXELS", 0)


def normalizing(assets: dict[str, Any]) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["content", "weights"], ["colors"], pads=[1, 1, 1, 1]),
        helper.make_node("InstanceNormalization", ["colors", "scale", "bias"], ["stylized"], epsilon=1e-3),
    ]
    weights = {
        "weights": np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 3)).astype(np.float32),
        "scale": np.full(3, 0.2, np.float32),
        "bias": np.full(3, 0.5, np.float32),
    }
    made: onnx.ModelProto = assets["picture_model"](nodes, weights)
    return made


def scene(height: int, width: int) -> Pixels:
    """Dark above and busy below, so that no band is like the whole."""
    slope = np.linspace(0, 200, height)[:, None, None] * np.linspace(0.3, 1, width)[None, :, None]
    noise = np.random.default_rng(3).integers(-50, 50, (height, width, 3)) * np.linspace(0, 1, height)[:, None, None]
    return np.clip(slope + noise + 20, 0, 255).astype(np.uint8)


def psnr(one: Pixels, other: Pixels) -> float:
    error = float(np.square(one.astype(np.float64) - other).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [(200, 96), (197, 131), (75, 64)])
@pytest.mark.parametrize("name", ["starry_night", "udnie_tiny"])
def test_bands_are_the_whole(name: str, size: tuple[int, int], threads: int) -> None:
    network = Network.load(name, "cpu", "rgb1", threads)
    banded = BandedNetwork(network)
    rgb = scene(*size)
    assert len(banded._bands(*size)) > 1
    whole = network.run(rgb)
    assert np.abs(banded.run(rgb).astype(int) - whole).max() <= 1
    # With the statistics of its own, a band would be painted differently.
    assert psnr(network.run(rgb[:64]), whole[:64]) < 35


@pytest.mark.parametrize("name", ["starry_night", "udnie_tiny"])
def test_a_network_in_bytes_comes_as_close_as_rounding_lets_it(name: str, tmp_path: Path) -> None:
    quantize(name, tmp_path / "small.onnx")
    network = Network.load(tmp_path / "small.onnx", "cpu", "rgb1", 1)
    banded = BandedNetwork(network)
    assert all("Dequantize" not in part.source for part in banded._cut.parts if part.source is not None)
    rgb = scene(203, 131)
    whole = network.run(rgb)
    assert psnr(banded.run(rgb), whole) > 38
    exact = Network.load(name, "cpu", "rgb1", 1).run(rgb)
    assert psnr(banded.run(rgb), exact) > psnr(whole, exact) - 0.3


@pytest.mark.parametrize(
    ("name", "takes", "enough"),
    [("udnie_tiny", 264, 320), ("udnie", 593, 720), ("starry_night", 603, 720), ("udnie_johnson", 3333, 4100)],
)
def test_what_bands_take_is_known_for_networks_of_any_width(
    name: str, takes: int, enough: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured: what a process takes for 4000×1500 pixels on two threads, in megabytes."""
    monkeypatch.undo()
    banded = BandedNetwork(Network.load(name, "cpu", "rgb1", 2))
    banded._threads = 2  # on a machine with one core, too
    assert not banded.fits(1500, 4000, takes * 10**6)
    assert banded.fits(1500, 4000, enough * 10**6)


def test_networks_in_bytes_take_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    quantize("udnie_tiny", tmp_path / "small.onnx")
    banded = BandedNetwork(Network.load(tmp_path / "small.onnx", "cpu", "rgb1", 2))
    banded._threads = 2
    assert not banded.fits(1500, 4000, 213 * 10**6)  # as measured
    assert banded.fits(1500, 4000, 290 * 10**6)
    assert banded._cut.columns == 18


def test_large_pictures_are_painted_in_bands_where_they_fit(
    save: Callable[..., Path], assets: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(normalizing(assets), card={})
    monkeypatch.setattr("fststyle.paint.stylizer.LEAST_PIXELS", 10_000)
    monkeypatch.setattr("fststyle.paint.stylizer.LIGHT", 0)
    painted: list[int] = []
    run = BandedNetwork.run

    def counted(self: BandedNetwork, rgb: Pixels, strength: float) -> Pixels:
        painted.append(rgb.size)
        return run(self, rgb, strength)

    monkeypatch.setattr(BandedNetwork, "run", counted)
    rgb = scene(160, 100)
    whole = Network.load(path, "cpu", "rgb1", 1).run(rgb)
    plenty, little = (Stylizer(path, "cpu", threads=1, memory=memory) for memory in (10**10, 170_000_000))
    monkeypatch.setattr(bands, "_FIXED_BYTES", 170_000_000)
    assert np.abs(plenty(rgb).astype(int) - whole).max() <= 1
    assert painted == [rgb.size]
    assert np.abs(little(rgb).astype(int) - whole).max() <= 1
    plenty(rgb[:90])
    assert painted == [rgb.size]
    monkeypatch.setattr("fststyle.paint.stylizer.LIGHT", 10**9)
    np.testing.assert_array_equal(plenty(rgb), whole)
    assert painted == [rgb.size]


def test_bands_are_told_the_strength(assets: dict[str, Any], save: Callable[..., Path]) -> None:
    model = normalizing(assets)
    last = model.graph.node[-1]
    last.output[0] = "even"
    model.graph.node.append(helper.make_node("Mul", ["even", "strength"], ["stylized"]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "strength"))
    model.graph.input.append(helper.make_tensor_value_info("strength", 1, [1]))
    network = Network.load(save(model, card={}), "cpu", "rgb1", 1)
    rgb = scene(100, 64)
    half = network.run(rgb, 0.5)
    assert np.abs(half.astype(int) - network.run(rgb)).max() > 20
    assert np.abs(BandedNetwork(network).run(rgb, 0.5).astype(int) - half).max() <= 1


def test_memory_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    banded = BandedNetwork(Network.load("starry_night", "cpu", "rgb1", 2))
    # Bytes a pixel: two tensors of 48 channels and a quarter of the width, in 16 bits.
    assert bands._most_held(banded._cut) == 12
    assert banded.fits(3000, 4000, 850_000_000)
    assert not banded.fits(3000, 4000, 400_000_000)
    assert not banded.fits(10_000, 10_000, 10**9)
    assert banded.bytes_whole(2000, 2000) < bands.LIGHT < banded.bytes_whole(3000, 4000)


def test_what_several_bands_shared_is_given_back_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network.load("starry_night", "cpu", "rgb1", 2)
    banded = BandedNetwork(network)
    given_back: list[bool] = []
    thrifty = Network.thrifty
    monkeypatch.setattr(Network, "thrifty", lambda self: given_back.append(True) or thrifty(self))
    banded.run(scene(300, 96))
    assert len(given_back) == 2


@pytest.mark.parametrize(("card", "size"), [(None, 4), ({}, 2)])
def test_numbers_of_a_foreign_network_keep_their_bits(
    card: dict[str, Any] | None, size: int, assets: dict[str, Any], save: Callable[..., Path]
) -> None:
    banded = BandedNetwork(Network.load(save(normalizing(assets), card), "cpu", "rgb1", 1))
    assert [banded._cut.sizes[name] for name in banded._cut.parts[0].gives] == [3 * size]


def test_a_painting_in_bands_can_be_ended() -> None:
    banded = BandedNetwork(Network.load("starry_night", "cpu", "rgb1", 1))
    stop = Stop()
    threading.Timer(0.05, stop.set).start()
    rgb = scene(1600, 400)
    begun = time.monotonic()
    with stop.heard(), pytest.raises(StoppedError):
        banded.run(rgb)
    ended = time.monotonic() - begun
    banded.run(rgb)
    assert ended < (time.monotonic() - begun - ended) / 2


def test_frames_with_held_statistics_have_no_bands() -> None:
    network = Network.load("udnie_tiny", "cpu", "rgb1", 1)
    held = HeldNetwork(network, StatisticsForm.read(network.model.data), 0.2)
    with pytest.raises(ModelFileError, match="holds statistics"):
        BandedNetwork(held)


def test_what_begins_with_a_norm_has_no_bands(assets: dict[str, Any], save: Callable[..., Path]) -> None:
    nodes = [helper.make_node("InstanceNormalization", ["content", "scale", "bias"], ["stylized"])]
    weights = {"scale": np.full(3, 0.2, np.float32), "bias": np.full(3, 0.5, np.float32)}
    with pytest.raises(ModelFileError, match="begins with a norm"):
        BandedNetwork(Network.load(save(assets["picture_model"](nodes, weights)), "cpu", "rgb1", 1))


def test_what_has_one_size_needs_no_bands(assets: dict[str, Any], save: Callable[..., Path]) -> None:
    model = assets["picture_model"]([helper.make_node("Sigmoid", ["content"], ["stylized"])])
    for value in (*model.graph.input, *model.graph.output):
        for place, side in ((2, 64), (3, 96)):
            value.type.tensor_type.shape.dim[place].dim_value = side
    with pytest.raises(ModelFileError, match="for one size"):
        BandedNetwork(Network.load(save(model), "cpu", "rgb1", 1))
