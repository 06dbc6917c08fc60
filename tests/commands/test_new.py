"""`fststyle new`, and `stylize --style`, which makes a network and paints with it at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fststyle import samples
from fststyle.cli import app
from fststyle.model.file import read_model

SWIRLS = str(samples.style("swirls"))


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    photo = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    return tmp_path


def test_it_writes_a_network_and_says_what_comes_next(here: Path) -> None:
    result = run("new", SWIRLS, "mine.onnx", "--license", "CC0")
    assert result.exit_code == 0, result.output
    assert "mine.onnx: swirls, predicted from the painting, not trained" in result.stdout
    assert "next: fststyle stylize mine.onnx photo.jpg" in result.stdout
    card = read_model(here / "mine.onnx").card
    assert card is not None
    assert card.licence == "CC0"


def test_without_a_name_it_is_the_paintings(here: Path) -> None:
    assert run("new", SWIRLS, "--style-size", "100").exit_code == 0
    assert (here / "swirls.onnx").exists()


def test_a_photo_is_painted_like_a_painting_at_once(here: Path) -> None:
    result = run("stylize", "--style", SWIRLS, "photo.png", "-o", "painted.png")
    assert result.exit_code == 0, result.output
    assert Image.open(here / "painted.png").size == (64, 48)
    assert run("stylize", "--style", SWIRLS, "--style-size", "64", "photo.png").exit_code == 0
    assert (here / "photo_swirls.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--style", SWIRLS, "udnie", "photo.png"), "--style makes the network already; leave udnie out"),
        (("udnie", "photo.png", "--style-size", "100"), "--style-size needs --style"),
        (("--style", SWIRLS, "--blend", "udnie", "photo.png"), "leave one out"),
        (("--style", SWIRLS, "photo.png", "--on", "ray"), "write the network first: fststyle new"),
        (("--style", "none.jpg", "photo.png"), "none.jpg"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], said: str, here: Path) -> None:
    result = run("stylize", *words)
    assert result.exit_code in (1, 2)
    assert said in result.output
    assert sorted(path.name for path in here.iterdir()) == ["photo.png"]
