"""The whole command; in a process of its own where it is ended by a signal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.pictures.files import read_picture

Python = Callable[..., CompletedProcess[bytes]]


@pytest.fixture
def arguments(vgg19_file: Path, painting: Path, tmp_path: Path) -> list[str]:
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (36, 48, 3), np.uint8)).save(tmp_path / "photo.png")
    return [
        *("-m", "fststyle", "optimize", "--content", "photo.png", "--style", str(painting), "-o", "out.png"),
        *("--weights", str(vgg19_file), "--content-layers", "relu2_2", "--style-layers", "relu1_2,relu2_2"),
        *("--size", "32", "--style-size", "32", "--device", "cpu"),
    ]


@pytest.mark.usefixtures("small_reference_photos")
def test_it_paints(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments[2:], "--iterations", "3,2", "--trajectory", "cost.jsonl"])
    assert done.exit_code == 0, done.stderr
    assert done.stderr.startswith("out.png (5 iterations, ")
    assert read_picture(tmp_path / "out.png").rgb.shape == (24, 32, 3)
    assert len((tmp_path / "cost.jsonl").read_text().splitlines()) == 6
    assert not (tmp_path / "out.png.state").exists()


@pytest.mark.slow
def test_sigterm_keeps_the_picture_and_resume_goes_on(arguments: list[str], run_python: Python, tmp_path: Path) -> None:
    endless = [sys.executable, *arguments, "--method", "adam", "--iterations", "100000", "--snapshot-every", "1"]
    process = subprocess.Popen(endless, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])})
    while not list(tmp_path.glob("out_snapshots/*.png")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert (tmp_path / "out.png.state").exists()
    assert read_picture(tmp_path / "out.png").rgb.shape == (24, 32, 3)
    refused = run_python(*arguments)
    assert refused.returncode == 1
    assert b"--resume" in refused.stderr
    other = run_python(*arguments, "--resume")
    assert other.returncode == 1
    assert b"other pictures or settings" in other.stderr


@pytest.mark.usefixtures("small_reference_photos")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--style-layers", "relu7_1"], "vgg19 has no layer 'relu7_1'; use one of relu1_1"),
        (["--weights", "gone.safetensors"], "no weights file at gone.safetensors; check the path given as --weights"),
        (["--style", "empty"], "no pictures under empty; give a painting"),
        (["--style", "gone.jpg"], "gone.jpg"),
        (["--style", "photo.png:x"], "photo.png:x"),
        (["--style", "empty:0.5"], "name its paintings one by one"),
        (["--size", "1"], "is too small for relu2_2"),
        (["--size", "1x2x3"], "--size takes one number, the longer side, or for a texture 640x480, not '1x2x3'"),
        (["--size", "0"], "--size takes whole numbers from 1, not '0'"),
        (["-o", "photo.png"], "photo.png would overwrite the input photo.png; choose another output"),
        (["--iterations", "5,many"], "--iterations takes whole numbers from 1, not 'many'"),
        (["--loss-network", "resnet"], "unknown loss network 'resnet'; use one of vgg16, vgg19"),
        (["--pooling", "min"], "unknown pooling 'min'"),
        (["--form", "loose"], "unknown form 'loose'; use one of relative, literal"),
        (["--method", "sgd"], "unknown method 'sgd'; use one of lbfgs, adam"),
        (["--device", "tpu"], "device must be auto, cpu or cuda, not 'tpu'"),
        (["-o", "out.doc"], ".doc"),
    ],
)
def test_bad_input_is_one_line(
    changed: list[str], message: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(app, [*arguments[2:], "--iterations", "1", *changed])
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out.png").exists()
