"""What `fststyle train --json` tells programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from fststyle.training.cli import main


def events(told: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


def test_a_run_tells_its_progress(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fststyle.training.fit.events.BETWEEN", 0.0)
    command = [*train_arguments, "--out", str(tmp_path / "run"), "--trainer.max_steps", "2", "--json"]
    assert main(command) == 0
    begin, first, second, sample, done = events(capsys.readouterr().err)
    assert begin == {"event": "begin", "step": 0, "steps": 2}
    assert (first["event"], first["step"], first["share"]) == ("progress", 1, 0.5)
    assert (second["step"], second["share"], second["seconds_left"]) == (2, 1.0, 0.0)
    assert second["costs"]["total"] > second["costs"]["content"] > 0
    assert sample == {"event": "sample", "step": 2}
    assert (done["event"], done["step"]) == ("done", 2)
    assert done["costs"].keys() == second["costs"].keys()
    assert "json: false" in (tmp_path / "run" / "config.yaml").read_text("utf-8")


@pytest.mark.slow
def test_a_resumed_run_says_where_it_goes_on(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*train_arguments, "--out", str(tmp_path / "run"), "--json"]
    assert main([*command, "--trainer.max_steps", "1"]) == 0
    assert main([*command, "--trainer.max_steps", "2", "--resume"]) == 0
    assert [event["step"] for event in events(capsys.readouterr().err) if event["event"] == "begin"] == [0, 1]
