"""`fststyle evaluate`: what it asks, prints and complains about; the measuring itself has its own tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.pictures.files import write_picture

pytest.importorskip("torch")

Pixels = NDArray[np.uint8]


@pytest.fixture
def fststyle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the command in this process; the current folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _few_reference_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    from fststyle.training import tensors
    from fststyle.training.judge import evaluate, sizes

    one = next(tensors.reference_photos())
    for module in (evaluate, sizes):
        monkeypatch.setattr(module, "reference_photos", lambda: [one[..., :64, :64]])


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Of a random VGG-19 with one block."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    shapes = {0: (64, 3), 2: (64, 64)}
    state = {}
    for index, shape in shapes.items():
        state[f"features.{index}.weight"] = torch.randn(*shape, 3, 3) / 10
        state[f"features.{index}.bias"] = torch.zeros(shape[0])
    path = tmp_path / "vgg19.safetensors"
    save_file(state, path)
    return path


@pytest.fixture
def options(weights: Path, tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(2)
    for name in ("photos/a.png", "photos/b.png", "painting.png"):
        write_picture(tmp_path / name, rng.integers(0, 256, (70, 80, 3), np.uint8))
    layers = ["--content-layers", "relu1_2", "--style-layers", "relu1_1,relu1_2"]
    sizes = ["--size", "64", "--style-size", "64", "--sizes", "64", "--iterations", "2", "--no-speed"]
    return ["--content", "photos", "--style", "painting.png", "--weights", str(weights), *layers, *sizes]


def test_table_json_and_page(fststyle: Callable[..., Any], identity: Path, options: list[str]) -> None:
    result = fststyle("evaluate", identity, *options, "--json", "out.json", "--html", "page.html")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "2 photos at 64²; painting.png at 64; VGG-19, relative form"
    assert lines[2].split() == ["identity", "photos", "painting"]
    assert lines[3].split() == ["content", "0", "0"]
    assert "L-BFGS iterations 0 (0 to 0)" in " ".join(result.stdout.split())
    assert result.stderr == "page.html\n"
    found = json.loads(Path("out.json").read_text("utf-8"))
    assert found["models"][0]["mean"]["content_loss"] == 0
    assert found["cost"]["style_layers"] == ["relu1_1", "relu1_2"]
    assert "L-BFGS as good as identity" in Path("page.html").read_text("utf-8")


def test_json_alone_on_standard_output(fststyle: Callable[..., Any], identity: Path, options: list[str]) -> None:
    arguments = ["--no-optimizer", "--limit", "1", "--json", "-"]
    result = fststyle("evaluate", identity, identity, *options, *arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [model["name"] for model in found["models"]] == [str(identity), str(identity)]
    assert [photo["photo"] for photo in found["photos"]["photos"]] == ["a.png"]
    assert found["settings"]["iterations"] == 0
    assert "total variation" in result.stderr


def test_what_can_be_written_is_written(fststyle: Callable[..., Any], identity: Path, options: list[str]) -> None:
    arguments = ["--no-optimizer", "--limit", "1", "--json", "painting.png/out.json", "--html", "page.html"]
    result = fststyle("evaluate", identity, *options, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("page.html\nerror: cannot write painting.png/out.json (")
    assert Path("page.html").is_file()
    result = fststyle("evaluate", identity, *options, *arguments[:-1], "photos")
    assert [line.split(" (")[0] for line in result.stderr.splitlines()] == [
        *("error: cannot write painting.png/out.json", "error: cannot write photos"),
    ]


def test_names_are_shown_as_they_are(fststyle: Callable[..., Any], identity: Path, options: list[str]) -> None:
    Path("net[old].onnx").write_bytes(identity.read_bytes())
    Path("[red]\x1b.png").write_bytes(Path("painting.png").read_bytes())
    result = fststyle(
        *("evaluate", "net[old].onnx", *options, "--style", "[red]\x1b.png", "--no-optimizer", "--limit", "1")
    )
    assert result.exit_code == 0, result.output
    assert r"[red]\x1b.png at 64" in result.stdout
    assert result.stdout.splitlines()[2].split() == ["net[old]", "photos", "painting"]


def test_a_bad_photo_is_one_line_and_the_others_go_on(
    fststyle: Callable[..., Any], identity: Path, options: list[str]
) -> None:
    Path("photos/c.jpg").write_bytes(b"no")
    result = fststyle("evaluate", identity, *options, "--no-optimizer", "--json", "-")
    assert result.exit_code == 0, result.output
    assert list(json.loads(result.stdout)["skipped"]) == ["c.jpg"]
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: photos/c.jpg is broken")]
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--content", "empty"], "error: no photos under empty; give a folder with .jpg, .png, … files as --photos"),
        (["--content", "none"], "error: none is not a folder; name one that holds pictures"),
        (["--style", "none.png"], "error: none.png does not exist; check the path"),
        (["--size", "20"], "error: size must be at least 64, not 20"),
        (["--video", "none.mp4"], "error: none.mp4 does not exist; check the path"),
        (["--start", "photo"], "error: start must be one of content, noise, not 'photo'"),
        (
            ["--html", "painting.png"],
            "error: painting.png would overwrite the input painting.png; choose another output",
        ),
        (
            ["--json", "./photos/a.png"],
            "error: photos/a.png would overwrite the input photos/a.png; choose another output",
        ),
        (["--layout", "rgb"], "error: layout must be one of rgb1, rgb255, rgb-1to1, bgr1, bgr255, bgr-1to1, not 'rgb'"),
    ],
)
def test_complaints_are_one_line(
    fststyle: Callable[..., Any],
    save: Callable[..., Path],
    assets: dict[str, Any],
    options: list[str],
    arguments: list[str],
    message: str,
) -> None:
    Path("empty").mkdir()
    result = fststyle("evaluate", save(assets["gain_model"]()), *options, *arguments)
    assert (result.exit_code, result.stderr) == (1, message + "\n")


def test_the_networks_own_style_size(
    fststyle: Callable[..., Any], save: Callable[..., Path], assets: dict[str, Any], options: list[str]
) -> None:
    at = options.index("--style-size")
    options = [*options[:at], *options[at + 2 :], "--no-optimizer", "--limit", "1", "--json", "-"]
    models = {size: save(assets["gain_model"](), {"recipe": {"style_size": size}}, f"{size}.onnx") for size in (64, 72)}
    result = fststyle("evaluate", models[72], *options)
    assert json.loads(result.stdout)["settings"]["style_size"] == 70 + 2
    result = fststyle("evaluate", *models.values(), *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("in different sizes (64 at 64, 72 at 72); give --style-size\n")
