"""`scripts/recipes/train_gallery.py` and `docs/make/make_gallery_page.py`, with everything that trains left out."""

import hashlib
import json
import runpy
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fststyle.model.file import read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture

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
    for style, gain, network in (("dark", 0.5, "fast"), ("plain", 1.0, "johnson")):
        fields = {"style": style, "costs": costs, "recipe": recipe, "steps": 1650}
        path = save(assets["gain_model"](gain), fields | {"network": network})
        folder.mkdir(exist_ok=True)
        path.rename(folder / f"{style}.onnx")
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
    np.testing.assert_array_equal(read_picture(models / "expected" / "plain.png").rgb, photo)
    np.testing.assert_array_equal(
        read_picture(models / "expected" / "dark.png").rgb, Stylizer.load(models / "dark.onnx", "cpu")(photo)
    )
    assert not (models / "expected" / "gone.png").exists()
    assert [line.split()[1] for line in (models / "SHA256SUMS").read_text().splitlines()] == ["dark.onnx", "plain.onnx"]
    registry = json.loads((models / "registry.json").read_text())
    assert list(registry) == ["plain"]
    assert registry["plain"]["sha256"] == hashlib.sha256((models / "plain.onnx").read_bytes()).hexdigest()


def test_it_trains_what_is_missing_and_goes_on_where_it_stopped(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defined = script("scripts/recipes/train_gallery.py", models)
    paintings, photos, out = tmp_path / "paintings", tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    paintings.mkdir()
    for stem in defined["PAINTINGS"].values():
        Image.new("RGB", (8, 8)).save(paintings / f"{stem}.jpg")
    Image.new("RGB", (8, 8)).save(photos / "a.jpg")
    steps: dict[Path, int] = {}
    calls: list[list[str]] = []

    def run(command: list[object]) -> None:
        words = [str(word) for word in command]
        calls.append(words)
        written: list[Path] = []
        if "train" in words:
            written = [Path(words[words.index("--output") + 1]) / "last.ckpt"]
            steps[written[0]] = 60 if "--resume" not in words else 400
        else:
            shutil.copy(models / "plain.onnx", words[words.index("export") + 2])
        for path in written:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    checkpoint = types.ModuleType("fststyle.training.checkpoint")
    checkpoint.read_checkpoint = lambda path: type("Checkpoint", (), {"steps": steps[path]})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fststyle.training.checkpoint", checkpoint)
    defined["main"].__globals__["run"] = run
    arguments = ["--photos", photos, "--paintings", paintings, "--only", "saint_paul", "--steps", 400, "--out", out]
    arguments += ["--photos-are", "a photo"]
    monkeypatch.setattr(sys, "argv", ["train_gallery.py", *map(str, arguments)])

    def kinds() -> list[str]:
        made = [call[2] if call[0] == "-m" else Path(call[0]).name for call in calls]
        calls.clear()
        return made

    defined["main"]()
    assert calls[0][calls[0].index("--init") + 1] == "base"
    assert calls[0][calls[0].index("--style-size") + 1] == "320"
    assert kinds() == ["train", "export"]
    card = read_model(models / "saint_paul.onnx").card
    assert card is not None
    assert card.painting == "Vincent van Gogh, Landscape from Saint-Paul, 1889"
    assert card.recipe["photos"] == "a photo"

    defined["main"]()  # 60 of 400 steps are done
    assert "--resume" in calls[0]
    assert kinds() == ["train", "export"]
    defined["main"]()
    assert kinds() == []
    (models / "saint_paul.onnx").unlink()
    defined["main"]()
    assert kinds() == ["export"]

    monkeypatch.setattr(sys, "argv", [*sys.argv, "--from", str(out / "styles"), "--out", str(tmp_path / "anew")])
    with monkeypatch.context() as patched:
        patched.setattr(sys, "argv", [*sys.argv, "--", "--model.style_size", "512"])
        defined["main"]()
    assert calls[0][-2:] == ["--model.style_size", "512"]  # the last word, after the config's
    assert calls[0][calls[0].index("--init") + 1] == str(out / "styles" / "vangogh_landscape_saint_paul_1889_320.ckpt")

    calls.clear()  # what one network is done with says nothing of another
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--network", "johnson", "--only", "udnie", "saint_paul"])
    defined["main"]()
    assert kinds() == ["train", "export"] * 2
    assert (models / "udnie_johnson.onnx").exists()

    defined["complete_card"](models / "saint_paul.onnx", "Saint-Paul", {"steps_before": 700})
    monkeypatch.setattr(sys, "argv", ["train_gallery.py", *map(str, arguments), "--further", "--out", str(out / "on")])
    for _ in range(2):  # the second time from what the first exported
        calls.clear()
        (out / "on" / "saint_paul" / "exported.sha256").unlink(missing_ok=True)  # killed before it could be written
        defined["main"]()
        assert calls[0][calls[0].index("--init") + 1] == str(models / "saint_paul.onnx")
        card = read_model(models / "saint_paul.onnx").card
        assert card is not None
        assert (card.steps, card.recipe["steps_before"]) == (1650, 700 + 1650)
        shutil.copy(models / "saint_paul.onnx", models / "plain.onnx")
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


def test_the_page(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--photos", "cat", "temple", "--painted", "64", "--shown", "32"]
    monkeypatch.setattr(sys, "argv", ["make_gallery_page.py", *arguments])
    main = script("docs/make/make_gallery_page.py", models)["main"]
    main()
    first = (models.parent / "docs" / "gallery.md").read_text("utf-8")
    rows = [line for line in first.splitlines() if line.startswith("| [")]
    assert [row.split("`")[1] for row in rows] == ["dark", "plain"]
    assert "| 1 650 |" in rows[0]
    assert "| 1 | 0.05 | 1.75 | MIT |" in rows[0]
    assert first.startswith("# Networks\n\n<!-- networks")
    assert first.endswith("<!-- end of networks -->\n\nMore.\n")
    sheet = read_picture(models.parent / "docs" / "pictures" / "gallery.jpg").rgb
    assert sheet.shape == (3 * 32 + 2 * 4, 2 * 32 + 4, 3)
    assert sheet[:32, :32].mean() > 1.7 * sheet[36:68, :32].mean()
    main()
    assert (models.parent / "docs" / "gallery.md").read_text("utf-8") == first


def test_costs_that_nobody_measured_are_left_open_on_the_page(
    models: Path, assets: dict[str, Any], save: Callable[..., Path]
) -> None:
    mean = read_model(save(assets["gain_model"](1.0), {"costs": {}, "recipe": {"style_size": 320}}, name="mean.onnx"))
    assert "|  |  |  | MIT |" in script("docs/make/make_gallery_page.py", models)["table"]({"mean": mean})[-1]
