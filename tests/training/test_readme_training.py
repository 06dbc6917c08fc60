"""The training lines of the README are understood as they stand there."""

import re
import shlex
from pathlib import Path

import pytest

from fststyle.training.cli import parse

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.split("## Train\n")[1].split("\n## ")[0]
TRAIN = next(line for line in SECTION.splitlines() if line.startswith("fststyle train --config"))


def words_of(painting: Path, folder: Path) -> list[str]:
    places = {"painting.jpg": str(painting), "photos/": str(folder)}
    words = [places.get(word, word) for word in shlex.split(TRAIN)[2:]]
    return [str(ROOT / word) if word.startswith("configs/") else word for word in words]


def test_the_command(painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli = parse(words_of(painting, tmp_path))
    assert cli.run_folder == Path("runs/starry_night")
    assert cli.budget.seconds == 600


@pytest.mark.parametrize("option", re.findall(r"\| `(--[^`]+)`", SECTION))
def test_every_option_of_the_table(
    option: str, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if any(word in option for word in ("--init", "--strategy")):
        pytest.skip("needs another run, or several processes; test_training_cli.py does it")
    monkeypatch.chdir(tmp_path)
    parse([*words_of(painting, tmp_path), *shlex.split(option)])
