"""Which photo, which crop: a pure function of seed and position; and photos that cannot be read."""

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fststyle.errors import DataError
from fststyle.pictures.files import find_images
from fststyle.training.data.crops import PhotoCrops
from fststyle.training.data.photos import ContentData
from fststyle.training.data.positions import PositionSampler


def take(sampler: PositionSampler, count: int) -> list[int]:
    return list(itertools.islice(sampler, count))


def test_processes_deal_the_positions_out_between_them() -> None:
    assert take(PositionSampler(lambda: 8), 4) == [8, 9, 10, 11]
    ranks = [take(PositionSampler(lambda: 8, rank, 2), 2) for rank in range(2)]
    assert sorted(itertools.chain(*ranks)) == [8, 9, 10, 11]


def test_a_sample_depends_on_seed_and_position_alone(photo_folder: Path) -> None:
    photos = find_images(photo_folder)
    first, second = PhotoCrops(photos, (32,), seed=5), PhotoCrops(photos, (32,), seed=5)
    forward = [first[p] for p in range(45)]
    backward = [second[p] for p in reversed(range(45))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(forward, backward, strict=True))
    assert not torch.equal(forward[0], PhotoCrops(photos, (32,), seed=6)[0])
    assert forward[0].shape == (3, 32, 32)
    assert forward[0].dtype == torch.uint8


def test_every_photo_comes_once_an_epoch_in_a_new_order(tmp_path: Path) -> None:
    for red in range(20):
        Image.new("RGB", (40, 40), (red, 0, 0)).save(tmp_path / f"{red}.png")
    crops = PhotoCrops(find_images(tmp_path), (32,), seed=0)
    orders = [[int(crops[20 * epoch + place][0, 0, 0]) for place in range(20)] for epoch in range(2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_resumed_process_goes_on_at_its_own_photos(photo_folder: Path, rank: int) -> None:
    data = ContentData(photo_folder, crop=32, batch_size=2, num_workers=0, dark=0.5)
    data.setup("fit")
    endless = {"max_epochs": -1, "check_val_every_n_epoch": None, "limit_train_batches": 1.0}
    run = endless | {"global_step": 3, "accumulate_grad_batches": 2, "world_size": 2, "global_rank": rank}
    data.trainer = type("Trainer", (), run)()
    crops = PhotoCrops(data.train_files, (32,), seed=0, dark=0.5)
    first = next(iter(data.train_dataloader()))
    assert torch.equal(first, torch.stack([crops[24 + rank], crops[26 + rank]]))  # 24 = 3·2·2·2


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_do_not_depend_on_the_number_of_workers(photo_folder: Path, workers: int) -> None:
    data = ContentData(photo_folder, crop=32, batch_size=3, num_workers=workers, dark=0.5)
    data.setup("fit")
    batches = list(itertools.islice(data.train_dataloader(), 2))
    crops = PhotoCrops(data.train_files, (32,), seed=0, dark=0.5)
    assert torch.equal(torch.cat(batches), torch.stack([crops[p] for p in range(6)]))


def test_crops_are_flipped_and_come_from_all_over(tmp_path: Path) -> None:
    ramp = np.zeros((64, 128, 3), np.uint8)
    ramp[..., 0] = np.arange(128) * 2
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    crops = PhotoCrops([tmp_path / "ramp.png"], (32,), seed=0)
    rows = np.stack([crops[p][0, 0].numpy().astype(int) for p in range(100)])
    rising = rows[:, -1] > rows[:, 0]
    assert 30 < rising.sum() < 70
    assert rows.min() < 20
    assert rows.max() > 235
    spans = np.abs(rows[:, -1] - rows[:, 0])
    assert spans.min() < 75  # about 32 of 64 pixels
    assert spans.max() > 110  # the whole shorter side


def test_a_share_of_the_crops_is_darkened_to_lights_on_black(tmp_path: Path) -> None:
    ramp = np.linspace(0, 200, 100, dtype=np.uint8)[:, None, None].repeat(100, axis=1).repeat(3, axis=2)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    crops = PhotoCrops([tmp_path / "ramp.png"], (40,), seed=0, dark=0.3)
    made = torch.stack([crops[p] for p in range(200)])
    black = made.eq(0).float().mean(dim=(1, 2, 3))
    dark = black > 0.1
    assert 40 < dark.sum() < 80
    assert 0.25 < black[dark].min() < 0.4
    assert 0.8 < black[dark].max() < 0.95
    assert made[dark].amax(dim=(1, 2, 3)).eq(255).all()
    assert made[~dark].max() <= 200
    assert torch.equal(crops[7], made[7])


@pytest.mark.parametrize("gray", [0, 100, 255])
def test_a_darkened_photo_of_one_gray_is_white_if_it_is_not_black(tmp_path: Path, gray: int) -> None:
    Image.new("L", (40, 40), gray).save(tmp_path / "gray.png")
    assert PhotoCrops([tmp_path / "gray.png"], (40,), seed=0, dark=1)[0].eq(255 if gray else 0).all()


def test_a_photo_smaller_than_the_crop_is_enlarged(tmp_path: Path) -> None:
    Image.new("RGB", (1, 40), (200, 10, 30)).save(tmp_path / "sliver.png")
    crop = PhotoCrops([tmp_path / "sliver.png"], (32,), seed=0)[3]
    assert crop.flatten(1).float().mean(1).tolist() == [200, 10, 30]


@pytest.mark.fault(
    "Training",
    "broken photos among others",
    "listed once in bad_files.jsonl; the same crops replace them every time",
    (),
)
def test_broken_photos_are_replaced_and_listed_once(photo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(photo_folder, tmp_path / "photos")
    (tmp_path / "photos" / "empty.jpg").touch()
    (tmp_path / "photos" / "page.png").write_text("<html>not found</html>")
    photos = find_images(tmp_path / "photos")
    listed = tmp_path / "bad_files.jsonl"
    crops = PhotoCrops(photos, (32,), seed=0, bad_list=listed)
    first = [crops[p] for p in range(2 * len(photos))]
    again = [PhotoCrops(photos, (32,), seed=0, bad_list=listed)[p] for p in range(2 * len(photos))]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    records = [json.loads(line) for line in listed.read_text().splitlines()]
    assert sorted(Path(record["path"]).name for record in records) == ["empty.jpg", "page.png"]
    assert all(record["reason"] for record in records)


@pytest.mark.fault("Training", "more than half of the photos broken", "stopped, with the remedy", ())
def test_a_folder_that_is_mostly_broken_is_refused(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.jpg").write_text("no")
    Image.new("RGB", (40, 40)).save(tmp_path / "good.png")
    crops = PhotoCrops(find_images(tmp_path), (32,), seed=0)
    with pytest.raises(DataError, match=r"4 of 7 photos cannot be read.*check the folder"):
        [crops[p] for p in range(20)]


def test_held_out_photos_depend_on_their_names_alone(photo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(photo_folder, tmp_path / "elsewhere")
    here, there = ContentData(photo_folder, val_photos=3), ContentData(tmp_path / "elsewhere", val_photos=3)
    for data in (here, there):
        data.setup("fit")
        assert len(data.val_files) == 3
        assert not set(data.val_files) & set(data.train_files)
        assert len(data.train_files) == 17
    assert [p.name for p in here.val_files] == [p.name for p in there.val_files]
    batches = list(here.val_dataloader())
    assert [tuple(batch.shape) for batch in batches] == [(1, 3, 256, 256)] * 3


def test_three_photos_work_and_warn(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (40, 40), (number, 0, 0)).save(tmp_path / f"{number}.png")
    data = ContentData(tmp_path)
    with pytest.warns(UserWarning, match="3 photos are few"):
        data.setup("fit")
    assert len(data.train_files) >= 1
    assert len(data.val_files) >= 1


def test_a_list_of_broken_photos_that_cannot_be_written_stops_nothing(photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no")
    photos = [tmp_path / "bad.jpg", *find_images(photo_folder)]
    listed = tmp_path / "not yet there" / "bad_files.jsonl"
    crops = PhotoCrops(photos, (32,), seed=0, bad_list=listed)
    assert all(crops[p].shape == (3, 32, 32) for p in range(len(photos)))
    assert "bad.jpg" in listed.read_text("utf-8")
    unwritable = PhotoCrops(photos, (32,), seed=0, bad_list=tmp_path / "bad.jpg" / "bad_files.jsonl")
    with pytest.warns(UserWarning, match=r"bad\.jpg .*; it is left out, and not listed"):
        assert all(unwritable[p].shape == (3, 32, 32) for p in range(len(photos)))


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder of photos at .*--photos"):
        ContentData(tmp_path / "nowhere").setup("fit")
    with pytest.raises(DataError, match=r"no photos under .*--photos"):
        ContentData(tmp_path).setup("fit")


@pytest.mark.parametrize(
    "arguments", [{"crop": 8}, {"batch_size": 0}, {"val_size": 1}, {"val_photos": -1}, {"seed": -1}]
)
def test_settings_out_of_range(tmp_path: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be a whole number of at least"):
        ContentData(tmp_path, **arguments)


def test_the_share_of_dark_crops_is_a_share(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dark must lie in \[0, 1\], not 1.5"):
        ContentData(tmp_path, dark=1.5)


@pytest.mark.slow
def test_a_program_ends_that_leaves_readers_behind() -> None:
    program = (
        "from fststyle import samples\n"
        "from fststyle.training.data.photos import ContentData\n"
        "data = ContentData(samples.photo_folder(), crop=64, batch_size=2, num_workers=1)\n"
        "data.setup('fit')\n"
        "batches = iter(data.train_dataloader())\n"
        "next(batches)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=120, check=False)
    assert done.returncode == 0
