"""Crops from photos on a device: the same bytes as on the CPU, in bounded memory."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fststyle.errors import DataError
from fststyle.pictures.files import find_images
from fststyle.training.data.crops import Draw, PhotoCrops, cut
from fststyle.training.data.device_crops import Photos, cut_on_device
from fststyle.training.data.photos import ContentData
from fststyle.training.data.resident import ResidentPhotos, resident_photos

CPU = torch.device("cpu")


@pytest.mark.parametrize(("crop", "dark"), [(32, 0.0), (32, 1.0), (64, 0.3)])
def test_crops_on_a_device_are_those_of_the_cpu(photo_folder: Path, crop: int, dark: float) -> None:
    crops = PhotoCrops(find_images(photo_folder), (crop,), seed=5, dark=dark)
    batch = ResidentPhotos(crops, CPU, 10**9).batch(range(7, 47))
    expected = torch.stack([crops[position] for position in range(7, 47)])
    assert batch.is_contiguous()
    torch.testing.assert_close(batch, expected, rtol=0, atol=0)


@pytest.mark.parametrize("crop", [7, 40, 97])
def test_every_byte_of_a_resized_square_is_pillows(crop: int) -> None:
    rng = np.random.default_rng(0)  # Pillow resizes the second photo, and mostly the third, columns first
    photos = [rng.integers(0, 256, (height, width, 3), np.uint8) for height, width in ((41, 60), (97, 40), (300, 211))]
    drawn = []
    for index, photo in enumerate(photos):
        height, width = photo.shape[:2]
        shorter = min(height, width)
        for side in (3.3, shorter / 2.7, shorter - 0.01, float(shorter)):
            left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
            drawn.append((index, Draw(left, top, side, crop, flip=bool(len(drawn) % 2))))
            drawn.append((index, Draw(0.0, 0.0, side, crop, flip=False)))
            drawn.append((index, Draw(width - side, height - side, side, crop, flip=False, black=0.31 + side / 1e3)))
    first = [0, *np.cumsum([photo.size // 3 for photo in photos]).tolist()][:-1]
    pixels = torch.from_numpy(np.concatenate([photo.reshape(-1, 3) for photo in photos]))
    made = cut_on_device(Photos(pixels, first, [photo.shape[:2] for photo in photos]), drawn)
    for (index, draw), square in zip(drawn, made.permute(0, 2, 3, 1).numpy(), strict=True):
        np.testing.assert_array_equal(square, cut(photos[index], draw), err_msg=str(draw))


def test_a_large_batch_is_cut_in_groups(photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resident = ResidentPhotos(PhotoCrops(find_images(photo_folder), (32,), seed=0), CPU, 10**9)
    whole = resident.batch(range(9))
    monkeypatch.setattr("fststyle.training.data.device_crops._AT_ONCE", 1)
    assert torch.equal(resident.batch(range(9)), whole)


def test_crops_of_different_sides_are_no_batch() -> None:
    photos = Photos(torch.zeros(100, 3, dtype=torch.uint8), [0], [(10, 10)])
    drawn = [(0, Draw(0, 0, 10, crop, flip=False)) for crop in (8, 9)]
    with pytest.raises(ValueError, match=r"one side, not \[8, 9\]"):
        cut_on_device(photos, drawn)


def test_broken_photos_are_replaced_by_the_same_ones_and_listed(photo_folder: Path, tmp_path: Path) -> None:
    for number in range(3):
        (photo_folder / f"broken {number}.jpg").write_bytes(b"no")
    try:
        photos = find_images(photo_folder)
        listed = tmp_path / "bad_files.jsonl"
        resident = ResidentPhotos(PhotoCrops(photos, (32,), seed=1, bad_list=listed), CPU, 10**9)
        crops = PhotoCrops(photos, (32,), seed=1)
        assert torch.equal(resident.batch(range(46)), torch.stack([crops[position] for position in range(46)]))
        assert len(listed.read_text("utf-8").splitlines()) == 3
    finally:
        for number in range(3):
            (photo_folder / f"broken {number}.jpg").unlink()


def test_photos_beyond_the_memory_are_refused_before_all_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        Image.new("RGB", (40, 40)).save(tmp_path / f"{number}.png")
    crops = PhotoCrops(find_images(tmp_path), (32,), seed=0)
    monkeypatch.setattr("fststyle.training.data.resident._AT_ONCE", 2)
    read: list[int] = []
    monkeypatch.setattr(crops, "read", lambda index: read.append(index) or PhotoCrops.read(crops, index))
    assert ResidentPhotos(crops, CPU, 48_000).bytes == 48_000
    read.clear()
    with pytest.raises(DataError, match=r"10 photos take 4.8e-05 GB, and there is room for 4.8e-05"):
        ResidentPhotos(crops, CPU, 47_999)
    assert len(read) == 2


def test_who_keeps_photos_on_the_device(photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = PhotoCrops(find_images(photo_folder), (32,), seed=0)
    assert resident_photos(crops, CPU, "auto") is None
    assert resident_photos(crops, CPU, "never") is None
    assert resident_photos(crops, CPU, "always") is not None
    monkeypatch.setattr("fststyle.training.data.resident.room_on", lambda _: 1000)
    with pytest.raises(DataError, match=r"room for 1e-06; give fewer photos or a smaller --size, or --data.on_device"):
        resident_photos(crops, CPU, "always")


def test_photos_do_not_stay_where_crops_would_differ(photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = PhotoCrops(find_images(photo_folder), (32,), seed=0)
    monkeypatch.setattr("fststyle.training.data.device_crops._columns_first", lambda *_: True)
    with pytest.raises(DataError, match=r"differ from Pillow's; give --data.on_device never"):
        resident_photos(crops, CPU, "always")


def test_batches_are_the_same_wherever_the_photos_lie(photo_folder: Path) -> None:
    batches = []
    for on_device in ("always", "never"):
        data = ContentData(photo_folder, crop=32, batch_size=3, num_workers=0, dark=0.4, on_device=on_device)
        data.setup("fit")
        batches.append(torch.cat(list(itertools.islice(data.train_dataloader(), 4))))
        assert bool(data.resident_bytes) == (on_device == "always")
    assert torch.equal(*batches)


def test_a_choice_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="on_device must be one of auto, always, never, not 'yes'"):
        ContentData("photos", on_device="yes")  # type: ignore[arg-type]
