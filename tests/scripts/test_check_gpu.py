"""scripts/check_gpu: what it has found so far is kept, however a section or the program itself ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpu_check
import pytest
from gpu_report import Report, Section

ROOT = Path(__file__).parents[2]

# In place of gpu_section.py: writes what it has found, and then does what its name says.
FAKE = """
import json, os, sys, time
name, part = sys.argv[1:3]
with open(part, "w") as file:
    json.dump({"card": "a card", "rows": [{"batch": 1, "ms": 2.5}]}, file)
if name == "speed":
    sys.exit("it broke")
if name == "styles":
    os.kill(os.getpid(), 9)
if name == "curve":
    time.sleep(60)
"""

# The program with the sections above and limits of some seconds.
PROGRAM = """
import sys
from pathlib import Path
import gpu_check
gpu_check.HERE = Path(sys.argv.pop(1))
gpu_check.SECTIONS = {name: (2 if name == "curve" else 20, bit) for name, (_, bit) in gpu_check.SECTIONS.items()}
sys.exit(gpu_check.main())
"""

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """The program, on its way in a folder of its own."""
    (tmp_path / "fakes").mkdir()
    (tmp_path / "fakes" / "gpu_section.py").write_text(FAKE)

    def start(*arguments: str) -> "subprocess.Popen[bytes]":
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts" / "gpu")])}
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "fakes"), "--device", "cpu", *arguments]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return start


def found(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "check_gpu" / "check_gpu.json").read_text())
    return content["sections"]  # type: ignore[no-any-return]


def test_a_section_that_fails_costs_itself_alone(start: Start, tmp_path: Path) -> None:
    process = start()
    process.communicate(timeout=60)
    assert process.returncode == 16 + 32 + 64
    sections = found(tmp_path)
    states = {name: section["state"] for name, section in sections.items()}
    assert states == {"machine": "done", "tests": "done", "speed": "failed", "styles": "failed", "curve": "cut short"}
    assert sections["speed"]["error"] == "it broke"
    assert sections["styles"]["error"] == "ended by signal 9"
    assert all(section["found"]["card"] == "a card" for section in sections.values())
    assert 2 <= sections["curve"]["seconds"] < 15
    page = (tmp_path / "check_gpu" / "check_gpu.md").read_text("utf-8")
    assert page.startswith("# fststyle on a card\n")
    assert "| curve | cut short | " in page
    assert "| batch | ms |\n|---|---|\n| 1 | 2.5 |" in page


@pytest.mark.parametrize(("number", "state"), [("SIGTERM", "cut short"), ("SIGINT", "cut short"), ("SIGKILL", None)])
def test_what_is_there_stays_when_the_program_is_killed(
    start: Start, tmp_path: Path, number: str, state: str | None
) -> None:
    process = start("--sections", "machine,curve", "--patience", "30")
    until = time.monotonic() + 40
    while time.monotonic() < until:
        try:
            if found(tmp_path)["curve"]["found"]:
                break
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    process.send_signal(getattr(signal, number))
    process.communicate(timeout=30)
    sections = found(tmp_path)
    assert sections["machine"]["state"] == "done"
    assert sections["curve"]["found"]["rows"] == [{"batch": 1, "ms": 2.5}]
    if state is not None:
        assert process.returncode == 128 + getattr(signal, number)
        assert sections["curve"]["state"] == state


def test_a_check_that_was_cut_short_is_resumed(start: Start, tmp_path: Path) -> None:
    process = start("--sections", "machine,tests,speed")
    process.communicate(timeout=60)
    assert process.returncode == 16
    begun = found(tmp_path)["machine"]
    (tmp_path / "fakes" / "gpu_section.py").write_text(FAKE.replace("2.5", "3.5").replace('"speed"', '"machine"'))
    process = start("--resume", "--sections", "speed,tests,curve")
    process.communicate(timeout=60)
    assert process.returncode == 64
    sections = found(tmp_path)
    assert list(sections) == ["machine", "tests", "speed", "curve"]
    assert sections["machine"] == begun
    assert [section["state"] for section in sections.values()] == ["done", "done", "done", "cut short"]
    assert [section["found"]["rows"][0]["ms"] for section in sections.values()] == [2.5, 2.5, 3.5, 3.5]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("half", b"Expecting value"),
        ("[]", b"it has no sections"),
        ('{"device": "cuda", "sections": {}}', b"they are of the device cuda"),
        ('{"device": "cpu", "sections": {"machine": 3}}', b"must be a mapping"),
        ('{"device": "cpu", "sections": {"machine": {"found": 3}}}', b"a section has no results"),
    ],
)
def test_results_that_are_none_are_not_gone_on_with(content: str, says: bytes, start: Start, tmp_path: Path) -> None:
    (tmp_path / "check_gpu").mkdir()
    (tmp_path / "check_gpu" / "check_gpu.json").write_text(content)
    process = start("--resume")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.count(b"\n") == 1
    assert says in said
    assert b"; leave out --resume, or give another -o" in said
    assert (tmp_path / "check_gpu" / "check_gpu.json").read_text() == content


def test_there_need_not_be_results_to_resume(start: Start, tmp_path: Path) -> None:
    process = start("--resume", "--sections", "machine")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert found(tmp_path)["machine"]["state"] == "done"


def test_the_time_of_all_is_shared_out(start: Start, tmp_path: Path) -> None:
    process = start("--minutes", "0.01")
    process.communicate(timeout=30)
    assert process.returncode == 4 + 8 + 16 + 32 + 64
    assert {section["error"] for section in found(tmp_path).values()} == {"no time was left"}


def test_results_that_cannot_be_written_are_refused_at_once(start: Start, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    process = start("-o", "taken")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.count(b"\n") == 1
    assert b"cannot write the results to taken" in said
    assert b"give another -o FOLDER" in said


def test_without_a_gpu_it_says_how_to_try_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["check_gpu"])
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    assert gpu_check.main() == 1
    assert capsys.readouterr().err == (
        "check_gpu: torch finds no CUDA device; to try the script itself, give --device cpu\n"
    )


def test_a_section_that_there_is_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["check_gpu", "--sections", "machine,nothing"])
    with pytest.raises(SystemExit):
        gpu_check.main()
    assert "no such sections: nothing; there are machine, tests" in capsys.readouterr().err


def test_the_page_shows_values_and_tables(tmp_path: Path) -> None:
    section = Section("failed", 3.4, "it | broke", {"share": 0.123456, "of": ["a|b", 2], "none": []})
    page = Report(tmp_path / "a.json", tmp_path / "a.md", "cuda", {"tests": section}).markdown()
    assert page.splitlines()[0] == "# fststyle on cuda"
    assert "| tests | failed | 3 |" in page
    assert "- share: 0.1235\n- of: a\\|b, 2\n- none: \n" in page
    assert "```\nit | broke\n```" in page


WITHOUT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"av", "jsonargparse", "pillow_heif", "typer", "ray"}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocker())
import gpu_curve, gpu_machine, gpu_paper, gpu_section, gpu_speed, gpu_styles, gpu_tests
"""


@pytest.mark.slow
def test_it_needs_no_more_than_training_does() -> None:
    pytest.importorskip("torch")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts" / "gpu")])}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], env=environment, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_disk_that_is_full_later_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("a file")
    gpu_check._keep(Report(tmp_path / "taken" / "a.json", tmp_path / "taken" / "a.md", "cuda", {"tests": Section()}))
    assert "check_gpu: cannot write the results (" in capsys.readouterr().err
