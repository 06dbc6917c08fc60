"""What the pages say of `fststyle train` is understood as it stands there, and one whole block of it is run."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT, blocks, lines_that_call, options_of_tables, words_of

from fststyle import samples
from fststyle.training.cli import parse

PAGE = ROOT / "docs" / "train.md"
LINES = list(dict.fromkeys(line for _, line in lines_that_call("fststyle") if line.split()[1] == "train"))


def put_in_place(line: str, painting: Path, photos: Path) -> list[str]:
    """The arguments of `fststyle train`, with files that exist."""
    places = {"painting.jpg": str(painting), "mine.jpg": str(painting), "photos/": str(photos)}
    words = [places.get(word, word) for word in words_of(line)[1:]]
    return [str(ROOT / word) if word.startswith("configs/") else word for word in words]


@pytest.mark.parametrize("line", LINES)
def test_every_command(line: str, painting: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photo_folder.parent)
    cli = parse(put_in_place(line, painting, photo_folder))
    assert cli.run_folder.parent == Path("runs")


@pytest.mark.parametrize("option", options_of_tables(PAGE))
def test_every_option_of_the_table(
    option: str, painting: Path, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if any(word in option for word in ("mine.onnx", ".ckpt", "--strategy", "--weights", "--config", "--out")):
        pytest.skip("needs another run or file, or several processes; test_training_cli.py does it")
    monkeypatch.chdir(tmp_path)
    parse([*put_in_place(LINES[0], painting, photo_folder), *shlex.split(option)])


@pytest.mark.slow
def test_the_commands_for_a_painting_of_ones_own(tmp_path: Path) -> None:
    shutil.copy(samples.style("swirls"), tmp_path / "mine.jpg")
    shutil.copytree(samples.photo_folder(), tmp_path / "photos")
    for line in blocks(PAGE, "bash")[1].splitlines():
        words = words_of(line.replace("--minutes 10", "--minutes 0.1 --data.crop 64 --data.val_size 64"))
        command = [sys.executable, "-m", "fststyle", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "mine.onnx").exists()
