from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from fststyle import samples
from fststyle.cli import app
from fststyle.training import devices

SWIRLS = str(samples.style("swirls"))


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What torch is told, of a machine of eight cores."""
    told: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    return told


@pytest.mark.parametrize(("cores", "expected"), [(3, [3]), (8, []), (64, [])])
def test_torch_keeps_to_the_cores_of_the_process(
    threads: list[int], monkeypatch: pytest.MonkeyPatch, cores: int, expected: list[int]
) -> None:
    monkeypatch.setattr(devices, "usable_cores", lambda: cores)
    devices.keep_to_cores()
    assert threads == expected


@pytest.mark.parametrize(
    "words",
    [
        ["train", SWIRLS],
        ["evaluate", "udnie", "--style", SWIRLS],
        ["optimize", "-o", "out.jpg", "--style", SWIRLS],
        ["explain", "--style", SWIRLS],
        ["bench", "train"],
    ],
)
def test_commands_that_use_torch_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]) -> None:
    def told(threads: int) -> None:
        raise SystemExit(40 + threads)

    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", told)
    monkeypatch.setattr(devices, "usable_cores", lambda: 2)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, words).exit_code == 42
