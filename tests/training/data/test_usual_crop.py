"""The crops of a run for which nobody says a size: small ones first, then large ones too, if the photos are large."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.callbacks import LambdaCallback

from fststyle.errors import TrainingError
from fststyle.pictures.files import find_images
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.data import crop_sides
from fststyle.training.data.crop_sides import side_at, usual_sides
from fststyle.training.data.crops import PhotoCrops
from fststyle.training.data.photos import ContentData
from fststyle.training.data.resident import ResidentPhotos
from fststyle.training.fit.run import train


def photos_of(folder: Path, width: int, height: int, count: int = 5) -> Path:
    folder.mkdir()
    for number in range(count):
        Image.effect_noise((width, height), 40 + number).convert("RGB").save(folder / f"{number}.jpg")
    return folder


def made(folder: Path, **settings: Any) -> ContentData:
    data = ContentData(folder, val_size=32, num_workers=0, **settings)
    data.setup("fit")
    return data


def test_larger_sides_are_drawn_from_a_step_on() -> None:
    sides = (256, 512)
    drawn = [side_at(step, sides, seed=3, larger_from=500) for step in range(600)]
    assert set(drawn[:500]) == {256}
    assert drawn[500:] == [side_at(step, sides, seed=3) for step in range(500, 600)]
    assert set(drawn[500:]) == {256, 512}


@pytest.mark.parametrize(
    ("batch_size", "shorter", "usual"),
    [
        (1, None, ((256, 512), 500)),
        (1, 4000, ((256, 512), 500)),
        (1, 359, ((256, 512), 500)),
        (1, 358, ((256,), 0)),
        (2, 4000, ((256,), 0)),
    ],
)
def test_large_crops_need_large_photos_and_one_crop_a_step(batch_size: int, shorter: int | None, usual: object) -> None:
    assert usual_sides(batch_size, shorter) == usual


@pytest.mark.filterwarnings("ignore:.*photos? (is|are) few")
@pytest.mark.parametrize("count", [1, 5])
def test_the_photos_decide(tmp_path: Path, count: int) -> None:
    large = made(photos_of(tmp_path / "large", 500, 400, count))
    assert (large.sides, large.larger_from) == ((256, 512), 500)
    assert (large.state_dict()["crop"], large.state_dict()["larger_from"]) == ([256, 512], 500)
    small = made(photos_of(tmp_path / "small", 481, 321, count))
    assert (small.sides, small.larger_from) == ((256,), 0)
    assert (small.state_dict()["crop"], small.state_dict()["larger_from"]) == (256, 0)
    assert made(tmp_path / "large", batch_size=2).sides == (256,)
    given = made(tmp_path / "small", crop="256,512")
    assert (given.sides, given.larger_from) == ((256, 512), 0)


@pytest.mark.filterwarnings("ignore:.*photos are few")
def test_first_come_the_crops_of_a_run_of_small_ones(tmp_path: Path) -> None:
    data, small = made(photos_of(tmp_path / "photos", 1100, 800)), made(tmp_path / "photos", crop=256)
    crops, others = (each.train_dataloader().dataset for each in (data, small))
    for position in (0, 499):
        assert torch.equal(crops[position], others[position])
    assert {len(crops[position][0]) for position in range(500, 508)} == {256, 512}


def test_processes_and_devices_change_to_larger_crops_at_the_same_step(photo_folder: Path) -> None:
    photos = find_images(photo_folder)
    whole, half = (PhotoCrops(photos, (32, 48), seed=1, per_step=4, larger_from=3) for _ in range(2))
    resident = ResidentPhotos(
        PhotoCrops(photos, (32, 48), seed=1, per_step=4, larger_from=3), torch.device("cpu"), 10**9
    )
    seen = []
    for step in range(10):
        positions = range(4 * step, 4 * step + 4)
        batch = torch.stack(whole.__getitems__(positions))
        assert torch.equal(batch[1::2], torch.stack(half.__getitems__(positions[1::2])))
        assert torch.equal(batch, resident.batch(positions))
        seen.append(batch.shape[-1])
    assert seen[:3] == [32] * 3
    assert set(seen[3:]) == {32, 48}


@pytest.mark.filterwarnings("ignore:.*photos are few")
@pytest.mark.parametrize("early", [True, False])
def test_a_run_of_before_keeps_its_crop(tmp_path: Path, early: bool) -> None:
    saved = made(photos_of(tmp_path / "photos", 500, 400), crop=256).state_dict()
    del saved["larger_from"]
    data = ContentData(tmp_path / "photos", val_size=32, num_workers=0)
    if early:
        data.keep_crop_of(saved)
    data.setup("fit")
    if not early:
        data.load_state_dict(saved)
    assert (data.sides, data.larger_from) == ((256,), 0)
    given = made(tmp_path / "photos", crop=64)
    given.load_state_dict(saved)
    assert given.sides == (64,)


def test_a_resumed_run_changes_to_larger_crops_as_the_unbroken_one(
    vgg19_file: Path, photo_folder: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crop_sides, "USUAL", (32, 48))
    monkeypatch.setattr(crop_sides, "LARGER_FROM", 2)
    assert [side_at(step, (32, 48), 0, 2) for step in range(6)].count(48) in range(1, 4)
    small: dict[str, Any] = {
        **{"style": painting, "photos": photo_folder, "weights": vgg19_file, "content_layers": ("relu2_2",)},
        **{"style_layers": ("relu1_2", "relu2_2"), "normalize_channels": False, "val_size": 48, "val_photos": 2},
        **{"workers": 0, "network": "fast", "width": 0.25, "style_size": 64, "device": "cpu"},
        **{"limit_val_batches": 0, "enable_progress_bar": False, "logger": False},
    }
    whole = train(**small, steps=6, out=tmp_path / "whole")

    def stop(trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == 3:
            raise RuntimeError("a power cut")

    cut = LambdaCallback(on_train_batch_end=stop)
    with pytest.raises(RuntimeError, match="a power cut"):
        train(**small, steps=6, out=tmp_path / "broken", save_every=1, callbacks=[cut])
    # With the photos of now it would begin otherwise.
    monkeypatch.setattr(crop_sides, "SMALL", 10.0)
    broken = train(**small, steps=6, out=tmp_path / "broken", resume=True, force=True)
    unbroken, resumed = (read_checkpoint(each.checkpoint) for each in (whole, broken))
    assert resumed.data["crop"] == [32, 48]
    assert resumed.data["larger_from"] == 2
    assert [name for name, value in unbroken.state.items() if not np.array_equal(value, resumed.state[name])] == []
    monkeypatch.setattr(crop_sides, "SMALL", 0.7)
    with pytest.raises(TrainingError, match=r"began without (size|crop); leave it out, or .*force=True"):
        train(**small, steps=7, out=tmp_path / "broken", resume=True, crop="32,48")
