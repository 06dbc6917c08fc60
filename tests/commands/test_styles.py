"""Several styles in one file, and networks of one body, at the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.model.file import read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, write_picture

Pixels = NDArray[np.uint8]


@pytest.fixture
def fststyle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the command in this process; the current folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def many(fststyle: Callable[..., Any], sibling: Callable[..., Path], photo: Pixels) -> str:
    """A file of the styles one and two, beside theirs and photo.png."""
    write_picture(Path("photo.png"), photo)
    for seed, name in enumerate(("one", "two")):
        sibling(seed, name)
    result = fststyle("export", "--styles", "one.onnx", "two.onnx", "-o", "many.onnx")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "many.onnx: 2 styles, one, two, of one tiny network",
        "next: fststyle stylize many.onnx photo.jpg --mix two",
    ]
    return "many.onnx"


def test_painting_with_a_style(fststyle: Callable[..., Any], many: str, photo: Pixels) -> None:
    result = fststyle("stylize", many, "photo.png", "--mix", "two")
    assert result.exit_code == 0, result.output
    painted = read_picture(Path("photo_two.png")).rgb.astype(int)
    assert np.abs(painted - Stylizer("two.onnx")(photo)).max() <= 1
    assert fststyle("stylize", many, "photo.png", "--mix", "two:1,one:3", "-o", "mixed.png").exit_code == 0
    mixed = read_picture(Path("mixed.png")).rgb
    np.testing.assert_array_equal(mixed, Stylizer(many)(photo, mix={"one": 3, "two": 1}))
    result = fststyle("stylize", many, "photo.png", "--mix", "three", "-o", "none.png")
    assert (result.exit_code, result.stderr) == (1, "error: many.onnx has no style called three; it has one, two\n")
    assert not Path("none.png").exists()


def test_one_style_out_of_the_file(fststyle: Callable[..., Any], many: str) -> None:
    """With its name, and in 8 bits at the same time."""
    assert fststyle("export", many, "--mix", "two").exit_code == 0
    card = read_model("many_two.onnx").card
    assert card is not None
    assert (card.style, card.styles) == ("two", None)
    result = fststyle("export", many, "small.onnx", "--mix", "one", "--precision", "int8")
    assert result.exit_code == 0, result.output
    assert read_model("small.onnx").is_quantized
    result = fststyle("export", "--styles", "one.onnx", "two.onnx", "-o", "form.onnx", "--size", "64x48")
    assert result.exit_code == 0, result.output
    assert (read_model("form.onnx").styles, read_model("form.onnx").input_shape) == (("one", "two"), (1, 3, 48, 64))


def test_what_is_asked_for_wrongly(fststyle: Callable[..., Any], many: str) -> None:
    Path("run").mkdir()
    for words, said in (
        (["one.onnx", "two.onnx", "three.onnx"], "three.onnx is one too many"),
        (["--styles", "one.onnx", "two.onnx"], "fststyle export --styles one.onnx two.onnx -o many.onnx"),
        (["--styles", "one.onnx", "run", "-o", "a.onnx"], "run is a training; export it first: fststyle export run"),
        (["--styles", "one.onnx", "scream", "-o", "a.onnx"], "scream.onnx has another body than one.onnx"),
        (["--styles", "one.onnx", many, "-o", "a.onnx", "--license", "MIT"], "has its license already"),
        (["--styles", "one.onnx", "two.onnx", "-o", "one.onnx"], "would overwrite the input"),
        (["one.onnx", "a.onnx", "--mix", "one"], "one.onnx has one style, so there is nothing to mix"),
    ):
        result = fststyle("export", *words)
        assert result.exit_code in (1, 2)
        assert (said in result.stderr, result.stderr.count("\n")) == (True, 1), result.stderr
        assert not Path("a.onnx").exists()


def test_info_tells_who_shares_a_body(fststyle: Callable[..., Any], many: str) -> None:
    said = fststyle("info", "one.onnx", "two.onnx", "udnie", many).stdout
    assert said.splitlines()[-1] == "one.onnx, two.onnx, many.onnx share a body: a blend of them is one network"
    assert 'styles          ["one", "two"]' in said.splitlines()
    one, other, foreign = json.loads(fststyle("info", "one.onnx", "two.onnx", "udnie", "--json").stdout)
    assert one["body"] == other["body"] != foreign["body"]
    assert fststyle("info", "one.onnx", "udnie").stdout.splitlines()[-1].startswith("no two of them share a body")
    assert "share a body" not in fststyle("info", "one.onnx").stdout
