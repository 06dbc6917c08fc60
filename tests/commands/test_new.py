"""`fststyle new`, and `stylize --style`, which makes a network and paints with it at once."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner
from video_clips import make_clip, rgb_frames

from fststyle import new_style, samples
from fststyle.cli import app
from fststyle.model.file import read_model
from fststyle.predict.new_style import predict

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


def test_workers_are_given_the_network_of_a_painting(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr("fststyle.cluster.pictures.paint_on_ray", lambda *words, **_: given.append(words[0]) or [])
    result = run("stylize", "--style", SWIRLS, "--style-size", "100", "photo.png", "--on", "ray")
    assert result.exit_code == 0, result.output
    assert given[0].data == predict(SWIRLS, style_size=100).file().data


def test_messages_name_the_painting(here: Path) -> None:
    """No file of the network exists that could be named."""
    with pytest.raises(ValueError, match=r"the network predicted from swirls\.jpg has one style"):
        new_style(SWIRLS)(np.zeros((48, 64, 3), np.uint8), mix="a")
    for command in ("stylize", "info"):
        result = run(command, SWIRLS, *(["photo.png"] if command == "stylize" else []))
        assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
        assert "fststyle new makes a network of a painting" in result.output


def test_a_video_and_a_camera_are_painted_like_a_painting_at_once(here: Path) -> None:
    make_clip(here / "in.mp4", times=range(3), audio=0)
    result = run("video", "--style", SWIRLS, "in.mp4", "out.mp4", "--follow", "1", "--carry", "0")
    assert result.exit_code == 0, result.output
    assert run("new", SWIRLS, "swirls.onnx").exit_code == 0
    assert run("video", "swirls.onnx", "in.mp4", "file.mp4", "--follow", "1", "--carry", "0").exit_code == 0
    at_once, twice = (np.array(rgb_frames(here / name)) for name in ("out.mp4", "file.mp4"))
    np.testing.assert_array_equal(at_once, twice)
    assert np.abs(at_once.astype(int) - np.array(rgb_frames(here / "in.mp4"))).mean() > 10
    for words in (("--style", SWIRLS, "--style-size", "100"), ("--blend", "swirls.onnx:1,swirls.onnx:2")):
        result = run("live", *words, "--camera", "in.mp4", "-o", "-", "--max-side", "64")
        assert (result.exit_code, "y4m" in result.stderr or "pictures in" in result.stderr) == (0, True), result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("video", "--style", SWIRLS, "udnie", "in.mp4"), "--style makes the network already; leave udnie out"),
        (("video", "--style", SWIRLS, "in.mp4", "out.mp4", "more.mp4"), "leave more.mp4 out"),
        (("video", "--style", SWIRLS, "in.mp4"), "in.mp4 -o painted.mp4"),
        (("video", "--style", SWIRLS), f"name the video: fststyle video --style {SWIRLS} in.mp4 out.mp4"),
        (("video",), "name the video: fststyle video udnie_tiny in.mp4 out.mp4"),
        (("video", "--style", SWIRLS, "in.mp4", "out.mp4", "--morph", "a,b"), "leave one out"),
        (("video", "--style-size", "99", "udnie", "in.mp4", "out.mp4"), "--style-size needs --style"),
        (("video", "--style", SWIRLS, "--blend", "udnie", "in.mp4", "out.mp4"), "leave one out"),
        (("live",), "name a network: fststyle live udnie_tiny"),
        (("live", "udnie", "--style", SWIRLS), "--style makes the network already; leave udnie out"),
        (("live", "--style", SWIRLS, "--mix", "a"), "leave one out"),
        (("live", "--style", "none.jpg", "--camera", "in.mp4"), "none.jpg"),
    ],
)
def test_mistakes_with_videos_are_one_line(words: tuple[str, ...], said: str, here: Path) -> None:
    result = run(*words)
    assert result.exit_code in (1, 2)
    assert (said in result.stderr, result.stderr.count("\n")) == (True, 1), result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["photo.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--style", SWIRLS, "udnie", "photo.png"), "--style makes the network already; leave udnie out"),
        (("udnie", "photo.png", "--style-size", "100"), "--style-size needs --style"),
        (("--style", SWIRLS, "--blend", "udnie", "photo.png"), "leave one out"),
        (("--style", "none.jpg", "photo.png"), "none.jpg"),
        (("--style", SWIRLS, "--mix", "a", "photo.png"), "leave one out"),
        (("--style", SWIRLS, "--layout", "rgb255", "photo.png"), "leave it out beside --style"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], said: str, here: Path) -> None:
    result = run("stylize", *words)
    assert result.exit_code in (1, 2)
    assert said in result.output
    assert sorted(path.name for path in here.iterdir()) == ["photo.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((SWIRLS,), f"{SWIRLS} is a picture; to make a network of it, say --style {SWIRLS}"),
        (("udnie_tiny", "--style-size", "100"), "--style-size needs --style"),
        (("--style", SWIRLS, "--style-size", "31"), "31 is not in the range"),
        (("--style", "none.jpg"), "none.jpg"),
        (("--style", "rotten.jpg"), "rotten.jpg"),
        (("--style", "."), "is a folder"),
        (("--style", SWIRLS, "--style", SWIRLS), "swirls.jpg is named twice; leave one out"),
    ],
)
@pytest.mark.parametrize("command", ["web", "serve"])
def test_mistakes_with_paintings_of_a_page_are_one_line(
    command: str, words: tuple[str, ...], said: str, here: Path
) -> None:
    (here / "rotten.jpg").write_bytes(Path(SWIRLS).read_bytes()[:100])
    result = run(command, *words, "-o", "made")
    assert result.exit_code in (1, 2)
    assert (said in result.stderr, result.stderr.count("\n")) == (True, 1), result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["photo.png", "rotten.jpg"]


def test_a_page_needs_a_network(here: Path) -> None:
    result = run("web")
    assert (result.exit_code, "name a network: fststyle web starry_night" in result.stderr) == (2, True)
    result = run("web", "--style", SWIRLS, "--layout", "rgb255")
    assert (result.exit_code, "leave it out beside --style" in result.stderr) == (2, True)


def test_the_painting_is_never_overwritten(here: Path) -> None:
    shutil.copy(SWIRLS, here / "swirls.jpg")
    before = (here / "swirls.jpg").read_bytes()
    result = run("stylize", "--style", "swirls.jpg", "photo.png", "-o", "swirls.jpg")
    assert result.exit_code == 1
    assert "would overwrite the input swirls.jpg" in result.output
    assert (here / "swirls.jpg").read_bytes() == before


def test_a_network_of_the_paintings_name_stays(here: Path) -> None:
    (here / "swirls.onnx").write_bytes(b"trained for hours")
    result = run("new", SWIRLS)
    assert result.exit_code == 1
    assert "swirls.onnx exists; name the file to write" in result.output
    assert (here / "swirls.onnx").read_bytes() == b"trained for hours"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_painting_whose_name_is_no_text(here: Path) -> None:
    name = os.fsdecode(b"n\xff.jpg")
    shutil.copy(SWIRLS, here / name)
    assert run("new", name, "mine.onnx").exit_code == 0
    card = read_model(here / "mine.onnx").card
    assert card is not None
    assert (card.style, card.painting) == ("n\ufffd", "n\ufffd.jpg")


def test_what_comes_next_can_be_typed(here: Path) -> None:
    assert "next: fststyle stylize ./-a.onnx photo.jpg" in run("new", SWIRLS, "--", "-a.onnx").stdout
