"""`scripts/recipes/average_networks.py`: weights between those of networks of one training."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fststyle.model.file import read_model
from fststyle.paint.stylizer import Stylizer

SCRIPT = Path(__file__).parents[2] / "scripts" / "recipes" / "average_networks.py"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_a_mean_of_two_gains_has_the_gain_between(
    assets: dict[str, Any], save: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = save(assets["gain_model"](0.5), {"costs": {"content_loss": 1.0}, "steps": 9}, name="half.onnx")
    whole = save(assets["gain_model"](1.0), name="whole.onnx")
    run(monkeypatch, f"{half}:1,{whole}:3", str(tmp_path / "mean.onnx"))
    photo = np.full((24, 24, 3), 160, np.uint8)
    assert (Stylizer.load(tmp_path / "mean.onnx", "cpu")(photo) == 140).all()
    card = read_model(tmp_path / "mean.onnx").card
    assert card is not None
    assert card.recipe["average_of"] == [["half.onnx", 0.25], ["whole.onnx", 0.75]]
    assert card.costs == {}
    assert card.steps == 9


def test_networks_of_different_form_have_no_mean(
    assets: dict[str, Any], save: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gain = save(assets["gain_model"](0.5), {}, name="gain.onnx")
    with pytest.raises(SystemExit, match=r"udnie\.onnx has other weights than gain\.onnx; give networks of one"):
        run(monkeypatch, f"{gain},udnie", str(tmp_path / "mean.onnx"))
    plain = save(assets["gain_model"](0.5), name="plain.onnx")
    with pytest.raises(SystemExit, match=r"plain\.onnx has no card; give networks of fststyle's"):
        run(monkeypatch, f"{plain},{gain}", str(tmp_path / "mean.onnx"))
    assert not (tmp_path / "mean.onnx").exists()
