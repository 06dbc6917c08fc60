"""A run whose photos lie on the device: the network of any other run, and it says what they take."""

from pathlib import Path

import pytest
from test_training_cli import assert_equal, states

from fststyle.training.cli import main


def test_a_run_is_the_same_wherever_its_photos_lie(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for on_device in ("always", "never"):
        run = ["--output", str(tmp_path / on_device), "--steps", "3", "--on-device", on_device, "--dark", "0.5"]
        assert main([*train_arguments, *run]) == 0
    assert_equal(states(tmp_path / "always"), states(tmp_path / "never"))
    said = capsys.readouterr().err
    assert said.count("18 photos lie on cpu: 0.00047 GB") == 1


@pytest.mark.slow
def test_a_run_goes_on_with_photos_that_lie_elsewhere(train_arguments: list[str], tmp_path: Path) -> None:
    for run, last in (("broken", "never"), ("whole", "always")):
        # Nothing may depend on how long the run is.
        arguments = [*train_arguments, "--output", str(tmp_path / run), "--warmup", "0", "--grid-weight", "0"]
        if run == "broken":
            assert main([*arguments, "--steps", "2", "--on-device", "always"]) == 0
            arguments.append("--resume")
        assert main([*arguments, "--steps", "4", "--on-device", last]) == 0
    assert_equal(states(tmp_path / "broken"), states(tmp_path / "whole"))
