"""The same names in every command, help that is grouped and has examples, mistakes in one line, completion."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.commands.grammar import panel_of
from fststyle.system.option_names import option_name

NAMES = {
    "photos": {"serve", "train-many", "export", "quantize", "evaluate", "optimize", "explain"},
    "style": {"stylize", "video", "live", "serve", "web", "evaluate", "optimize", "explain"},
    "output": {
        *("stylize", "video", "live", "serve", "web", "new", "train-many", "export", "quantize", "evaluate"),
        *("optimize", "explain"),
    },
    "loss-network": {"evaluate", "optimize", "explain", "bench train"},
    "weights": {"evaluate", "optimize", "explain"},
    "style-weight": {"evaluate", "optimize"},
    "size": {"live", "export", "evaluate", "optimize", "explain", "bench train", "bench model"},
}


def all_commands() -> dict[str, Any]:
    """Every command but train, whose words are Lightning's too, by its words."""

    def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        if not hasattr(command, "commands"):
            yield path, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{path} {name}".strip())

    return {path: command for path, command in walk(typer.main.get_command(app), "") if path != "train"}


COMMANDS = all_commands()


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def options_of(command: Any) -> set[str]:
    return {text[2:] for each in command.params for text in each.opts if text.startswith("--")}


@pytest.mark.parametrize("name", NAMES)
def test_one_thing_has_one_name(name: str) -> None:
    assert {path for path, command in COMMANDS.items() if name in options_of(command)} == NAMES[name]


def test_no_option_has_a_name_that_means_another() -> None:
    shown = {option for command in COMMANDS.values() for option in options_of(command)}
    assert {option for option in shown if option_name(option) != option} == set()


@pytest.mark.parametrize(
    ("path", "words", "meant"),
    [
        (
            "evaluate",
            "a.onnx --style x.jpg --content p --html a.html --judge slim",
            {"content": Path("p"), "html": Path("a.html"), "loss_network": "slim"},
        ),
        (
            "evaluate",
            "a.onnx --style x.jpg --photo p --out a.html --loss_network slim --style_weight 2",
            {"content": Path("p"), "html": Path("a.html"), "loss_network": "slim", "style_weight": 2.0},
        ),
        (
            "optimize",
            "--content a.jpg --style b.jpg --out c.png --style_size 64 --keep_color",
            {"content": Path("a.jpg"), "output": Path("c.png"), "style_size": 64, "keep_color": True},
        ),
        ("explain", "--style b.jpg --content a.jpg --judge slim", {"content": Path("a.jpg"), "loss_network": "slim"}),
        ("bench train", "--crop 64 --batch 2 --judge slim", {"crop": 64, "batch": 2, "loss_network": "slim"}),
        ("bench train", "--size 64 --batch_size 2", {"crop": 64, "batch": 2}),
        ("export", "run --licence MIT", {"licence": "MIT"}),
        ("quantize", "a.onnx b.onnx --photo p", {"photos": Path("p")}),
        ("stylize", "a.onnx b.jpg --max_side 20 --keep_colour --skip_existing", {"max_side": 20, "keep_color": True}),
        ("video", "a.onnx b.mp4 --out c.mp4 --max_side 20", {"into": "c.mp4", "max_side": 20}),
    ],
)
def test_older_names_and_underscores_are_understood(path: str, words: str, meant: dict[str, Any]) -> None:
    parent = typer.main.get_command(app).make_context("fststyle", ["models"])
    given = COMMANDS[path].make_context(path.split()[-1], words.split(), parent=parent).params
    # As text: some versions of Typer make a Path only when they call the command.
    assert {name: str(given[name]) for name in meant} == {name: str(value) for name, value in meant.items()}


@pytest.mark.parametrize("path", COMMANDS)
def test_help_is_short_to_ask_for_grouped_and_has_examples(path: str) -> None:
    shown = run(*path.split(), "-h")
    assert shown.exit_code == 0
    assert shown.output == run(*path.split(), "--help").output
    assert re.search(r"Examples?:", shown.output)
    options = [option for option in options_of(COMMANDS[path]) if option != "help"]
    assert [option for option in options if panel_of(path.split()[-1], option) is None] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("stylize a b --strenght 1", "did you mean --strength?"),
        ("stylize a b --keep", "did you mean --keep-color?"),
        ("bench modle", "did you mean 'model'?"),
        ("stylise a", "did you mean 'stylize'?"),
        ("--vresion", "did you mean --version?"),
        ("stylize", "fststyle stylize --help|stylize --help"),
        ("stylize a b --strength 3", "--strength"),
        ("evaluate a.onnx --style x --size x", "--size"),
        ("quantize a.onnx", "fststyle quantize a.onnx -o"),
        ("optimize --style a", "--output"),
        ("frobnicate", "--help"),
    ],
)
def test_a_mistake_is_one_line(words: str, named: str) -> None:
    result = run(*words.split())
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert any(name in result.stderr for name in named.split("|"))


def test_without_words_help_is_shown() -> None:
    for words in ([], ["bench"]):
        result = run(*words)
        assert result.exit_code == 2
        assert "Usage" in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("video", "udnie_tiny", "", "out.mp4"),
        ("video", "udnie_tiny", "in.mp4", "-o", ""),
        ("stylize", "", "photo.png", "-o", "out.png"),
        ("stylize", "udnie_tiny", "photo.png", "--mask", ""),
        ("new", "photo.png", ""),
        ("info", ""),
        ("quantize", "udnie_tiny", "small.onnx", "--photos", ""),
        ("train-many", "", "--photos", "photos"),
        ("train-many", "styles.csv", "-o", ""),
        ("bench", "model", ""),
    ],
)
def test_an_empty_word_is_not_the_current_folder(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a variable that is not set: `video` would paint all pictures of the folder into one video."""
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == 2
    assert "an empty word, as of a variable that is not set; name a file" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_empty_list_of_layers_is_one() -> None:
    assert "empty word" not in run("evaluate", "udnie_tiny", "--style", "nothing.jpg", "--content-layers", "").stderr


@pytest.fixture
def complete(tmp_path: Path) -> Callable[[str], list[str]]:
    """What bash is offered for the last word."""

    def offered(line: str) -> list[str]:
        words = line.split(" ")
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_FSTSTYLE_COMPLETE": "complete_bash"}
        program = "import sys; sys.argv[0] = 'fststyle'; from fststyle.cli import main; main()"
        environment = os.environ | asked | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, check=True
        )
        return done.stdout.decode().split()

    return offered


def test_completion(complete: Callable[[str], list[str]], tmp_path: Path) -> None:
    (tmp_path / "starling.onnx").touch()
    assert complete("fststyle styl") == ["stylize"]
    assert complete("fststyle stylize --keep") == ["--keep-color"]
    assert complete("fststyle train --style-w") == ["--style-weight"]
    assert set(complete("fststyle stylize star")) >= {"starry_night", "starling.onnx"}
    # Without an offer, shells complete the names of files.
    assert complete("fststyle stylize starry_night pho") == []
    assert complete("fststyle train pho") == []
