"""Paint that is carried along: with what moves, without fading, not across what is new."""

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("cv2")

import cv2

from fststyle.paint.carry import Carrier, Moved, mix
from fststyle.pictures.files import resize_shorter_side

Pixels = NDArray[np.uint8]

look = Carrier.look


@pytest.fixture
def wide() -> Pixels:
    """A smooth scene that can be panned over."""
    coarse = np.random.default_rng(5).integers(40, 215, (30, 50, 3), np.uint8)
    return resize_shorter_side(coarse, 240)


def texture(seed: int, shape: tuple[int, ...]) -> Pixels:
    return np.clip(np.random.default_rng(seed).normal(128, 30, shape), 0, 255).astype(np.uint8)


def still(paint: Pixels) -> Moved:
    """Old paint that did not move."""
    return Moved(paint, cv2.cvtColor(paint, cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, 5), (-2, 7)])
def test_paint_moves_with_the_scene(wide: Pixels, down: int, right: int) -> None:
    before = wide[20:180, 20:260]
    after = wide[20 + down : 180 + down, 20 + right : 260 + right]
    paint = resize_shorter_side(texture(1, (80, 120, 3)), 160)
    carrier = Carrier(1.0)
    assert carrier(look(before), paint) is paint
    shown = carrier(look(after), np.full_like(paint, 128))
    inner = (slice(30, 130), slice(30, 210))
    wanted = np.roll(paint, (-down, -right), axis=(0, 1))[inner]
    error = np.abs(shown[inner].astype(int) - wanted).mean()
    unmoved = np.abs(paint[inner].astype(int) - wanted).mean()
    assert error < 2
    assert (down, right) == (0, 0) or error < 0.25 * unmoved


def test_what_is_new_is_shown_as_it_is_painted(wide: Pixels) -> None:
    before, after = wide[:160, :240], wide[:160, :240].copy()
    after[40:120, 60:180] = 255 - after[40:120, 60:180]
    carrier = Carrier(1.0)
    carrier(look(before), np.full_like(before, 60))
    shown = carrier(look(after), np.full_like(before, 200))
    assert (shown[60:100, 90:150] == 200).all()
    assert (shown[140:, 200:] == 60).all()


def test_mixing_does_not_fade() -> None:
    one, other = texture(1, (90, 120, 3)), texture(2, (90, 120, 3))
    half = np.full((90, 120), 0.5, np.float32)
    plain = (one.astype(np.float32) + other) / 2
    brightness = one.mean(axis=2).std()
    assert plain.mean(axis=2).std() < 0.75 * brightness
    mixed = mix(one, still(other), half)
    assert mixed.mean(axis=2).std() > 0.9 * brightness
    assert mixed.std() > plain.std()  # colors, which are not given their contrast back, do not pay for it


def test_equal_paint_stays_equal() -> None:
    paint = texture(3, (40, 60, 3))
    assert np.abs(mix(paint, still(paint), np.full((40, 60), 0.5, np.float32)).astype(int) - paint).max() <= 1


def test_frames_of_another_size_start_afresh(wide: Pixels) -> None:
    carrier = Carrier(1.0)
    carrier(look(wide[:100, :100]), np.full((100, 100, 3), 9, np.uint8))
    other = np.full((80, 100, 3), 99, np.uint8)
    assert carrier(look(wide[:80, :100]), other) is other


@pytest.mark.parametrize("side", [1, 3, 11])
def test_tiny_frames(side: int) -> None:
    frame = texture(4, (side, 2 * side, 3))
    carrier = Carrier(0.5)
    carrier(look(frame), frame)
    assert carrier(look(frame), frame).shape == frame.shape
