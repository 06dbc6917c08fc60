"""One photo, icons, a thumbnail of a painting, transparency, very large photos: works, and says what to expect."""

import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fststyle.errors import ImageError
from fststyle.pictures.painting import look_at
from fststyle.training.cli import main
from fststyle.training.data import photos as training_data
from fststyle.training.data.photos import ContentData


def noise(path: Path, width: int, height: int, mode: str = "RGB") -> Path:
    shape = (height, width, len(mode))
    Image.fromarray(np.random.default_rng(1).integers(0, 256, shape, np.uint8), mode).save(path)
    return path


def test_one_photo_is_enough_to_train(train_arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    noise(tmp_path / "photos" / "only.png", 60, 50)
    with pytest.warns(UserWarning, match="one photo is few: the network will do best on pictures like these"):
        status = main(
            [*train_arguments, "--data.root", str(tmp_path / "photos"), "--out", str(tmp_path / "run"),
             "--trainer.max_steps", "2"]
        )  # fmt: skip
    assert status == 0


@pytest.mark.parametrize("count", [1, 20])
def test_icons_are_enlarged_and_that_is_said(tmp_path: Path, count: int) -> None:
    for number in range(count):
        noise(tmp_path / f"{number}.png", 32, 36)
    data = ContentData(tmp_path, crop=128, val_size=128, num_workers=0)
    with pytest.warns(UserWarning, match=r"32 pixels .* crop has 128\. .*blurred.*--size 32"):
        data.setup("fit")
    assert next(iter(data.train_dataloader())).shape == (1, 3, 128, 128)


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_of_photos_as_large_as_the_crops(tmp_path: Path) -> None:
    for number in range(20):
        noise(tmp_path / f"{number}.png", 70, 64)
    ContentData(tmp_path, crop=64, val_size=48, num_workers=0).setup("fit")


def test_a_small_painting_is_enlarged_and_that_is_said(tmp_path: Path) -> None:
    path = noise(tmp_path / "thumbnail.png", 50, 60)
    with pytest.warns(UserWarning, match=r"thumbnail\.png has only 50×60 .*soft.*--style-size 50"):
        assert look_at(path, 320).shape == (384, 320, 3)


def test_white_shows_through_a_transparent_painting(tmp_path: Path) -> None:
    rgba = np.zeros((700, 64, 4), np.uint8)
    rgba[:, :32] = (200, 30, 10, 255)
    rgba[:, 32:] = (0, 255, 0, 0)  # hidden
    Image.fromarray(rgba, "RGBA").save(tmp_path / "cut.png")
    with pytest.warns(UserWarning, match=r"cut\.png is transparent in places; .*white"):
        rgb = look_at(tmp_path / "cut.png", 64)
    assert (rgb[:, :32] == (200, 30, 10)).all()
    assert (rgb[:, 32:] == 255).all()


def test_a_large_transparent_painting_takes_little_memory(tmp_path: Path) -> None:
    rgba = np.full((2000, 2000, 4), 128, np.uint8)
    Image.fromarray(rgba, "RGBA").save(tmp_path / "large.png", compress_level=1)
    tracemalloc.start()
    try:
        with pytest.warns(UserWarning, match="transparent"):
            look_at(tmp_path / "large.png", 64)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * rgba.size  # in floating point, all of it would be 24 bytes a pixel and more


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_painting_of_one_color_is_called_so(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (80, 80), (200, 30, 10)).convert(mode).save(tmp_path / "flat.jpg")
    with pytest.warns(UserWarning, match=r"flat\.jpg is of one color, so there are no strokes to learn"):
        look_at(tmp_path / "flat.jpg", 64)
    faint = np.full((80, 80), 100, np.uint8)
    faint[:, ::2] = 120
    Image.fromarray(faint).save(tmp_path / "faint.png")
    with warnings.catch_warnings(action="error"):
        look_at(tmp_path / "faint.png", 64)


def test_a_painting_that_is_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"line\.png has 4000×2 pixels, too narrow"):
        look_at(noise(tmp_path / "line.png", 4000, 2), 320)


def test_large_photos_are_decoded_no_larger_than_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        Image.new("RGB", (4000, 3000), (number, 9, 9)).save(tmp_path / f"{number}.jpg")
    sizes: list[tuple[int, ...]] = []
    read = training_data.read_picture

    def watched(*arguments: Any, **options: Any) -> Any:
        picture = read(*arguments, **options)
        sizes.append(picture.rgb.shape)
        return picture

    monkeypatch.setattr(training_data, "read_picture", watched)
    data = ContentData(tmp_path, num_workers=0)
    data.setup("fit")
    assert len(data.val_files) == 1
    assert sizes == [(750, 1000, 3)]
    assert next(iter(data.val_dataloader())).shape == (1, 3, 256, 256)
