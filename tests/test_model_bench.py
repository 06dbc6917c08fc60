import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.errors import ModelFileError
from fststyle.model_bench import bench_model, measure_here


def test_in_a_process_of_its_own(identity: Path) -> None:
    found = bench_model(identity, 40, 60, device="cpu", threads=1, rounds=2)
    assert (found.height, found.width, found.device, found.precision) == (40, 60, "cpu", "fp32")
    assert found.megapixels_per_second == pytest.approx(40 * 60 / 1e3 / found.milliseconds)
    assert 20 < found.peak_megabytes < 2000


def test_what_is_no_network_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nothing\.onnx does not exist; check the path$"):
        bench_model(tmp_path / "nothing.onnx", 8, 8, device="cpu", threads=None, rounds=1)


def test_the_command(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def here(path: Path, height: int, width: int, **options: Any) -> Any:
        from fststyle.model_bench import ModelBench

        asked.append((height, width, options["device"]))
        known: Callable[..., dict[str, Any]] = measure_here
        return ModelBench(**known(str(path), height, width, options["device"], None, 1, "rgb1"))

    monkeypatch.setattr("fststyle.model_bench.bench_model", here)
    result = CliRunner().invoke(app, ["bench", "model", str(identity), "--size", "30x20", "--device", "cpu", "--json"])
    assert result.exit_code == 0, result.output
    assert asked == [(20, 30, "cpu")]
    assert json.loads(result.stdout)[0]["width"] == 30
    result = CliRunner().invoke(app, ["bench", "model", str(identity), "--size", "30"])
    assert result.exit_code == 1
    assert "a size reads like 1920x1080, not '30'" in result.output
