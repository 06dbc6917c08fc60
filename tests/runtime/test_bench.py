import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import helper
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.errors import ModelFileError
from fststyle.runtime.bench import ModelBench, bench_model, measure_here


def test_in_a_process_of_its_own(identity: Path) -> None:
    found = bench_model(identity, 40, 60, device="cpu", threads=1, rounds=2)
    assert (found.height, found.width, found.device, found.precision) == (40, 60, "cpu", "fp32")
    assert found.megapixels_per_second == pytest.approx(40 * 60 / 1e3 / found.milliseconds)
    assert 20 < found.peak_megabytes < 2000


def test_what_is_no_network_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nothing\.onnx does not exist; check the path$"):
        bench_model(tmp_path / "nothing.onnx", 8, 8, device="cpu", threads=None, rounds=1)


def test_a_size_that_no_memory_holds(identity: Path) -> None:
    with pytest.raises(ModelFileError, match=r"want of memory; try a smaller size$"):
        bench_model(identity, 1_000_000, 1_000_000, device="cpu", threads=None, rounds=1)


def test_what_lies_in_the_current_folder_is_not_run(
    identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    assert bench_model(identity, 8, 8, device="cpu", threads=1, rounds=1).width == 8


def test_a_process_that_was_killed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = subprocess.CompletedProcess([], -9, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(ModelFileError, match=r"^big\.onnx was killed at 9×8 pixels, .* memory; try a smaller size$"):
        bench_model(Path("big.onnx"), 8, 9, device="cpu", threads=None, rounds=1)


def test_where_the_system_does_not_tell_its_peak(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    measured = measure_here(str(identity), 8, 8, "cpu", 1, 1, "rgb1")
    assert measured["peak_megabytes"] is None
    known: Any = ModelBench(**measured)  # type: ignore[arg-type]
    monkeypatch.setattr("fststyle.runtime.bench.bench_model", lambda *_, **__: known)
    result = CliRunner().invoke(app, ["bench", "model", str(identity), "--size", "8x8"])
    assert result.exit_code == 0, result.output
    assert "?" in result.output


def test_the_command(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def here(path: Path, height: int, width: int, **options: Any) -> Any:
        asked.append((height, width, options["device"]))
        known: Callable[..., dict[str, Any]] = measure_here
        return ModelBench(**known(str(path), height, width, options["device"], None, 1, "rgb1"))

    monkeypatch.setattr("fststyle.runtime.bench.bench_model", here)
    result = CliRunner().invoke(app, ["bench", "model", str(identity), "--size", "30x20", "--device", "cpu", "--json"])
    assert result.exit_code == 0, result.output
    assert asked == [(20, 30, "cpu")]
    assert json.loads(result.stdout)[0]["width"] == 30
    result = CliRunner().invoke(app, ["bench", "model", str(identity), "--size", "30"])
    assert result.exit_code == 1
    assert "--size takes WIDTHxHEIGHT, 1920x1080 for example, not '30'" in result.output


def test_a_name_is_shown_as_it_is(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: Any = ModelBench(**measure_here(str(identity), 8, 8, "cpu", 1, 1, "rgb1") | {"model": "net[old]\x1b"})  # type: ignore[arg-type]
    monkeypatch.setattr("fststyle.runtime.bench.bench_model", lambda *_, **__: known)
    result = CliRunner().invoke(app, ["bench", "model", str(identity), "--size", "8x8"])
    assert r"net[old]\x1b" in result.output


@pytest.mark.parametrize("sides", [(1, 3, 24, 16), (1, 3, "height", 16), (1, 3, 24, "width"), (1, 3, "h", "w")])
def test_networks_of_one_size_are_timed_at_any(
    assets: dict[str, Any], save: Callable[..., Path], sides: tuple[Any, ...]
) -> None:
    relu = helper.make_node("Relu", ["content"], ["stylized"])
    found = measure_here(str(save(assets["picture_model"]([relu], sides=sides))), 40, 60, "cpu", 1, 1, "rgb1")
    assert (found["height"], found["width"]) == (40, 60)


def test_the_others_are_timed_though_one_fails(identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def here(path: Path, height: int, width: int, **_: Any) -> Any:
        known: Callable[..., dict[str, Any]] = measure_here
        return ModelBench(**known(str(path), height, width, "cpu", 1, 1, "rgb1"))

    monkeypatch.setattr("fststyle.runtime.bench.bench_model", here)
    names = [str(identity), str(tmp_path / "nothing.onnx"), str(identity)]
    result = CliRunner().invoke(app, ["bench", "model", *names, "--size", "8x8", "--json"])
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)) == 2
    assert result.stderr.count("\n") == 1
    assert "nothing.onnx does not exist; check the path" in result.stderr
