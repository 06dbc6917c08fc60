from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle import Stylizer, stylize_frames
from fststyle.errors import ModelFileError
from fststyle.model.card import ModelCard
from fststyle.paint.controls import Controls
from fststyle.paint.cuts import CutFinder
from fststyle.paint.frames import FrameStylizer, Steadiness, share_threads
from fststyle.pictures.files import with_content_color

Pixels = NDArray[np.uint8]


@pytest.fixture
def normalizing(assets: dict[str, Any], save: Callable[..., Path]) -> Stylizer:
    """An instance norm around 0.5: one bright corner changes every pixel."""
    nodes = [
        helper.make_node("InstanceNormalization", ["content", "scale", "bias"], ["stylized"], epsilon=1e-3),
    ]
    weights = {"scale": np.full(3, 0.2, np.float32), "bias": np.full(3, 0.5, np.float32)}
    return Stylizer.load(save(assets["picture_model"](nodes, weights), {}))


@pytest.fixture
def scene() -> Pixels:
    return np.random.default_rng(2).integers(60, 120, (40, 56, 3), np.uint8)


def lamp(scene: Pixels, size: int) -> Pixels:
    lit = scene.copy()
    lit[:size, :size] = 255
    return lit


def far_corner(frames: list[Pixels]) -> list[float]:
    return [float(frame[30:, 40:].mean()) for frame in frames]


def test_paint_stands_still_where_the_scene_does(normalizing: Stylizer, scene: Pixels) -> None:
    frames = [lamp(scene, size) for size in (0, 4, 8, 12, 16)]
    alone = far_corner([normalizing(frame) for frame in frames])
    held = far_corner(list(stylize_frames(normalizing, frames, steadiness=Steadiness(follow=0, carry=0))))
    followed = far_corner(list(stylize_frames(normalizing, frames, steadiness=Steadiness(follow=0.1, carry=0))))
    assert max(alone) - min(alone) > 10
    assert max(held) - min(held) == 0
    assert 0 < max(followed) - min(followed) < 0.5 * (max(alone) - min(alone))


def test_the_first_frame_is_what_the_network_makes_of_it(normalizing: Stylizer, scene: Pixels) -> None:
    first = next(stylize_frames(normalizing, [scene], steadiness=Steadiness(follow=0.1, carry=0.8)))
    assert np.abs(first.astype(int) - normalizing(scene)).max() <= 1


def test_a_cut_starts_afresh(normalizing: Stylizer, scene: Pixels) -> None:
    other = np.random.default_rng(3).integers(150, 250, scene.shape, np.uint8)
    last = list(stylize_frames(normalizing, [scene, scene, other], steadiness=Steadiness(follow=0, carry=0.8)))[-1]
    assert np.abs(last.astype(int) - normalizing(other)).max() <= 1


def test_motion_and_noise_are_no_cut() -> None:
    rng = np.random.default_rng(4)
    wide = np.kron(rng.integers(0, 256, (12, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    finder = CutFinder()
    pan = [wide[:, 6 * step : 6 * step + 160] for step in range(20)]
    noise = [np.clip(pan[-1] + rng.normal(0, 8, pan[-1].shape), 0, 255).astype(np.uint8) for _ in range(5)]
    assert not any(finder(np.ascontiguousarray(frame)) for frame in pan + noise)
    assert finder(255 - noise[-1])


def test_a_restored_painter_goes_on_as_if_it_had_seen_everything(normalizing: Stylizer, scene: Pixels) -> None:
    steadiness = Steadiness(follow=0.2, carry=0.5)
    frames = [lamp(scene, size) for size in range(0, 24, 4)]
    whole, broken, resumed = (FrameStylizer(normalizing, steadiness) for _ in range(3))
    wanted = [whole(frame) for frame in frames]
    for frame in frames[:3]:
        broken(frame)
    resumed.restore(broken.state())
    for frame, painted in zip(frames[3:], wanted[3:], strict=True):
        np.testing.assert_array_equal(resumed(frame), painted)


def test_the_memory_is_the_stylizers(normalizing: Stylizer, scene: Pixels) -> None:
    little = Stylizer(normalizing.network.model.data, memory=1000)
    with pytest.raises(ModelFileError, match="need at least"):
        next(stylize_frames(little, [scene], steadiness=Steadiness(follow=0.1, carry=0)))


def test_a_network_without_norms_runs_as_it_is(identity: Path, photo: Pixels) -> None:
    frames = stylize_frames(Stylizer.load(identity), [photo, photo[::-1]], steadiness=Steadiness(follow=0.1, carry=0))
    np.testing.assert_array_equal(list(frames)[1], photo[::-1])


def test_a_network_that_is_steady_by_itself_is_given_less_old_paint() -> None:
    facts: dict[str, Any] = {"style": "s", "network": "fast", "width": 1.0, "loss_network": "slim", "licence": "MIT"}
    recipes: list[dict[str, Any]] = [{}, {"temporal_weight": 0.5}]
    cards = [ModelCard(**facts, steps=1, min_side=20, recipe=recipe) for recipe in recipes]
    assert [Steadiness().carried(card) for card in (None, *cards)] == [0.4, 0.4, 0.2]
    tiny = ModelCard(**facts | {"network": "tiny"}, steps=1, min_side=20, recipe=recipes[1])
    assert [Steadiness().carried(tiny), Steadiness().carried(cards[1], tiny)] == [0.4, 0.4]
    assert [Steadiness(carry=share).carried(cards[1]) for share in (0, 0.7)] == [0, 0.7]


@pytest.mark.parametrize("values", [{"follow": -0.1}, {"carry": 1.5}])
def test_values_outside_their_range_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        Steadiness(**values)


@pytest.fixture
def moving() -> list[Pixels]:
    """Frames of 96×128 pixels that shift by two pixels each, so that the paint has something to follow."""
    wide = np.kron(np.random.default_rng(5).integers(0, 256, (12, 24, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, 2 * step : 2 * step + 128]) for step in range(4)]


def test_carried_paint_stays_inside_the_mask(normalizing: Stylizer, moving: list[Pixels]) -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[:, :64] = 255
    steadiness = Steadiness(carry=0.9)
    whole = list(stylize_frames(normalizing, moving, steadiness=steadiness))
    masked = list(stylize_frames(normalizing, moving, steadiness=steadiness, mask=mask))
    for frame, everywhere, half in zip(moving, whole, masked, strict=True):
        np.testing.assert_array_equal(half[:, :64], everywhere[:, :64])
        np.testing.assert_array_equal(half[:, 64:], frame[:, 64:])


def test_without_strength_the_frames_come_back_as_they_are(normalizing: Stylizer, moving: list[Pixels]) -> None:
    painted = stylize_frames(normalizing, moving, steadiness=Steadiness(carry=0.9), strength=0)
    np.testing.assert_array_equal(list(painted), moving)


def test_colors_are_those_of_the_frame_and_not_of_the_one_before(normalizing: Stylizer, moving: list[Pixels]) -> None:
    *_, last = stylize_frames(normalizing, moving, steadiness=Steadiness(carry=0.9), keep_color=True)
    *_, plain = stylize_frames(normalizing, moving, steadiness=Steadiness(carry=0.9))
    np.testing.assert_array_equal(last, with_content_color(plain, moving[-1]))


def test_grain_stands_still(identity: Path) -> None:
    gray = np.full((40, 56, 3), 100, np.uint8)
    first, second = stylize_frames(
        Stylizer.load(identity), [gray, gray], Controls(grain=8), steadiness=Steadiness(1, 0)
    )
    np.testing.assert_array_equal(first, second)
    assert 7 < first.std() < 9


def test_the_brush_is_that_of_pictures(normalizing: Stylizer, scene: Pixels) -> None:
    controls = Controls(scale=2, grain=3)
    (painted,) = stylize_frames(normalizing, [scene], controls, steadiness=Steadiness(carry=0))
    np.testing.assert_array_equal(painted, normalizing(scene, controls))


def test_a_wrong_value_is_refused_before_the_first_frame(normalizing: Stylizer) -> None:
    with pytest.raises(ValueError, match="scale must lie in"):
        stylize_frames(normalizing, [], scale=0)


def test_two_frames_at_a_time_have_half_of_the_threads_each(
    normalizing: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fststyle.paint.frames.usable_cores", lambda: 8)
    free, held = Steadiness(), Steadiness(follow=0.1)
    assert share_threads("cpu", None, free) == (2, 4)
    assert share_threads("cpu", 3, free) == (2, 1)
    assert share_threads("cpu", 1, free) == (1, 1)
    assert share_threads("cpu", None, held) == (1, None)  # what is held comes from the frame before
    assert FrameStylizer(normalizing, free, at_once=2).at_once == 2
    assert FrameStylizer(normalizing, held, at_once=2).at_once == 1
