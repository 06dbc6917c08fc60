import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.jobs.run import Settings, plan, run
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_mask, read_picture, write_picture
from fststyle.pictures.hidden_color import fill_hidden
from fststyle.pictures.picture import Picture, to_picture
from fststyle.pictures.resizing import fit_transparent

Pixels = NDArray[np.uint8]

MODELS = Path(__file__).parents[2] / "models"


def disc(hidden: int, side: int = 97) -> Picture:
    """Color that changes slowly inside, nothing outside."""
    rows, columns = np.mgrid[:side, :side]
    apart = np.hypot(rows - side / 2, columns - side / 2)
    alpha = np.clip((side / 3 - apart) * 255, 0, 255).astype(np.uint8)
    rgb = np.stack([rows * 2, columns * 2, np.full((side, side), 90)], -1).astype(np.uint8)
    rgb[alpha == 0] = hidden
    return Picture(rgb, alpha)


def test_what_is_hidden_makes_no_difference() -> None:
    black, white = disc(0), disc(255)
    np.testing.assert_array_equal(black.to_paint(), white.to_paint())
    assert black.alpha is not None
    shown = black.alpha >= 16
    np.testing.assert_array_equal(black.to_paint()[shown], black.rgb[shown])


@pytest.mark.parametrize("alpha", [1, 4, 15])
def test_nor_does_what_hardly_shows(alpha: int) -> None:
    seen = []
    for hidden in (0, 255):
        picture = disc(hidden)
        assert picture.alpha is not None
        picture = Picture(picture.rgb, np.maximum(picture.alpha, np.uint8(alpha)))
        seen.append(picture.to_paint())
        # A network that changes nothing gives back every byte.
        np.testing.assert_array_equal(picture.painted(picture.to_paint().copy()).rgb, picture.rgb)
    np.testing.assert_array_equal(*seen)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (64, 64), (97, 61)])
def test_a_single_visible_pixel_fills_everything(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    alpha = np.zeros(shape, np.uint8)
    alpha[-1, -1] = 1
    filled = fill_hidden(rgb, alpha)
    assert (filled == rgb[-1, -1]).all()


def test_the_fill_continues_what_is_near() -> None:
    rgb = np.full((64, 64, 3), 7, np.uint8)
    alpha = np.zeros((64, 64), np.uint8)
    rgb[:, :8], alpha[:, :8] = 200, 255
    rgb[:, -8:], alpha[:, -8:] = 20, 255
    filled = fill_hidden(rgb, alpha)[:, :, 0]
    assert (filled[:, 8:16] > 150).all()
    assert (filled[:, -16:-8] < 70).all()


def test_all_hidden_and_nothing_hidden_stay_as_they_are() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8)
    for alpha in (np.zeros((9, 9), np.uint8), np.full((9, 9), 3, np.uint8)):
        np.testing.assert_array_equal(fill_hidden(rgb, alpha), rgb)


@pytest.mark.parametrize("hidden", [(0, 255, 0), (0, 0, 0), (255, 255, 255)])
def test_shrinking_leaves_no_fringes(hidden: tuple[int, int, int]) -> None:
    rgb = np.broadcast_to(np.uint8(hidden), (200, 300, 3)).copy()
    alpha = np.zeros((200, 300), np.uint8)
    rgb[50:151, 60:241], alpha[50:151, 60:241] = (200, 30, 90), 255
    small, opacity = fit_transparent(rgb, alpha, 100)
    assert small.shape == (67, 100, 3)
    np.testing.assert_allclose(small.reshape(-1, 3), np.broadcast_to([200, 30, 90], (6700, 3)), atol=1)
    whole = np.asarray(Image.fromarray(alpha).resize((100, 67), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(opacity, whole)


def test_the_paint_of_what_is_visible_does_not_follow_what_is_hidden(tmp_path: Path) -> None:
    stylizer = Stylizer.load(MODELS / "starry_night.onnx")
    painted = []
    for hidden in (0, 255):
        picture = disc(hidden)
        assert picture.alpha is not None
        write_picture(tmp_path / f"{hidden}.png", picture.rgb, picture.alpha)
        jobs = plan([str(tmp_path / f"{hidden}.png")], str(tmp_path / f"out{hidden}.png"), style="s")
        (result,) = run(jobs, stylizer, Settings(), stdin=io.BytesIO(), stdout=io.BytesIO())
        assert result.error is None
        painted.append(read_picture(tmp_path / f"out{hidden}.png"))
        np.testing.assert_array_equal(stylizer(picture), stylizer(disc(255 - hidden)))
    black, white = painted
    assert black.alpha is not None
    shown = black.alpha > 0
    np.testing.assert_array_equal(black.rgb[shown], white.rgb[shown])
    np.testing.assert_array_equal(black.alpha, disc(0).alpha)
    assert (black.rgb[~shown] == 0).all()  # as it was
    assert (white.rgb[~shown] == 255).all()


def test_pillow_images_are_painted_alike(identity: Path) -> None:
    stylizer = Stylizer.load(identity)
    picture = disc(0)
    assert picture.alpha is not None
    image = Image.fromarray(np.dstack([picture.rgb, picture.alpha]))
    np.testing.assert_array_equal(stylizer(image), to_picture(image).to_paint())


def test_a_transparent_mask_is_not_here(tmp_path: Path) -> None:
    rgba = np.uint8([[[255, 255, 255, 255], [255, 255, 255, 0], [255, 255, 255, 128], [0, 0, 0, 255], [0, 0, 0, 0]]])
    Image.fromarray(rgba).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), [[255, 0, 128, 0, 0]])
    Image.fromarray(rgba).convert("LA").save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), [[255, 0, 128, 0, 0]])
    Image.fromarray(rgba[..., 0]).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), [[255, 255, 255, 0, 0]])
