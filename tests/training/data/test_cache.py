"""Decoded once, bounded, and no obstacle to a run when the disk is full."""

import errno
from pathlib import Path

import numpy as np
import pytest

from fststyle.pictures.files import find_images
from fststyle.training.data import cache as photo_cache
from fststyle.training.data.cache import PhotoCache, remove_cache
from fststyle.training.data.crops import PhotoCrops


def pixels(value: int) -> np.ndarray:
    return np.full((8, 10, 3), value, np.uint8)


def test_made_once_then_read(tmp_path: Path) -> None:
    cache = PhotoCache(tmp_path / "photos", 10**6)
    assert (cache.get("a", lambda: pixels(7)) == 7).all()
    again = PhotoCache(tmp_path / "photos", 10**6).get("a", lambda: pytest.fail("made again"))
    np.testing.assert_array_equal(again, pixels(7))


def test_holds_no_more_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_cache, "_LOOK_EVERY", 1)
    cache = PhotoCache(tmp_path, 1000)
    for number in range(9):
        assert (cache.get(str(number), lambda: pixels(3)) == 3).all()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000 + 8 * 10 * 3 + 128


def test_half_a_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY")
    assert (PhotoCache(tmp_path, 10**6).get("a", lambda: pixels(5)) == 5).all()


def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(photo_cache, "atomic_write", refuse)
    cache = PhotoCache(tmp_path / "photos", 10**6)
    with pytest.warns(UserWarning, match=r"No space left .* free some disk, or set --cache-gigabytes") as warned:
        got = [cache.get(name, lambda: pixels(1)) for name in "abc"]
    assert len(warned) == 1
    assert all((each == 1).all() for each in got)


def test_samples_do_not_depend_on_the_cache(photo_folder: Path, tmp_path: Path) -> None:
    photos = find_images(photo_folder)
    plain = PhotoCrops(photos, (32,), seed=1)
    for _ in range(2):  # filling, then full
        cached = PhotoCrops(photos, (32,), seed=1, cache=PhotoCache(tmp_path / "photos", 10**8))
        assert all(bool((plain[p] == cached[p]).all()) for p in range(25))
    remove_cache(tmp_path / "photos")
    remove_cache(tmp_path / "photos")
    assert list(tmp_path.iterdir()) == []


def test_no_more_is_removed_than_was_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").touch()
    PhotoCache(tmp_path, 10**6).get("0-80", lambda: pixels(1))
    remove_cache(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.jpg"]
