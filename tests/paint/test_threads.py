"""One stylizer in several threads: equal paintings, and what is refused."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle import Blend, Controls, Steadiness, Stylizer, stylize_frames
from fststyle.runtime.network import Network

Pixels = NDArray[np.uint8]
THREADS = 6


def normalizing(assets: dict[str, Any]) -> Any:
    nodes = [helper.make_node("InstanceNormalization", ["content", "scale", "bias"], ["stylized"], epsilon=1e-3)]
    weights = {"scale": np.full(3, 0.2, np.float32), "bias": np.full(3, 0.5, np.float32)}
    return assets["picture_model"](nodes, weights)


def blocky(assets: dict[str, Any]) -> Any:
    """Takes multiples of 16 alone, which the first picture finds out."""
    nodes = [
        helper.make_node("AveragePool", ["content"], ["small"], kernel_shape=[16] * 2, strides=[16] * 2, ceil_mode=1),
        helper.make_node("Resize", ["small", "", "scales"], ["stylized"], mode="nearest"),
    ]
    return assets["picture_model"](nodes, {"scales": np.array([1, 1, 16, 16], np.float32)})


@pytest.fixture
def photos() -> list[Pixels]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (rng.integers(20, 300), rng.integers(20, 300), 3), np.uint8) for _ in range(18)]


def together(paint: Callable[[Any], Any], work: list[Any]) -> list[Any]:
    """The answers of several threads that begin at the same moment, so that all find nothing prepared."""
    gate = threading.Barrier(THREADS)

    def first_wait(item: Any) -> Any:
        gate.wait(20)
        return paint(item)

    assert len(work) % THREADS == 0
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(first_wait, work, timeout=60))


@pytest.mark.filterwarnings("ignore:.*multiples of 16")
@pytest.mark.parametrize("graph", [normalizing, blocky])
@pytest.mark.parametrize("memory", [None, 170_000_000])
def test_threads_get_what_one_after_the_other_would(
    graph: Any, memory: int | None, assets: dict[str, Any], save: Callable[..., Path], photos: list[Pixels]
) -> None:
    path = save(graph(assets))
    mask = np.arange(200, dtype=np.uint8).reshape(10, 20)
    controls = Controls(strength=0.8, scale=1.5, keep_color=True, grain=4, mask=mask)
    alone = Stylizer(path, "cpu", threads=1, memory=memory)
    shared = Stylizer(path, "cpu", threads=1, memory=memory)
    wanted = [alone(photo, controls) for photo in photos]
    for got, expected in zip(together(lambda photo: shared(photo, controls), photos), wanted, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_tiles_of_several_pictures_do_not_mix(assets: dict[str, Any], save: Callable[..., Path]) -> None:
    path = save(normalizing(assets), card={})
    rng = np.random.default_rng(2)
    large = [rng.integers(0, 60 + 30 * number, (260, 300, 3), np.uint8) for number in range(THREADS)]
    memory = 151_000_000  # the least tiles
    alone, shared = (Stylizer(path, "cpu", threads=1, memory=memory + 40_000_000) for _ in range(2))
    wanted = [alone(photo) for photo in large]
    assert alone._tiled is not None
    for got, expected in zip(together(shared, large), wanted, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_blend_too(assets: dict[str, Any], save: Callable[..., Path], photos: list[Pixels]) -> None:
    paths = save(normalizing(assets), name="a.onnx"), save(assets["gain_model"](0.5), name="b.onnx")
    alone, shared = (Blend.load({paths[0]: 1, paths[1]: 2}, "cpu", threads=1) for _ in range(2))
    for got, photo in zip(together(shared, photos), photos, strict=True):
        np.testing.assert_array_equal(got, alone(photo))


def test_each_clip_has_its_own_memory(assets: dict[str, Any], save: Callable[..., Path]) -> None:
    stylizer = Stylizer(save(normalizing(assets), card={}), "cpu", threads=1)
    rng = np.random.default_rng(3)
    clips = [list(rng.integers(0, 60 + 30 * number, (5, 40, 60, 3), np.uint8)) for number in range(THREADS)]

    def paint(clip: list[Pixels]) -> list[Pixels]:
        return list(stylize_frames(stylizer, clip, steadiness=Steadiness(follow=0.2)))

    np.testing.assert_array_equal(together(paint, clips), [paint(clip) for clip in clips])


def test_the_frames_of_one_clip_are_for_one_thread(identity: Path, photo: Pixels) -> None:
    entered, leave = threading.Event(), threading.Event()

    def frames() -> Iterator[Pixels]:
        entered.set()
        leave.wait(20)
        yield photo

    painted = stylize_frames(Stylizer(identity), frames())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(next, painted)
        assert entered.wait(20)
        with pytest.raises(ValueError, match="already executing"):
            next(painted)
        leave.set()
        np.testing.assert_array_equal(first.result(20), photo)


@pytest.mark.parametrize(("device", "most"), [("directml", 1), ("cuda", THREADS)])
def test_a_device_that_takes_one_thread_gets_one(
    device: str, most: int, identity: Path, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Session:
        inside = most_inside = 0
        lock = threading.Lock()

        def run(self, _names: list[str], feeds: dict[str, Any], _options: Any = None) -> list[Any]:
            with self.lock:
                self.inside += 1
                self.most_inside = max(self.most_inside, self.inside)
            time.sleep(0.03)
            with self.lock:
                self.inside -= 1
            return list(feeds.values())

        def get_inputs(self) -> list[Any]:
            return [SimpleNamespace(name="content", type="tensor(float)")]

        get_outputs = get_inputs

    session: Any = Session()
    network = Network(Stylizer(identity).network.model, session, device, "rgb1", None)
    together(network.run, [photo] * THREADS)
    assert session.most_inside == 1 if most == 1 else session.most_inside > 1
