"""Commands in processes whose standard input, output or error is closed or leads nowhere, as launchers start them."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from case import Case, fault
from numpy.typing import NDArray

from fststyle.pictures.files import read_picture, write_picture

pytestmark = pytest.mark.skipif(os.name != "posix", reason="closed as POSIX closes them")
ROOT = Path(__file__).parents[2]
ALL = (0, 1, 2)


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    write_picture(tmp_path / "photos" / "a.png", photo)
    write_picture(tmp_path / "photos" / "b.png", photo)
    return tmp_path


@pytest.fixture
def fststyle(folder: Path) -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    def run(*arguments: object, closed: Sequence[int] = (), **streams: Any) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "fststyle", *map(str, arguments)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams,
            preexec_fn=lambda: [os.close(number) for number in closed],
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def gone() -> Any:
    """A pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@fault(Case("Pictures out", "closed standard input, output or error, one or all", "painted, exit 0"))
@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), ALL], ids=str)
def test_painting_without_them(closed: tuple[int, ...], fststyle: Any, identity: Path, folder: Path) -> None:
    done = fststyle("stylize", identity, "photos", "-o", "out", closed=closed)
    assert done.returncode == 0, done.stderr
    for name in ("a.png", "b.png"):
        wanted = read_picture(folder / "photos" / name).rgb
        np.testing.assert_array_equal(read_picture(folder / "out" / name).rgb, wanted)


@pytest.mark.parametrize(
    "command", ["info NET", "models", "--help", "quantize NET q.onnx --precision fp32 --photos photos"]
)
def test_other_commands_without_any(command: str, fststyle: Any, identity: Path, folder: Path) -> None:
    done = fststyle(*(identity if word == "NET" else word for word in command.split()), closed=ALL)
    assert done.returncode == 0
    assert (folder / "q.onnx").is_file() == command.startswith("quantize")


def test_a_failure_keeps_its_status(fststyle: Any, identity: Path, folder: Path) -> None:
    (folder / "photos" / "aa.png").write_bytes(b"no picture")
    assert fststyle("stylize", identity, "photos", "-o", "out", closed=ALL).returncode == 1
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.png", "b.png"]


def test_a_picture_is_not_thrown_away(fststyle: Any, identity: Path) -> None:
    done = fststyle("stylize", identity, "photos/a.png", "-o", "-", closed=[1])
    assert (done.returncode, done.stderr) == (1, b"error: standard output is closed; name a file\n")
    done = fststyle("stylize", identity, "-", "-o", "out.png", closed=[0])
    assert (done.returncode, done.stderr) == (1, b"error: standard input is closed; name a file\n")


@fault(Case("Pictures out", "nobody reads standard error or output any more", "all pictures painted"))
def test_nobody_reads_messages(fststyle: Any, identity: Path, folder: Path, gone: int) -> None:
    for name in ("0.png", "aa.png"):
        (folder / "photos" / name).write_bytes(b"no picture")
    assert fststyle("stylize", identity, "photos", "-o", "out", stderr=gone, stdout=gone).returncode == 1
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.png", "b.png"]


def test_nobody_reads_what_was_made(fststyle: Any, identity: Path, folder: Path, gone: int) -> None:
    command = ("quantize", identity, "q.onnx", "--precision", "fp32", "--photos", "photos")
    done = fststyle(*command, stdout=gone)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "q.onnx").is_file()
    done = fststyle("stylize", identity, "photos/a.png", "-o", "-", stdout=gone)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: photos/a.png: standard output was closed (Broken pipe); write to a file")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's own")
@pytest.mark.parametrize("command", ["--version", "--help", "models"])
def test_what_is_printed_on_a_full_disk(command: str, fststyle: Any, folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = fststyle(command, stdout=full)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert done.stderr.startswith(b"error: disk full")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's own")
def test_messages_on_a_full_disk(fststyle: Any, identity: Path, folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        assert fststyle("stylize", identity, "photos", "-o", "out", stderr=full).returncode == 0
        assert len(list((folder / "out").iterdir())) == 2
        done = fststyle("info", identity, stdout=full)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"disk full" in done.stderr
