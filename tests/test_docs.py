"""What the README and the pages of docs/ say can be typed, and the quick part of it is."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from bodies import write_sibling
from documents import PAGES, ROOT, blocks, commands, lines_that_call, options_of_tables, words_of
from PIL import Image
from typer.testing import CliRunner

from fststyle import samples
from fststyle.cli import app
from fststyle.runtime.styles import export_styles

SOURCE = "https://github.com/fststyle/fststyle/"
DOCS = ROOT / "docs"
FSTSTYLE = list(lines_that_call("fststyle"))
QUICK = [
    line
    for _, line in FSTSTYLE
    if line.split()[1] in {"models", "info", "stylize"} and "--on ray" not in line  # which takes ten seconds, and Ray
]
PIPED = re.compile(r"[<>|]")
TABLES = {
    "stylize.md": ["stylize", "starry_night", "photo.jpg"],
    "videos.md": ["video", "starry_night", "in.mp4", "out.mp4"],
}


def understand(words: list[str]) -> None:
    """Let the real command line parse these arguments, and do no more."""
    command: Any = typer.main.get_command(app)
    context: Any = None
    name = "fststyle"
    while True:
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize(("page", "line"), FSTSTYLE, ids=lambda value: value if isinstance(value, str) else value.name)
def test_every_command_is_understood(page: Path, line: str) -> None:
    understand(words_of(line))


@pytest.mark.parametrize(
    ("page", "option"), [(page, option) for page in TABLES for option in options_of_tables(DOCS / page)]
)
def test_every_option_of_the_tables_is_understood(page: str, option: str) -> None:
    understand([*TABLES[page], *option.split()])


def test_a_misspelt_option_is_not() -> None:
    with pytest.raises(Exception, match=r"(?i)no such option"):
        understand(["stylize", "starry_night", "photo.jpg", "--strenght", "1"])


def test_every_program_that_is_named_exists() -> None:
    lines = [line for page in PAGES for line in commands(page)]
    named = {word for line in lines for word in line.split() if re.match(r"(scripts|examples|configs|docs)/\w", word)}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_link_into_the_source_leads_to_a_file() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    paths = set(re.findall(rf"{re.escape(SOURCE)}(?:blob|tree)/main/([^)#\s]+)", text))
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@pytest.fixture(scope="session")
def one_body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with networks that share a body, and a file with the styles of all."""
    folder = tmp_path_factory.mktemp("bodies")
    export_styles([write_sibling(folder, seed, name) for seed, name in enumerate("abc")], folder / "many.onnx")
    return folder


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_body: Path) -> Path:
    """What the examples find in the current folder."""
    shutil.copytree(one_body, tmp_path, dirs_exist_ok=True)
    (tmp_path / "models").mkdir()
    for name in ("models/starry_night.onnx", "starry_night.onnx", "mine.onnx"):
        shutil.copy(ROOT / "models" / "starry_night.onnx", tmp_path / name)
    with Image.open(samples.photo_folder() / "cat.jpg") as photo:
        small = photo.resize((120, 80))
    for name in ("photo.jpg", "photos/a.jpg", "photos/b.png", "holidays/spain/beach.jpg", "more/small.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        small.save(tmp_path / name)
    shutil.copy(samples.style("swirls"), tmp_path / "painting.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", [line for line in dict.fromkeys(QUICK) if not PIPED.search(line)])
def test_quick_commands_run(line: str, desk: Path) -> None:
    done = CliRunner().invoke(app, words_of(line))
    assert done.exit_code == 0, done.stderr
    check_paintings(line, desk)


@pytest.mark.skipif(os.name != "posix" or shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("line", [line for line in dict.fromkeys(QUICK) if PIPED.search(line)])
def test_quick_commands_run_with_pipes(line: str, desk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    programs = tmp_path_factory.mktemp("bin")
    (programs / "fststyle").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fststyle "$@"\n')
    (programs / "fststyle").chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", line], cwd=desk, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    check_paintings(line, desk)


def check_paintings(line: str, desk: Path) -> None:
    for painted in (desk / name for name in ("painted.jpg", "painted.png") if f" {name}" in line):
        with Image.open(painted) as picture:
            assert picture.size == (120, 80)


PROGRAMS = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "python"))
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_run(program: str, desk: Path) -> None:
    with Image.open("photo.jpg") as photo:
        exec(program, {"frames": [photo.copy()]})
    if "painted.png" in program:
        with Image.open("painted.png") as painted:
            assert painted.size == (120, 80)


def spoken() -> list[str]:
    """Every text of the package, with … for what is filled in."""
    texts = []
    for path in (ROOT / "fststyle").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return [*texts, (ROOT / "scripts" / "setup.sh").read_text("utf-8")]


def messages_of_the_page() -> list[str]:
    """What the page Troubleshooting says that fststyle says."""
    text = (DOCS / "troubleshooting.md").read_text("utf-8").split("## Results")[0]
    tables = re.findall(r"^\| message \|.*?\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [row.split(" | ")[0].strip("| ") for table in tables for row in table.splitlines()]
    messages = [message.removesuffix(", not an ONNX file") for cell in cells for message in cell.split(" / ")]
    parts = [part.strip(" ,;") for message in messages for part in message.split("…")]
    return [part for part in parts if len(part) > 11]


def test_the_messages_of_the_page_are_those_of_the_program() -> None:
    texts, messages = spoken(), messages_of_the_page()
    assert len(messages) > 50
    assert [message for message in messages if not any(message in text for text in texts)] == []
