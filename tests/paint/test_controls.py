import json
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.paint import by_bands
from fststyle.paint.controls import Controls
from fststyle.pictures.files import resize, with_content_color

Pixels = NDArray[np.uint8]


def inverted(rgb: Pixels) -> Pixels:
    return 255 - rgb


def test_a_mask_says_where(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_bands, "_BAND_PIXELS", 100)  # a few rows at a time
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[:, 20:] = 255
    mask[:, 30] = 51
    painted = Controls(mask=mask).apply(photo, inverted)
    np.testing.assert_array_equal(painted[:, :20], photo[:, :20])
    np.testing.assert_array_equal(painted[:, 31:], 255 - photo[:, 31:])
    np.testing.assert_allclose(painted[:, 30], 0.2 * (255 - photo[:, 30]) + 0.8 * photo[:, 30], atol=0.51)


def test_a_mask_of_another_size_is_fitted(photo: Pixels) -> None:
    mask = np.array([[0, 255], [0, 255]], np.uint8)
    painted = Controls(mask=mask).apply(photo, inverted)
    np.testing.assert_array_equal(painted[:, :5], photo[:, :5])
    np.testing.assert_array_equal(painted[:, -5:], 255 - photo[:, -5:])


@pytest.mark.parametrize(("scale", "shape"), [(2.0, (16, 24)), (0.5, (66, 94)), (10.0, (3, 5)), (1.0, (33, 47))])
def test_the_brush_is_as_broad_as_the_picture_is_small(photo: Pixels, scale: float, shape: tuple[int, int]) -> None:
    seen: list[tuple[int, ...]] = []
    painted = Controls(scale=scale, passes=1).apply(photo, lambda rgb: seen.append(rgb.shape) or inverted(rgb))  # type: ignore[func-returns-value]
    assert seen == [(*shape, 3)]
    np.testing.assert_array_equal(painted, resize(inverted(resize(photo, *shape)), 33, 47))


def test_grain_is_for_the_network_alone_and_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_bands, "_BAND_PIXELS", 1000)
    gray = np.full((60, 80, 3), 100, np.uint8)
    seen = [Controls(grain=8).apply(gray, lambda rgb: rgb) for _ in range(2)]
    np.testing.assert_array_equal(*seen)
    noise = seen[0].astype(int) - 100
    assert (noise == noise[:, :, :1]).all()
    assert 7.5 < noise.std() < 8.5
    assert abs(noise.mean()) < 0.5
    bands = noise[:, :, 0].reshape(5, 12, 80)  # of twelve rows
    assert not any((a == b).all() for a, b in pairwise(bands))
    assert (gray == 100).all()
    half = Controls(grain=8, scale=2, passes=1).apply(gray, lambda rgb: inverted(rgb) if rgb.std() > 5 else rgb)
    assert 145 < half.mean() < 165
    faded = Controls(grain=8, strength=0.5).apply(gray, lambda rgb: rgb)
    assert 3.5 < faded.astype(float).std() < 4.5
    assert Controls(grain=100).apply(np.full((20, 20, 3), 250, np.uint8), lambda rgb: rgb).max() == 255


def test_they_go_together(photo: Pixels) -> None:
    mask = np.full(photo.shape[:2], 255, np.uint8)
    painted = Controls(strength=0.5, keep_color=True, mask=mask).apply(photo, inverted)
    colored = with_content_color(255 - photo, photo)
    np.testing.assert_allclose(painted, (colored.astype(float) + photo) / 2, atol=0.51)
    assert (Controls(strength=0).apply(photo, inverted) == photo).all()


def test_equal_ones_are_equal_and_name_their_values() -> None:
    masks = [np.full((2, 3), 7, np.uint8), np.full((3, 2), 7, np.uint8)]
    controls = [Controls(), Controls(strength=0.5), *(Controls(mask=mask) for mask in masks)]
    assert controls == [Controls(), Controls(strength=0.5), *(Controls(mask=mask.copy()) for mask in masks)]
    assert len({*controls, *controls}) == 4
    facts = Controls(0.5, True, 2, masks[0], 3).facts()
    assert list(facts.items())[:3] == [("strength", 0.5), ("keep_color", True), ("scale", 2)]
    assert json.loads(json.dumps(facts)) == facts


def test_what_is_out_of_range() -> None:
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"strength must lie in 0\.\.1"):
            Controls(strength=strength)
    for scale in (0, 11, float("nan")):
        with pytest.raises(ValueError, match=r"scale must lie in 0\.1\.\.10"):
            Controls(scale=scale)
    for levels in (-1, 101, float("nan")):
        with pytest.raises(ValueError, match=r"grain must lie in 0\.\.100"):
            Controls(grain=levels)
    for mask in (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), np.zeros((0, 2), np.uint8)):
        with pytest.raises(ValueError, match="mask must be uint8 of shape"):
            Controls(mask=mask)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"the mask must be an array, not Image; .* np\.asarray\(image\.convert"):
        Controls(mask=Image.new("L", (4, 4)))  # type: ignore[arg-type]
