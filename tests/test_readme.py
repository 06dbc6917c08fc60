"""Whatever the README says, runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fststyle import samples

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def block(heading: str, language: str) -> str:
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    return section.split(f"```{language}\n")[1].split("```")[0]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """What the examples find in the current folder."""
    photo = samples.photo_folder() / "cat.jpg"
    shutil.copytree(ROOT / "models", tmp_path / "models", ignore=shutil.ignore_patterns("pictures"))
    shutil.copy(photo, tmp_path / "photo.jpg")
    for folder in ("holidays/spain", "more"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(photo, tmp_path / "holidays" / "spain" / "beach.jpg")
    with Image.open(photo) as image:
        image.crop((0, 0, 120, 80)).save(tmp_path / "more" / "small.png")
    return tmp_path


def test_the_commands_that_stylize(desk: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = "set -e\n" + block("Stylize", "bash")
    done = subprocess.run(["bash", "-c", script], cwd=desk, env=os.environ | {"PATH": path}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    with Image.open(desk / "photo.jpg") as photo:
        for name in ("painted.jpg", "painted.png"):
            with Image.open(desk / name) as painted:
                assert painted.size == photo.size
    assert (desk / "painted" / "spain" / "beach.jpg").exists()
    assert (desk / "painted" / "small.png").exists()


def test_the_python_example(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    exec(block("Stylize", "python"), {})
    with Image.open("painted.png") as painted, Image.open("photo.jpg") as photo:
        assert painted.size == photo.size


def test_every_picture_and_link_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()] == []


def test_the_map_names_every_module_and_nothing_else() -> None:
    drawn = block("How it works", "").replace("training/ ", "").split()
    named = {word.rstrip(";,") for word in drawn if word.rstrip(";,").endswith(".py")}
    present = {path.name for path in (ROOT / "fststyle").rglob("*.py") if not path.name.startswith("__")}
    assert named == present
