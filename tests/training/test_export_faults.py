"""Exports that are killed, interrupted or out of disk: the file that is there stays whole."""

import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from case import Case, fault
from launch import end_all, start

from fststyle.model.file import read_model
from fststyle.training.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")]

KILLS = 8
OLD = Path(__file__).parents[1] / "assets" / "identity.onnx"


def row(fed: str, outcome: str, *says: str) -> pytest.MarkDecorator:
    return fault(Case("Models out", fed, outcome, says))


@pytest.fixture(scope="module")
def checkpoint(train_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    main([*train_arguments, "--trainer.max_steps", "1", "--out", str(run)])
    return run / "last.ckpt"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with an older network, which the export is to replace."""
    folder = tmp_path / "out"
    folder.mkdir()
    shutil.copy(OLD, folder / "m.onnx")
    return folder


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    """Ends what a failed test has left running."""
    yield
    end_all()


@row(f"kill −9 at {KILLS} random moments of an export over an older file", "the older file or the new one, whole")
def test_killed(checkpoint: Path, out: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    assert start(["export", checkpoint, tmp_path / "whole.onnx"], tmp_path).wait() == 0
    lasts = time.monotonic() - began
    new = read_model(tmp_path / "whole.onnx").card
    rng = random.Random(0)
    for number in range(KILLS):
        running = start(["export", checkpoint, out / "m.onnx"], tmp_path)
        if number % 2:
            time.sleep(rng.uniform(0, lasts))
        else:  # while it writes
            while running.status is None and not any(path.suffix == ".tmp" for path in out.iterdir()):
                pass
        running.send(signal.SIGKILL, group=True)
        running.wait()
        found = read_model(out / "m.onnx").card
        assert (out / "m.onnx").read_bytes() == OLD.read_bytes() or found == new
        shutil.copy(OLD, out / "m.onnx")
    assert start(["export", checkpoint, out / "m.onnx"], tmp_path).wait() == 0
    assert read_model(out / "m.onnx").card == new


@row("Ctrl-C during an export", "exit 130, the older file untouched, nothing beside it")
def test_interrupted(checkpoint: Path, out: Path, tmp_path: Path) -> None:
    running = start(["export", checkpoint, out / "m.onnx"], tmp_path)
    time.sleep(1.5)
    running.send(signal.SIGINT)
    assert running.wait(60) == 130, running.errors
    assert "Traceback" not in running.errors
    assert (out / "m.onnx").read_bytes() == OLD.read_bytes()
    assert [path.name for path in out.iterdir()] == ["m.onnx"]


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@row(
    "disk full (a limit on the size of files) at an export",
    "exit 1, the older file untouched, nothing beside it",
    *("cannot write", "disk full", "choose another place"),
)
def test_disk_full(precision: str, case: Case, checkpoint: Path, out: Path, tmp_path: Path) -> None:
    command = ["export", checkpoint, out / "m.onnx", "--precision", precision]
    running = start(command, tmp_path, prepare=limit_files)
    assert running.wait() == 1, running.errors
    case.assert_said(running.errors)
    assert (out / "m.onnx").read_bytes() == OLD.read_bytes()
    assert [path.name for path in out.iterdir()] == ["m.onnx"]
