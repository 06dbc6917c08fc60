"""Plain areas, repetition and fine detail on pictures whose answer is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.training.judge.plain_areas import fine_detail, plainest_windows, repetition

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (128, 128), np.uint8)


def rgb(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(gray[:, :, None], 3, axis=2)


def test_the_plainest_windows_are_where_the_sky_is() -> None:
    photo = RNG.integers(0, 256, (256, 512, 3), np.uint8)
    photo[:128, 256:] = 128
    assert plainest_windows(photo)[0] == (slice(0, 128), slice(256, 384)) or plainest_windows(photo)[0][1].start >= 256
    assert all(window[0].start == 0 for window in plainest_windows(photo)[:3])


def test_no_window_fits_a_small_picture() -> None:
    assert plainest_windows(np.zeros((100, 300, 3), np.uint8)) == []


def test_a_grid_repeats_and_noise_does_not() -> None:
    y, x = np.mgrid[:128, :128]
    dots = ((x % 12 < 3) & (y % 12 < 3)).astype(np.uint8) * 255
    assert repetition(rgb(dots)) > 0.9
    assert repetition(rgb(NOISE)) < 0.2
    assert repetition(np.zeros((128, 128, 3), np.uint8)) == 0


def test_enlarging_takes_fine_detail_away() -> None:
    small = Image.fromarray(NOISE[:48, :48])
    enlarged = np.asarray(small.resize((128, 128), Image.Resampling.BICUBIC))
    assert fine_detail(rgb(NOISE)) == pytest.approx(0.8, abs=0.1)  # by area of frequencies: 1 - π/16 - …
    assert fine_detail(rgb(enlarged)) < 0.1
    assert fine_detail(np.zeros((64, 64, 3), np.uint8)) == 0
