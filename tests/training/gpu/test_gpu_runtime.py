"""Exported networks on a GPU: onnxruntime's CUDA and TensorRT, where they are installed, paint as the CPU does."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from fststyle import samples
from fststyle.model.gallery import find_network
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture
from fststyle.training.fit.teacher import Teacher, network_of

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[3]
PHOTO = samples.photos()[0]


def needs(provider: str) -> None:
    if provider not in onnxruntime.get_available_providers():
        pytest.skip(f"the installed onnxruntime has no {provider}")


def test_cuda_paints_as_the_cpu(gpu: torch.device) -> None:
    needs("CUDAExecutionProvider")
    photo = read_picture(PHOTO).rgb
    here, there = (Stylizer.load(find_network(Path("swirls")), place)(photo) for place in ("cpu", "cuda"))
    assert np.abs(here.astype(int) - there).max() <= 3


def test_tensorrt_paints_as_the_cpu(gpu: torch.device) -> None:
    needs("TensorrtExecutionProvider")
    data = find_network(Path("swirls")).read_bytes()
    here, there = (
        onnxruntime.InferenceSession(data, providers=[f"{name}ExecutionProvider", "CPUExecutionProvider"])
        for name in ("CPU", "Tensorrt")
    )
    assert there.get_providers()[0] == "TensorrtExecutionProvider"
    (given,) = here.get_inputs()
    photo = np.random.default_rng(0).random((1, 3, 256, 256), np.float32)
    painted = [each.run(None, {given.name: photo})[0] for each in (here, there)]
    assert np.abs(painted[0] - painted[1]).max() < 0.02


def test_the_command_paints_on_it(device: torch.device, tmp_path: Path) -> None:
    if importlib.util.find_spec("typer") is None:
        pytest.skip("the command needs typer")
    if device.type == "cuda":
        needs("CUDAExecutionProvider")
    command = [sys.executable, "-m", "fststyle", "stylize", "swirls", str(PHOTO), "-o", str(tmp_path / "painted.png")]
    done = subprocess.run([*command, "--device", device.type], cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert read_picture(tmp_path / "painted.png").rgb.std() > 10


def test_a_network_without_cuda_says_so(gpu: torch.device) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("it has CUDA")
    command = [
        sys.executable,
        "-m",
        "fststyle",
        "stylize",
        "swirls",
        str(PHOTO),
        "-o",
        "painted.png",
        "--device",
        "cuda",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert b"onnxruntime-gpu" in done.stderr


def test_a_teacher_teaches_on_the_device(device: torch.device) -> None:
    photos = torch.randint(0, 256, (2, 3, 64, 72), dtype=torch.uint8)
    expected = Teacher("swirls")(photos)
    net = network_of(find_network(Path("swirls"))).to(device)
    torch.testing.assert_close(net(photos.to(device).float() / 255).cpu(), expected, rtol=0, atol=1.5 / 255)
    if device.type == "cuda":
        taught = Teacher("swirls")(photos.to(device))
        assert taught.device.type == "cuda"
        torch.testing.assert_close(taught.cpu(), expected, rtol=0, atol=1.5 / 255)
