"""Photos that vanish while a network is trained, or before it is resumed: a stick is pulled, a drive is gone."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from case import Case, fault

from fststyle.errors import DataError
from fststyle.training.cli import main
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.module import StyleTransferModule


@pytest.fixture
def photos(photo_folder: Path, tmp_path: Path) -> Path:
    """Twenty that may be deleted."""
    shutil.copytree(photo_folder, tmp_path / "photos")
    return tmp_path / "photos"


def made(folder: Path, **settings: Any) -> ContentData:
    data = ContentData(folder, **{"crop": 32, "val_photos": 3, "val_size": 48, "num_workers": 0} | settings)
    data.setup("fit")
    return data


@fault(
    Case(
        "Training",
        "photos, held-out ones among them, are deleted while a training runs; then --resume",
        "the run goes on to its end; resumed with a warning, the other photos as before",
        ("photos are gone from", "others take their place"),
    )
)
def test_photos_deleted_while_a_training_runs(
    case: Case, train_arguments: list[str], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = [*train_arguments, "--data.root", str(photos), "--out", str(tmp_path / "run")]
    held_out = ContentData(photos, crop=32, val_photos=2, val_size=48)
    held_out.setup("fit")
    step = StyleTransferModule.training_step

    def deleting(self: StyleTransferModule, batch: Any, batch_idx: int) -> torch.Tensor:
        if batch_idx == 2:
            for path in [*held_out.val_files, *held_out.train_files[:4]]:
                path.unlink(missing_ok=True)
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(StyleTransferModule, "training_step", deleting)
        assert main([*common, "--trainer.max_steps", "6", "--data.cache_gigabytes", "0"]) == 0
    content = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert content["fststyle"]["costs"]["total_loss"] > 0
    with pytest.warns(UserWarning, match="gone") as warned:
        assert main([*common, "--trainer.max_steps", "8", "--resume"]) == 0
    case.assert_said("\n".join(str(each.message) for each in warned))
    again = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert again["global_step"] == 8
    assert again["ContentData"].keys() == content["ContentData"].keys()
    for key in ("names", "held_out"):
        assert torch.equal(again["ContentData"][key], content["ContentData"][key])
    assert again["ContentData"]["photos"] == content["ContentData"]["photos"]


def test_the_photos_that_are_left_come_where_they_would_have_come(photos: Path) -> None:
    before = made(photos)
    saved = before.state_dict()
    first = before.train_dataloader().dataset
    order = first._order(0)  # type: ignore[attr-defined]
    whole = [first[p] for p in range(17)]
    gone = [int(order[3]), int(order[9])]
    for index in gone:
        before.train_files[index].unlink()
    before.val_files[1].unlink()
    resumed = made(photos)
    assert not resumed.has_other_photos(saved)
    with pytest.warns(UserWarning, match="3 of 20 photos are gone from .* others take their place"):
        resumed.load_state_dict(saved)
    assert resumed.val_files == [before.val_files[0], before.val_files[2]]
    left = resumed.train_dataloader().dataset
    for position in range(17):
        assert torch.equal(left[position], whole[position]) == (position not in (3, 9))
    now = resumed.state_dict()
    assert now["photos"] == saved["photos"]
    assert torch.equal(now["names"], saved["names"])
    assert list(map(torch.Tensor.tolist, resumed.val_dataloader())) == list(
        map(torch.Tensor.tolist, [list(before.val_dataloader())[i] for i in (0, 2)])
    )


def test_held_out_photos_are_read_once(photos: Path) -> None:
    data = made(photos)
    before = list(data.val_dataloader())
    shutil.rmtree(photos)
    assert all(torch.equal(a, b) for a, b in zip(before, data.val_dataloader(), strict=True))
    with pytest.raises(DataError, match="photos cannot be read"):
        list(itertools.islice(data.train_dataloader(), 20))


def test_a_folder_that_is_mostly_gone_is_refused(photos: Path) -> None:
    data = made(photos)
    saved = data.state_dict()
    for path in data.train_files[:10]:
        path.unlink()
    with pytest.raises(
        DataError, match=r"10 of the run's 17 photos are gone from .*bring them back .*--resume --force"
    ):
        made(photos).load_state_dict(saved)
    forced = made(photos)
    forced.resume_anyway = True
    forced.load_state_dict(saved)
    assert forced.gone == []
