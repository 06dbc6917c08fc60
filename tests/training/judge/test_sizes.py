"""Costs at several sizes: which photos count where, and what the scores are of."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.training.cost.objective import Cost, load_loss_network
from fststyle.training.judge import sizes
from fststyle.training.judge.sizes import SizeJudge
from fststyle.training.judge.wasserstein import LAYERS, SlicedWasserstein
from fststyle.training.tensors import reference_photos, unit_range

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def painting() -> Pixels:
    y, x = np.mgrid[:96, :128]
    waves = np.stack([np.sin(x / 3), np.sin((x + y) / 5), np.cos(y / 4)], axis=-1)
    return ((waves + 1) * 127).astype(np.uint8)


@pytest.fixture
def judge(painting: Pixels, monkeypatch: pytest.MonkeyPatch) -> SizeJudge:
    for name, value in (("_SEEN", (64,)), ("_PLAIN_SIDE", 128), ("_LARGE_SIDE", 160), ("_CROP", 64)):
        monkeypatch.setattr(sizes, name, value)
    cost = Cost(loss_network="slim")
    return SizeJudge(cost, load_loss_network(cost, reference_photos()), painting, style_size=96)


def test_photos_count_where_they_need_not_be_enlarged(judge: SizeJudge, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in (("small", (80, 90, 3)), ("large", (192, 256, 3))):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(tmp_path / f"{name}.png")
    photos = sorted(tmp_path.iterdir())
    kept, flat = judge.judge([np.copy, np.zeros_like], photos, (64, 128, 256))
    assert [(scores.label, scores.photos) for scores in kept] == [
        ("short side 64", 2),
        ("short side 128", 1),
        ("seen at 64", 1),
        ("1:1", 1),
    ]
    assert all(scores.content == pytest.approx(0, abs=1e-6) for scores in kept)
    assert all(scores.content > 0.1 for scores in flat)
    assert kept[1].repetition is not None
    assert kept[3].fine_detail is not None
    assert (flat[3].fine_detail, flat[3].blur, flat[3].direction) == (0, 1, 0)


def test_a_painting_is_not_enlarged_for_a_screen(
    judge: SizeJudge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (192, 192, 3), np.uint8)).save(tmp_path / "a.png")
    assert judge.too_small_for(judge.judge([np.copy], [tmp_path / "a.png"], ())) == []
    monkeypatch.setattr(sizes, "_SEEN", (96, 97))
    judge = SizeJudge(judge._cost, judge._network, judge._painting, style_size=96)
    found = judge.judge([np.copy], [tmp_path / "a.png"], (64,))
    assert [scores.label for scores in found[0]] == ["short side 64", "seen at 96", "1:1"]
    assert judge.too_small_for(found) == [97]
    assert judge.too_small_for([found[0][:1]]) == []  # no photo was large


def test_short_sides_are_judged_in_one_pass_and_large_photos_as_users_get_them(
    judge: SizeJudge, tmp_path: Path
) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (192, 192, 3), np.uint8)).save(tmp_path / "a.png")
    (found,) = judge.judge([np.zeros_like], [tmp_path / "a.png"], (64,), once=[np.copy])
    assert {scores.label: scores.content > 0.1 for scores in found} == {
        "short side 64": False,
        "seen at 64": True,
        "1:1": True,
    }


@pytest.mark.usefixtures("small_reference_photos")
def test_the_painting_is_its_own_best_match(painting: Pixels) -> None:
    cost = Cost(loss_network="vgg19", content_layers=(), style_layers=LAYERS)
    sliced = SlicedWasserstein(load_loss_network(cost, reference_photos()), unit_range(painting))
    shuffled = np.random.default_rng(0).permutation(painting.reshape(-1, 3)).reshape(painting.shape)
    flat = np.full_like(painting, 128)
    own, rows, noise, none = (sliced.distance(unit_range(x)) for x in (painting, painting[:, ::-1], shuffled, flat))
    assert own == pytest.approx(0, abs=1e-6)
    assert own < rows < noise
    assert none > rows
