"""Crops of several sides in one run."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fststyle.pictures.files import find_images
from fststyle.training.data.crop_sides import side_at, sides_of
from fststyle.training.data.crops import PhotoCrops
from fststyle.training.data.photos import ContentData


@pytest.mark.parametrize("crop", [[64, 32, 64], "64,32", "32, 64"])
def test_several_sides_can_be_given_in_any_order(crop: str | list[int]) -> None:
    assert sides_of(crop) == (32, 64)
    assert sides_of(64) == sides_of("64") == (64,)


@pytest.mark.parametrize("crop", [31, 0, "", "256,", "256x512", [256, 16], [], True, 256.0, ["a"]])
def test_what_is_no_side_is_refused_by_a_sentence(crop: object) -> None:
    with pytest.raises(ValueError, match="crop must be a whole number of at least 32"):
        sides_of(crop)  # type: ignore[arg-type]


def test_small_sides_are_drawn_more_often() -> None:
    sides = (256, 512, 768)
    drawn = Counter(side_at(step, sides, seed=3) for step in range(20_000))
    drawn_times_side = np.array([drawn[side] * side for side in sides], float)
    np.testing.assert_allclose(drawn_times_side / drawn_times_side.sum(), 1 / 3, atol=0.02)
    assert side_at(7, sides, seed=3) == side_at(7, sides, seed=3)
    assert any(side_at(step, sides, seed=3) != side_at(step, sides, seed=4) for step in range(20))


def test_all_crops_of_a_step_have_one_side_in_every_process(photo_folder: Path) -> None:
    photos = find_images(photo_folder)
    whole = PhotoCrops(photos, (32, 48), seed=1, per_step=4)
    halves = [PhotoCrops(photos, (32, 48), seed=1, per_step=4) for _ in range(2)]
    seen = set()
    for step in range(12):
        positions = range(4 * step, 4 * step + 4)
        batch = torch.stack(whole.__getitems__(positions))
        dealt = [half.__getitems__(positions[rank::2]) for rank, half in enumerate(halves)]
        assert torch.equal(batch[::2], torch.stack(dealt[0]))
        assert torch.equal(batch[1::2], torch.stack(dealt[1]))
        seen.add(batch.shape[-1])
    assert seen == {32, 48}


def test_a_batch_across_two_steps_of_an_epoch_has_one_side(photo_folder: Path) -> None:
    crops = PhotoCrops(find_images(photo_folder), (32, 48, 64), seed=1, per_step=4)
    for first in range(1, 30, 3):
        assert len({crop.shape for crop in crops.__getitems__(range(first, first + 4))}) == 1


def test_the_sides_reach_the_batches_and_the_card(tmp_path: Path) -> None:
    for number in range(4):
        Image.new("RGB", (80, 60), (60 * number, 0, 0)).save(tmp_path / f"{number}.png")
    data = ContentData(tmp_path, crop="32,48", batch_size=2, num_workers=2, val_photos=1, val_size=32)
    data.setup("fit")
    batches = iter(data.train_dataloader())
    assert {next(batches).shape for _ in range(12)} == {(2, 3, 32, 32), (2, 3, 48, 48)}
    assert data.state_dict()["crop"] == [32, 48]
    assert ContentData(tmp_path, crop=32).sides == (32,)
