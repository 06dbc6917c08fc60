"""The measuring stick: a network that changes nothing has the scores of the photos, and nothing is lost on the way."""

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle.errors import DataError, ImageError
from fststyle.pictures.files import read_picture, resize, resize_shorter_side, write_picture
from fststyle.training.cost.motion import NOISE
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.judge import speed
from fststyle.training.judge.evaluate import Model, evaluate
from fststyle.training.judge.evaluation import Evaluation, Settings
from fststyle.training.judge.json_form import as_json
from fststyle.training.judge.report import write_report
from fststyle.training.judge.table import conditions, rows
from fststyle.training.tensors import noise, unit_range

Pixels = NDArray[np.uint8]

QUICK = Settings(size=64, style_size=64, iterations=4, speed_side=0, pictures=1, sizes=())


def same(picture: Pixels) -> Pixels:
    return picture


def gray(picture: Pixels) -> Pixels:
    return np.full_like(picture, 128)


@pytest.fixture(scope="module")
def cost(shallow_cost: Callable[..., Cost]) -> Cost:
    return shallow_cost()


@pytest.fixture(scope="module")
def photos(photo_folder: Path) -> list[Path]:
    return sorted(photo_folder.rglob("*.png"))[:2]


@pytest.fixture(scope="module")
def evaluation(cost: Cost, photos: list[Path], painting: Path) -> Evaluation:
    # A network that knows the answer: most of the way from the photo to stripes like the painting's.
    stripes = resize_shorter_side(read_picture(painting).rgb, 64)[:, :64]

    def painter(picture: Pixels) -> Pixels:
        return (0.2 * picture + 0.8 * stripes).astype(np.uint8)

    models = [Model("same", same), Model("painter", painter)]
    return evaluate(models, photos, painting, cost=cost, settings=QUICK)


def test_a_network_that_changes_nothing(evaluation: Evaluation) -> None:
    identity, own = evaluation.models[0], evaluation.own
    for photo, reference in zip(identity.photos, own.photos, strict=True):
        assert photo.costs["content_loss"] == 0
        assert photo.reached is not None
        assert (photo.reached.iteration, photo.reached.evaluations) == (0, 1)
        assert dataclasses.replace(photo, reached=None) == reference
        assert 0 < photo.flicker < 3 * 255 * NOISE  # the noise
    assert identity.mean() == own.mean()
    assert identity.iterations() == [0, 0]
    assert evaluation.painting_scores["grid"] < 10


def test_costs_are_the_objectives_on_middle_squares(
    evaluation: Evaluation, cost: Cost, photos: list[Path], painting: Path
) -> None:
    rgb = read_picture(photos[1]).rgb
    height, width = rgb.shape[:2]
    assert width > height
    square = rgb[:, (width - height) // 2 : (width - height) // 2 + height]
    style = unit_range(resize_shorter_side(read_picture(painting).rgb, 64))
    objective = PerceptualObjective(cost, style)
    content = unit_range(resize(square, 64, 64))
    terms = objective.terms(content, objective.content_features(content)).named()
    found = evaluation.own.photos[1].costs
    assert found.keys() == terms.keys()
    assert found["style_loss"] == pytest.approx(float(terms["style_loss"]), rel=0.05)  # Lanczos for bicubic
    assert found["total_loss"] == pytest.approx(15 * found["style_loss"] + 2 * found["total_variation_loss"], rel=1e-5)


def test_means_and_the_border(evaluation: Evaluation) -> None:
    painter = evaluation.models[1]
    mean, pair = painter.mean(), painter.photos
    assert mean["style_loss"] == pytest.approx((pair[0].costs["style_loss"] + pair[1].costs["style_loss"]) / 2)
    assert mean["border"] == (pair[0].frame_style + pair[1].frame_style) / (pair[0].middle_style + pair[1].middle_style)
    assert mean["style_loss"] < evaluation.own.mean()["style_loss"]


def test_one_run_of_the_optimizer_serves_all(evaluation: Evaluation) -> None:
    for number, points in enumerate(evaluation.chases):
        reached = evaluation.models[1].photos[number].reached
        last = points[-1]
        assert reached == last if reached else last.iteration == QUICK.iterations
        assert [point.iteration for point in points] == list(range(len(points)))
        start = evaluation.own.photos[number].costs["total_loss"]
        assert points[0].best == pytest.approx(start, rel=1e-6)


def test_the_optimizer_can_start_from_noise(cost: Cost, photos: list[Path], painting: Path) -> None:
    settings = dataclasses.replace(QUICK, iterations=1, start="noise", seed=3)
    found = evaluate([Model("same", same)], photos, painting, cost=cost, settings=settings)
    objective = PerceptualObjective(cost, unit_range(resize_shorter_side(read_picture(painting).rgb, 64)))
    for number, points in enumerate(found.chases):
        content = found.own.photos[number].costs["total_loss"]
        assert points[0].best != pytest.approx(content, rel=0.01)
        photo = unit_range(ValidationPhotos([photos[number]], 64)[0].permute(1, 2, 0).numpy())
        first = objective.terms(noise(64, 64, 3 + number).clamp(0, 1), objective.content_features(photo)).named()[
            "total_loss"
        ]
        assert points[0].best == pytest.approx(float(first), rel=1e-5)
    assert conditions(found).endswith("; L-BFGS from noise")


def test_what_is_kept_and_told(cost: Cost, photos: list[Path], painting: Path) -> None:
    told: list[tuple[str, int, int]] = []
    settings = dataclasses.replace(QUICK, iterations=0, pictures=0)
    found = evaluate(
        [Model("gray", gray)], photos, painting, cost=cost, settings=settings, progress=lambda *a: told.append(a)
    )
    assert (found.chases, found.pictures, found.clip, found.johnson_speed) == ([], [], None, None)
    assert found.models[0].photos[0].reached is None
    assert ("judging " + photos[1].name, 1, 2) in told
    assert found.models[0].mean()["flicker"] == 0
    assert "L-BFGS iterations" not in [row.label for row in rows(found)]


def test_a_photo_that_cannot_be_read_is_left_out(
    cost: Cost, photos: list[Path], painting: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no")
    settings = dataclasses.replace(QUICK, iterations=0)
    with pytest.warns(UserWarning, match=r"bad.jpg is broken .*; it is left out$"):
        found = evaluate([Model("same", same)], [bad, photos[0]], painting, cost=cost, settings=settings)
    assert list(found.skipped) == ["bad.jpg"]
    assert [photo.photo for photo in found.own.photos] == [photos[0].name]
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(DataError, match="not one photo could be read; give a folder of pictures as --photos"),
    ):
        evaluate([Model("same", same)], [bad], painting, cost=cost, settings=settings)


def test_what_cannot_be_judged(cost: Cost, photos: list[Path], painting: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one network"):
        evaluate([], photos, painting, cost=cost, settings=QUICK)
    settings = dataclasses.replace(QUICK, clip=tmp_path / "none.mp4")
    with pytest.raises(DataError, match=r"none\.mp4 does not exist"):
        evaluate([Model("same", same)], photos, painting, cost=cost, settings=settings)
    with pytest.raises(ImageError, match="does not exist"):
        evaluate([Model("same", same)], photos, tmp_path / "none.jpg", cost=cost, settings=QUICK)
    with pytest.raises(ValueError, match="size must be at least 64, not 63"):
        Settings(size=63)


def test_a_painting_that_must_be_enlarged_is_said(cost: Cost, photos: list[Path], painting: Path) -> None:
    settings = dataclasses.replace(QUICK, iterations=0, style_size=96)
    with pytest.warns(UserWarning, match="enlarged from 80 to 96 pixels"):
        evaluate([Model("same", same)], photos[:1], painting, cost=cost, settings=settings)


def test_a_clip_and_speed(cost: Cost, photos: list[Path], painting: Path, tmp_path: Path) -> None:
    scene = resize(np.random.default_rng(5).integers(0, 256, (12, 18, 3), np.uint8), 100, 150)
    for number in range(3):
        write_picture(tmp_path / f"{number}.png", scene[:, number : number + 140])
    settings = dataclasses.replace(QUICK, iterations=0, clip=tmp_path, clip_frames=2)
    found = evaluate([Model("same", same), Model("gray", gray)], photos[:1], painting, cost=cost, settings=settings)
    assert found.clip is not None
    assert found.clip.frames == 2
    assert found.own.clip == found.models[0].clip == found.clip.own
    assert found.models[1].clip == 0
    assert rows(found)[-1].label == "clip, warped error"


def _numbered(runs: Sequence[Callable[[], object]], _: int) -> list[float]:
    """Run each once and pretend that the nth took n seconds."""
    return [number for number, run in enumerate(runs, 1) if run() is not None]


def test_the_ratio_to_johnson(cost: Cost, photos: list[Path], painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    def noted(picture: Pixels) -> Pixels:
        asked.append(picture.shape)
        return picture

    monkeypatch.setattr(speed, "_random_johnson", lambda _: noted)
    monkeypatch.setattr(speed, "time_runs", _numbered)
    settings = dataclasses.replace(QUICK, iterations=0, speed_side=100)
    models = [Model("same", noted, sides=(200, 50)), Model("free", noted)]
    found = evaluate(models, photos[:1], painting, cost=cost, settings=settings)
    assert asked[-3:] == [(200, 50, 3), (100, 100, 3), (100, 100, 3)]
    table = {row.label: row.networks for row in rows(found)}
    assert found.johnson_speed is not None
    assert table["ms a megapixel"] == ["100,000", "200,000"]
    assert table["  of johnson's"] == ["0.33", "0.67"]


def test_json_says_everything_and_comes_back(evaluation: Evaluation) -> None:
    data = as_json(evaluation)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["format"] == 1
    assert data["models"][0]["iterations"] == {"median": 0, "least": 0, "most": 0, "reached": 2, "of": 2}
    for model, found in zip(evaluation.models, data["models"], strict=True):
        assert found["mean"] == model.mean()
        assert [photo["costs"] for photo in found["photos"]] == [photo.costs for photo in model.photos]
    assert data["chases"][0][0] == dataclasses.asdict(evaluation.chases[0][0])
    assert data["settings"]["size"] == 64
    assert data["painting"]["name"] == "stripes.png"


def test_what_was_not_reached_is_said(evaluation: Evaluation) -> None:
    same_scores = evaluation.models[0]
    first, second = same_scores.photos
    missed = dataclasses.replace(same_scores, photos=[first, dataclasses.replace(second, reached=None)])
    changed = dataclasses.replace(evaluation, models=[missed])
    table = {row.label: row for row in rows(changed)}
    assert table["L-BFGS iterations"].networks == ["> 4 (0 to > 4)"]
    found = as_json(changed)["models"][0]["iterations"]
    assert found == {"median": None, "least": 0, "most": None, "reached": 1, "of": 2}


def test_rows_and_conditions(evaluation: Evaluation) -> None:
    table = rows(evaluation)
    assert [row.label for row in table][:5] == ["content", "style", "  relu1_2", "  relu2_2", "total variation"]
    assert (table[0].networks[0], table[0].photos, table[0].painting) == ("0", "0", "")
    assert conditions(evaluation) == "2 photos at 64²; stripes.png at 64; VGG-19, relative form"


def test_the_page_fetches_nothing(evaluation: Evaluation, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_report(page, evaluation)
    text = page.read_text("utf-8")
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", text)
    assert len(sources) >= 4  # the painting, a photo, two networks' pictures
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"url\(\s*['\"]?http|@import", text)
    assert text.count("<svg") == 1
    assert "<strong>relu1_2</strong> and the like are layers of the loss network" in text
    assert "L-BFGS as good as same, after 0 iterations" in text


def test_a_network_that_has_a_card_knows_its_layout() -> None:
    model = Model.load(Path(__file__).parents[2] / "assets" / "identity.onnx", layout="bgr255")
    assert (model.name, model.sides, model.style_size) == ("identity", None, None)
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(model.stylize(photo), photo)


def test_flicker_is_that_of_frames(cost: Cost, photos: list[Path], painting: Path) -> None:
    rng = np.random.default_rng(0)

    def noisy(picture: Pixels) -> Pixels:
        return rng.integers(256, size=picture.shape, dtype=np.uint8)

    models = [Model("same", same), Model("grained", noisy, frame=same), Model("noisy", noisy)]
    settings = dataclasses.replace(QUICK, iterations=0)
    still, grained, noisier = evaluate(models, photos[:1], painting, cost=cost, settings=settings).models
    assert grained.photos[0].flicker == still.photos[0].flicker
    assert noisier.photos[0].flicker > 2 * still.photos[0].flicker


def test_sizes_that_no_photo_has_are_told(cost: Cost, photos: list[Path], painting: Path) -> None:
    settings = dataclasses.replace(QUICK, iterations=0, sizes=(64, 5000, 6000))
    with pytest.warns(UserWarning, match="no photo is large enough for 5000, 6000: photos are never enlarged"):
        found = evaluate([Model("same", same)], photos[:1], painting, cost=cost, settings=settings)
    assert [size.label for size in found.models[0].sizes] == ["short side 64"]
