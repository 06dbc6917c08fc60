"""`scripts/recipes/train_gallery.py` and `docs/make/make_gallery_page.py`, with everything that trains left out."""

import dataclasses
import hashlib
import json
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from fststyle.model.card import ModelCard
from fststyle.model.file import read_model, write_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture
from fststyle.training.many.plan import Request, State

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]


def script(name: str, models: Path) -> dict[str, Any]:
    """What a program defines, with another models/ and docs/."""
    defined = runpy.run_path(str(ROOT / name))
    defined["main"].__globals__.update({"MODELS": models, "DOCS": models.parent / "docs"})
    return defined


@pytest.fixture
def models(tmp_path: Path, assets: dict[str, Any], save: Callable[..., Path]) -> Path:
    """Two networks, and a page for the gallery in docs/."""
    folder = tmp_path / "models"
    costs = {"content_loss": 1.0, "style_loss": 0.05, "total_loss": 1.75}
    recipe = {"style_size": 320}
    for style, name, gain, network in (("dark", "dark", 0.5, "fast"), ("plain", "plain_johnson", 1.0, "johnson")):
        fields = {"style": style, "costs": costs, "recipe": recipe, "steps": 1650}
        path = save(assets["gain_model"](gain), fields | {"network": network})
        folder.mkdir(exist_ok=True)
        path.rename(folder / f"{name}.onnx")
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    (tmp_path / "docs" / "gallery.md").write_text("# Networks\n\nMore.\n", "utf-8")
    return folder


def test_what_the_files_are_and_make_is_noted(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train_gallery.py", "--no-training"])
    main = script("scripts/recipes/train_gallery.py", models)["main"]
    (models / "expected").mkdir()
    (models / "expected" / "gone.png").touch()
    main()
    photo = read_picture(models / "expected" / "_photo.png").rgb
    assert photo.shape == (96, 96, 3)
    assert photo.std() > 10
    np.testing.assert_array_equal(read_picture(models / "expected" / "plain_johnson.png").rgb, photo)
    np.testing.assert_array_equal(
        read_picture(models / "expected" / "dark.png").rgb, Stylizer.load(models / "dark.onnx", "cpu")(photo)
    )
    assert not (models / "expected" / "gone.png").exists()
    names = ["dark.onnx", "plain_johnson.onnx"]
    assert [line.split()[1] for line in (models / "SHA256SUMS").read_text().splitlines()] == names
    registry = json.loads((models / "registry.json").read_text())
    assert list(registry) == ["plain_johnson"]
    assert (
        registry["plain_johnson"]["sha256"] == hashlib.sha256((models / "plain_johnson.onnx").read_bytes()).hexdigest()
    )


class Trainings:
    """In the place of the processes of `train-many`: each leaves a network, fails, or is stopped.

    Attributes:
        begun: What was asked for since this was cleared.
        ends: How rows end, by their names; "done" is not said.
    """

    def __init__(self, exported: Path) -> None:
        self.begun: list[Request] = []
        self.ends: dict[str, str] = {}
        self._exported = exported.read_bytes()

    def __call__(
        self, requests: Sequence[Request], _given: object, told: Callable[..., None], *_: object
    ) -> int | None:
        for request in requests:
            self.begun.append(request)
            request.write()
            state = State(self.ends.get(request.name, "done"), error="no")
            if state.status == "done":
                request.network.write_bytes(self._exported)
            state.write(request.folder)
            told(request, state)
            if state.status == "stopped":
                return signal.SIGINT
        return None

    def words(self) -> dict[str, list[str]]:
        """The words of `fststyle train` of each that was begun, which is forgotten then."""
        said = {request.name: list(request.arguments) for request in self.begun}
        self.begun.clear()
        return said


@pytest.fixture
def trainings(models: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    made = Trainings(models / "plain_johnson.onnx")
    monkeypatch.setattr("fststyle.training.many.run.run_here", made)
    monkeypatch.setattr("fststyle.training.many.run.write_report", lambda *_: None)
    return made


@pytest.fixture
def gallery(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """The program, with some arguments behind those that it needs; gives its exit status."""
    defined = script("scripts/recipes/train_gallery.py", models)
    paintings, photos = tmp_path / "paintings", tmp_path / "photos"
    photos.mkdir()
    paintings.mkdir()
    for stem in defined["PAINTINGS"].values():
        Image.new("RGB", (8, 8)).save(paintings / f"{stem}.jpg")
    needed = ["--photos", photos, "--paintings", paintings, "--out", tmp_path / "out", "--steps", 400]

    def gallery(*arguments: object) -> object:
        monkeypatch.setattr(sys, "argv", ["train_gallery.py", *map(str, (*needed, *arguments))])
        try:
            defined["main"]()
        except SystemExit as end:
            return end.code
        return 0

    return gallery


def card_of(network: Path) -> ModelCard:
    card = read_model(network).card
    assert card is not None
    return card


def test_a_style_is_a_row_with_its_config_and_its_network_lies_in_models_then(
    gallery: Callable[..., object], trainings: Trainings, models: Path, tmp_path: Path
) -> None:
    assert gallery("--only", "saint_paul", "--photos-are", "a photo") == 0
    (request,) = trainings.begun
    assert request.license == "MIT"
    for word in (
        f"--style={tmp_path / 'paintings' / 'vangogh_landscape_saint_paul_1889.jpg'}",
        f"--config={ROOT / 'configs' / 'saint_paul.yaml'}",
        f"--photos={tmp_path / 'photos'}",
        *("--init=base", "--network=fast", "--loss-network=vgg19", "--size=256", "--batch-size=1"),
        *("--steps=400", "--trainer.val_check_interval=400", "--name=saint_paul"),
    ):
        assert word in request.arguments
    assert not any(word.startswith(("--teacher", "--weights", "--minutes")) for word in request.arguments)
    assert card_of(models / "saint_paul.onnx").recipe["photos"] == "a photo"
    assert "saint_paul.onnx" in (models / "SHA256SUMS").read_text()


def test_what_is_done_is_not_trained_again_but_comes_back_to_models(
    gallery: Callable[..., object], trainings: Trainings, models: Path
) -> None:
    assert gallery("--only", "saint_paul") == 0
    trainings.begun.clear()
    (models / "saint_paul.onnx").unlink()
    assert gallery("--only", "saint_paul", "udnie", "udnie") == 0
    assert list(trainings.words()) == ["udnie"]
    assert (models / "saint_paul.onnx").exists()


def test_what_fails_is_left_out_and_what_was_stopped_goes_on(
    gallery: Callable[..., object],
    trainings: Trainings,
    models: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trainings.ends = {"udnie": "failed", "scream": "stopped"}
    only = ["--only", "udnie", "glass", "scream", "swirls"]
    assert gallery(*only) == 130
    assert list(trainings.words()) == ["udnie", "glass", "scream"]
    assert "glass.onnx" in (models / "SHA256SUMS").read_text()  # before the end of all
    assert not (models / "udnie.onnx").exists()
    trainings.ends = {"udnie": "failed"}
    assert gallery(*only) == 1
    assert list(trainings.words()) == ["udnie", "scream", "swirls"]
    assert "1 of 4 styles are not there: udnie" in capsys.readouterr().err
    assert (models / "swirls.onnx").exists()


def test_settings_take_the_place_of_all_that_the_row_says(gallery: Callable[..., object], trainings: Trainings) -> None:
    only = ["--only", "scream", "--minutes", "2", "--"]
    assert gallery(*only, "--model.style_size", "512", "--dark", "0.25", "--init", "none", "--loss_network=slim") == 0
    (words,) = trainings.words().values()
    assert {"--dark=0.25", "--init=none", "--loss-network=slim", "--minutes=2.0"} <= set(words)
    assert words.index("--model.style_size=512") > words.index(f"--config={ROOT / 'configs' / 'scream.yaml'}")
    assert not any(word.startswith("--steps") for word in words)


def test_where_a_style_begins(
    gallery: Callable[..., object], trainings: Trainings, models: Path, tmp_path: Path
) -> None:
    only = ["--only", "scream", "glass"]
    assert gallery(*only, "--from", tmp_path / "base") == 0
    words = trainings.words()
    assert f"--init={tmp_path / 'base' / 'munch_the_scream_1893_512.ckpt'}" in words["scream"]
    assert f"--init={tmp_path / 'base' / 'glass_320.ckpt'}" in words["glass"]
    assert gallery(*only, "--network", "tiny") == 0  # what one architecture is done with says nothing of another
    words = trainings.words()
    assert {"--init=base", f"--teacher={models / 'scream.onnx'}"} <= set(words["scream"])
    assert (models / "scream_tiny.onnx").exists()
    assert gallery("--only", "scream", "--network", "tiny", "--further", "--out", tmp_path / "further") == 0
    assert f"--init={models / 'scream_tiny.onnx'}" in trainings.words()["scream"]


def test_a_network_that_is_trained_further_knows_its_first_steps(
    gallery: Callable[..., object], trainings: Trainings, models: Path
) -> None:
    first = read_model(models / "dark.onnx")
    assert first.card is not None
    card = dataclasses.replace(first.card, recipe=first.card.recipe | {"steps_before": 700})
    write_model(models / "saint_paul.onnx", onnx.load_from_string(first.data), card)
    trainings.ends = {"saint_paul": "stopped"}
    assert gallery("--only", "saint_paul", "--further") == 130
    trainings.ends = {}
    for _ in range(2):  # the second time, models/ holds the network that was trained further
        assert gallery("--only", "saint_paul", "--further") == 0
        card = card_of(models / "saint_paul.onnx")
        assert (card.steps, card.recipe["steps_before"]) == (1650, 700 + 1650)
    assert script("docs/make/make_gallery_page.py", models)["steps"](card) == "2 350 + 1 650"


def test_every_style_has_a_config_of_its_name(models: Path) -> None:
    for name in script("scripts/recipes/train_gallery.py", models)["STYLES"]:
        assert f"name: {name}\n" in (ROOT / "configs" / f"{name}.yaml").read_text("utf-8")


def test_missing_paintings_are_named(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("paintings", "photos"):
        (tmp_path / name).mkdir()
    arguments = ["--photos", tmp_path / "photos", "--paintings", tmp_path / "paintings"]
    monkeypatch.setattr(sys, "argv", ["train_gallery.py", *map(str, arguments)])
    with pytest.raises(SystemExit, match="lacks kandinsky_composition_vii_1913, hokusai"):
        script("scripts/recipes/train_gallery.py", models)["main"]()


def test_the_page(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docs = models.parent / "docs"
    costs = {"dark": {"costs": {"256": [1.0, 0.05], "1024": [1.2, 0.0625]}}}
    (docs / "gallery_costs.json").write_text(json.dumps(costs), "utf-8")
    (models / "bright.onnx").write_bytes((models / "dark.onnx").read_bytes())
    large = tmp_path / "large.png"
    Image.effect_noise((300, 200), 60).convert("RGB").save(large)
    arguments = ["--photos", "cat", "temple", "--painted", "64", "--shown", "32", "--large", str(large)]
    monkeypatch.setattr(sys, "argv", ["make_gallery_page.py", *arguments])
    main = script("docs/make/make_gallery_page.py", models)["main"]
    main()
    first = (docs / "gallery.md").read_text("utf-8")
    rows = [line for line in first.splitlines() if line.startswith("| [")]
    assert [row.split("`")[1] for row in rows] == ["bright", "dark", "plain_johnson"]
    assert "| 1 650 |" in rows[0]
    assert rows[1].endswith("| 1.00 + 0.050 |  | 1.20 + 0.062 |")
    assert rows[2].endswith("|  |  |  |")  # nobody measured it
    assert first.startswith("# Networks\n\n<!-- networks")
    assert first.endswith("<!-- end of networks -->\n\nMore.\n")
    sheet = read_picture(docs / "pictures" / "gallery.jpg").rgb
    assert sheet.shape == (2 * 32 + 4, 4 * 32 + 3 * 4, 3)  # photos above their paintings, one network beside the other
    assert sheet[16:32, :32].mean() > 1.7 * sheet[52:68, :32].mean()
    assert read_picture(docs / "pictures" / "gallery_others.jpg").rgb.shape[0] == 2 * 32 + 4
    whole_and_part = read_picture(docs / "pictures" / "gallery_large.jpg").rgb
    assert whole_and_part.shape == (2 * 32 + 4, 4 * 48 + 3 * 4, 3)
    assert whole_and_part[:32, 52:100].std() > 2 * whole_and_part[:32, :48].std()  # noise, as it is and reduced
    main()
    assert (docs / "gallery.md").read_text("utf-8") == first


def test_what_is_measured_is_not_measured_again(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, paintings = tmp_path / "photos", tmp_path / "paintings"
    for folder in (photos, paintings):
        folder.mkdir()
        Image.effect_noise((64, 64), 60).convert("RGB").save(folder / "dark.png")
    defined = script("docs/make/gallery_costs.py", models)
    measured: list[str] = []

    def measure(network: Path, *_: object) -> dict[str, list[float]]:
        measured.append(network.stem)
        return {"256": [1.0, 0.05]}

    costs = models.parent / "docs" / "gallery_costs.json"
    defined["main"].__globals__.update(
        {
            "COSTS": costs,
            "measure": measure,
            "find_paintings": lambda folder, names: dict.fromkeys(names, folder / "dark.png"),
            "load_loss_network": lambda *_: None,
            "looked_at": lambda *_: [],
        }
    )
    monkeypatch.setattr(sys, "argv", ["gallery_costs.py", "--paintings", str(paintings), "--photos", str(photos)])
    defined["main"]()
    assert measured == ["dark", "plain_johnson"]
    (models / "dark.onnx").write_bytes((models / "plain_johnson.onnx").read_bytes())
    defined["main"]()
    assert measured == ["dark", "plain_johnson", "dark"]
    (models / "dark.onnx").unlink()
    defined["main"]()
    assert list(json.loads(costs.read_text("utf-8"))) == ["plain_johnson"]
    assert len(measured) == 3
    (photos / "dark.png").rename(photos / "another.png")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--only", "another"])
    defined["main"]()
    assert len(measured) == 3
    monkeypatch.setattr(sys, "argv", sys.argv[:-2])
    defined["main"]()
    assert measured[3:] == ["plain_johnson"]
