import numpy as np
import torch

from fststyle import samples
from fststyle.training.tensors import reference_photos, to_uint8, unit_range


def test_there_and_back_is_every_byte() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    image = unit_range(rgb)
    assert image.shape == (1, 3, 5, 7)
    assert image[0, :, 2, 3].mul(255).tolist() == rgb[2, 3].tolist()
    np.testing.assert_array_equal(to_uint8(image), rgb)
    np.testing.assert_array_equal(to_uint8(image[0]), rgb)


def test_what_lies_outside_is_clipped_and_the_rest_rounded() -> None:
    image = torch.tensor([-0.5, 1.5, 100.4 / 255, 100.6 / 255]).expand(3, 1, 4)
    assert to_uint8(image)[0, :, 0].tolist() == [0, 255, 100, 101]


def test_the_reference_photos_are_the_samples() -> None:
    photos = list(reference_photos())
    assert len(photos) == len(samples.photos())
    assert all(photo.shape[:2] == (1, 3) and min(photo.shape[2:]) == 256 for photo in photos)
