"""Crops from photos in a GPU's memory: the bytes that the CPU cuts, in bounded memory, without waiting."""

import warnings

import pytest
import torch

from fststyle import samples
from fststyle.training.data.crops import PhotoCrops
from fststyle.training.data.photos import ContentData
from fststyle.training.data.resident import ResidentPhotos, resident_photos, room_on

pytestmark = pytest.mark.gpu


def test_crops_are_those_of_the_cpu(device: torch.device) -> None:
    crops = PhotoCrops(samples.photos(), [64, 128], seed=3, per_step=12, dark=0.4)
    resident = ResidentPhotos(crops, device, 10**9)
    assert resident.pixels.device.type == device.type
    for step in range(3):
        positions = range(12 * step, 12 * step + 12)
        assert torch.equal(resident.batch(positions).cpu(), torch.stack(crops.__getitems__(positions)))


def test_a_gpu_keeps_photos_by_itself(gpu: torch.device) -> None:
    with warnings.catch_warnings(action="ignore"):
        data = ContentData(samples.photo_folder(), crop=128, batch_size=4)
        data.setup("fit")
    data.device = gpu
    batch = next(iter(data.train_dataloader()))
    assert batch.device.type == "cuda"
    assert 0 < data.resident_bytes < room_on(gpu) <= torch.cuda.mem_get_info(gpu)[0]


def test_cutting_does_not_wait_for_the_gpu(gpu: torch.device) -> None:
    crops = PhotoCrops(samples.photos(), [128], seed=0, dark=0.3)
    resident = resident_photos(crops, gpu, "always")
    assert resident is not None
    resident.batch(range(8))
    torch.cuda.set_sync_debug_mode("error")
    try:
        resident.batch(range(8, 16))
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_cutting_takes_little_memory(gpu: torch.device) -> None:
    crops = PhotoCrops(samples.photos(), [512], seed=0)
    resident = ResidentPhotos(crops, gpu, 10**9)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    resident.batch(range(64))
    assert torch.cuda.max_memory_allocated() - before < 1.5e9
