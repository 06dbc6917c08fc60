"""Several styles in one file, and networks of one body, at the command line."""

import json
import os
import shlex
import sys
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


def test_names_that_cannot_stand_together(fststyle: Callable[..., Any], many: str) -> None:
    """What is said helps: another file name does not, where the same file is named twice or has several styles."""
    Path("sub").mkdir()
    Path("sub/one.onnx").write_bytes(Path("one.onnx").read_bytes())
    Path("again.onnx").write_bytes(Path(many).read_bytes())
    for words, said in (
        (["one.onnx", "one.onnx"], "one.onnx is named twice; leave one out"),
        (["one.onnx", "two.onnx", "sub/../one.onnx"], "one.onnx is named twice; leave one out"),
        ([many, many], "many.onnx is named twice; leave one out"),
        (["one.onnx", "sub/one.onnx"], "2 of the styles are called one; rename a file, or leave one out"),
        ([many, "one.onnx"], "2 of the styles are called one; rename a file, or leave one out"),
        ([many, "again.onnx"], "take one out under another name: fststyle export again.onnx other.onnx --mix one"),
    ):
        result = fststyle("export", "--styles", *words, "-o", "a.onnx")
        assert (result.exit_code, said in result.stderr, result.stderr.count("\n")) == (1, True, 1), result.stderr
        assert not Path("a.onnx").exists()


def test_names_of_files_like_lists(fststyle: Callable[..., Any], many: str, photo: Pixels) -> None:
    """What is printed to copy works, and quotes name what has colons and commas."""
    strange = Path("one.onnx").rename("a:0.5,b.onnx")
    result = fststyle("stylize", "--blend", f'"{strange}":1,two.onnx:1', "photo.png", "-o", "mixed.png")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(
        read_picture(Path("mixed.png")).rgb, Stylizer(many)(photo, mix={"one": 1, "two": 1}).astype(np.uint8)
    )
    said = fststyle("export", "--styles", "two.onnx", strange, "-o", "-both.onnx").stdout.splitlines()[-1]
    assert said == """next: fststyle stylize ./-both.onnx photo.jpg --mix '"a:0.5,b"'"""
    assert (
        fststyle("stylize", *shlex.split(said)[3:4], "photo.png", *shlex.split(said)[5:], "-o", "one.png").exit_code
        == 0
    )
    expected = Stylizer(many)(photo, mix="one")
    assert np.abs(read_picture(Path("one.png")).rgb.astype(int) - expected).max() <= 1
    said = fststyle("quantize", "./-both.onnx", "small.onnx").stderr
    assert "fststyle export ./-both.onnx --mix two --precision int8" in said
    assert "quantize ./-both.onnx -o small.onnx" in fststyle("quantize", "--", "-both.onnx").stderr
    refused = fststyle("export", "./-both.onnx", "--license", "MIT").stderr
    assert "fststyle quantize ./-both.onnx OUT.onnx" in refused


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_whose_name_is_no_text(fststyle: Callable[..., Any], many: str) -> None:
    """Cards hold text only."""
    strange = Path("one.onnx").rename(os.fsdecode(b"n\xff.onnx"))
    assert fststyle("export", "--styles", strange, "two.onnx", "-o", "a.onnx").exit_code == 0
    assert read_model("a.onnx").styles == ("n\ufffd", "two")
    assert fststyle("stylize", "a.onnx", "photo.png", "--mix", "n\ufffd", "-o", "b.png").exit_code == 0


def test_info_tells_who_shares_a_body(fststyle: Callable[..., Any], many: str) -> None:
    said = fststyle("info", "one.onnx", "two.onnx", "udnie", many).stdout
    assert said.splitlines()[-1] == "one.onnx, two.onnx, many.onnx share a body: a blend of them is one network"
    assert 'styles          ["one", "two"]' in said.splitlines()
    one, other, foreign = json.loads(fststyle("info", "one.onnx", "two.onnx", "udnie", "--json").stdout)
    assert one["body"] == other["body"] != foreign["body"]
    assert fststyle("info", "one.onnx", "udnie").stdout.splitlines()[-1].startswith("no two of them share a body")
    assert "share a body" not in fststyle("info", "one.onnx").stdout
