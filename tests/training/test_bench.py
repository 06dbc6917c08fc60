"""The parts add up to the step, and everybody is measured."""

import json

import pytest
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.training import bench
from fststyle.training.bench import PARTS, bench_training


@pytest.mark.slow
def test_the_command_measures_every_part_and_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(app, ["bench", "train", "--batch", "1", "--crop", "32", "--rounds", "1", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert list(found["parts"]) == list(PARTS)
    assert all(seconds > 0 for seconds in (*found["parts"].values(), *found["steps"].values()))
    assert sum(found["parts"].values()) == pytest.approx(found["steps"][bench.BARE], rel=0.5)
    assert found["steps"][bench.STEADY] > 0
    assert found["images_per_second"] == pytest.approx(1 / found["steps"][bench.OURS])


def test_numbers_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="rounds and steps must be at least 1, not 0 and 3"):
        bench_training(rounds=0)
