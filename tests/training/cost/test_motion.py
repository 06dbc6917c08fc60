"""Motion by values: exact shifts, and a random motion that is smooth and repeatable."""

import numpy as np
from numpy.typing import NDArray

from fststyle.training.cost.motion import inside, random_flow, warp

Pixels = NDArray[np.uint8]


def shift(height: int, width: int, x: float, y: float) -> NDArray[np.float32]:
    return np.full((height, width, 2), (x, y), np.float32)


def test_whole_pixels_are_moved_exactly(photo: Pixels) -> None:
    flow = shift(33, 47, 3, -2)
    visible = inside(flow)
    moved = warp(photo, flow)
    np.testing.assert_array_equal(moved[2:, :44], photo[:-2, 3:])
    np.testing.assert_array_equal(visible[2:, :44], True)
    assert visible.sum() == 31 * 44
    np.testing.assert_array_equal(moved[:, 46], moved[:, 40])  # asks for 49, which the mirror at 46 makes 43


def test_half_a_pixel_is_the_mean_of_two() -> None:
    ramp = np.arange(0, 80, 4, dtype=np.float32)[None].repeat(3, axis=0)
    np.testing.assert_array_equal(warp(ramp, shift(3, 20, 0.5, 0))[:, :19], ramp[:, :19] + 2)


def test_motion_is_smooth_bounded_and_given_by_its_seed() -> None:
    flow = random_flow(256, 320, np.random.default_rng(3))
    np.testing.assert_array_equal(flow, random_flow(256, 320, np.random.default_rng(3)))
    assert flow.shape == (256, 320, 2)
    assert np.abs(np.diff(flow, axis=1)).max() < 0.5
    assert 0.1 < np.abs(flow).mean() < 30
