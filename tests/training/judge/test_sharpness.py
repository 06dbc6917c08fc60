"""Blur and direction on pictures whose answer is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.training.judge.sharpness import blur, direction

NOISE = np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8)
Y, X = np.mgrid[:128, :128]
STROKES = ((np.sin((X + 0.4 * Y) * 0.5 + np.sin(Y / 20)) > 0) * 200).astype(np.uint8)


def rgb(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(gray[:, :, None], 3, axis=2)


def enlarged(gray: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    side = 128 // factor
    small = Image.fromarray(gray[:side, :side])
    return rgb(np.asarray(small.resize((128, 128), Image.Resampling.BICUBIC)))


def test_enlarging_blurs() -> None:
    assert blur(rgb(NOISE)) == pytest.approx(0.1, abs=0.05)
    assert blur(rgb(STROKES)) < 0.3
    assert 3 * blur(rgb(NOISE)) < blur(enlarged(NOISE, 4)) < blur(enlarged(NOISE, 8))
    assert blur(enlarged(STROKES, 4)) > blur(rgb(STROKES)) + 0.2


def test_strokes_have_a_direction_and_noise_has_none() -> None:
    assert direction(rgb(STROKES)) > 0.85
    assert direction(rgb(NOISE)) == pytest.approx(0.25, abs=0.05)
    noisy = np.clip(STROKES + NOISE / 4.0, 0, 255).astype(np.uint8)
    assert 0.3 < direction(rgb(noisy)) < direction(rgb(STROKES))


def test_what_is_empty_is_blurred_and_has_no_direction() -> None:
    empty = np.full((64, 64, 3), 100, np.uint8)
    assert (blur(empty), direction(empty)) == (1, 0)
