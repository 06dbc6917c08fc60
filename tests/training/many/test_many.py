"""Rows become networks, whatever fails or is killed between."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fststyle.errors import TrainingError
from fststyle.training.many import launch, report, row, run
from fststyle.training.many.clusters import slurm_script
from fststyle.training.many.plan import REFUSED, Request, State, device_of, found_of, memory_of, request_of, state_of
from fststyle.training.many.sheet import Row

ROOT = Path(__file__).parents[3]


ONLY_NORMS = {"only-norms": "true"}


def request(tmp_path: Path, **settings: str) -> Request:
    of = Row(1, 2, "wave", "wave", {"style": "wave.jpg", **settings})
    return request_of(of, tmp_path, {"steps": "100", "size": "64", "calibrate": "true", "license": "MIT"}, 3)


def test_a_rows_own_settings_win(tmp_path: Path) -> None:
    asked = request(tmp_path, size="128", minutes="2")
    assert asked.license == "MIT"
    assert set(asked.arguments) == {
        *("--style=wave.jpg", "--size=128", "--minutes=2", "--calibrate", "--name=wave"),
        f"--output={tmp_path / 'runs' / 'wave'}",
    }


def test_switches_of_a_row_take_no_value(tmp_path: Path) -> None:
    assert {"--calibrate", "--json"} <= set(request(tmp_path, json="true").arguments)


def test_a_row_switches_off_what_is_on_for_all(tmp_path: Path) -> None:
    """By leaving it out; where a config may say the same, in words."""
    assert not [word for word in request(tmp_path, calibrate="false").arguments if "calibrate" in word]
    row = Row(1, 2, "wave", "wave", {"style": "wave.jpg", "only-norms": "false"})
    assert "--only-norms" in request_of(replace(row, settings={"style": "wave.jpg"}), tmp_path, ONLY_NORMS, 1).arguments
    assert not [word for word in request_of(row, tmp_path, ONLY_NORMS, 1).arguments if "norms" in word]
    with_config = request_of(row, tmp_path, {**ONLY_NORMS, "config": "all.yaml"}, 1)
    assert "--only-norms=false" in with_config.arguments


def test_the_device_of_rows_decides_on_gpus(tmp_path: Path) -> None:
    of = [request(tmp_path), request(tmp_path, device="cpu"), request(tmp_path, **{"trainer.accelerator": "cuda"})]
    assert [device_of(each) for each in of] == [None, "cpu", "cuda"]
    assert not run._may_use_gpus(of[1:2])
    assert run._may_use_gpus(of)


@pytest.mark.parametrize(("device", "wanted"), [("cpu", False), ("", False), ("cuda", True)])
def test_a_slurm_script_asks_for_gpus_if_a_row_does(device: str, wanted: bool, sheet: Path, tmp_path: Path) -> None:
    sheet.write_text(f"style,device\na b.png,{device}\n")
    path, _ = run.for_slurm(run.Many(sheet, tmp_path / "out"))
    assert ("--gres=gpu:1" in path.read_text("utf-8")) == wanted


def test_a_row_that_was_begun_keeps_its_threads(tmp_path: Path) -> None:
    request(tmp_path).write()
    assert request_of(Row(1, 2, "wave", "wave", {"style": "wave.jpg"}), tmp_path, {}, 16).threads == 3


def test_broken_notes_are_as_none(tmp_path: Path) -> None:
    for name in ("request.json", "state.json"):
        (tmp_path / name).write_text('{"half": ')
    assert Request.read(tmp_path) is None
    assert State.read(tmp_path) == State()


def test_cores_and_memory_are_shared_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "usable_cores", lambda: 16)
    many = [request(tmp_path)] * 20
    each = memory_of(many)
    assert launch.shares(many, None, None, 100 * each, gpu=False) == launch.Shares(8, 2)
    assert launch.shares(many, None, None, 3 * each, gpu=False) == launch.Shares(3, 5)
    assert launch.shares(many[:2], None, None, 100 * each, gpu=False) == launch.Shares(2, 8)
    assert launch.shares(many, 4, 1, None, gpu=False) == launch.Shares(4, 1)
    assert launch.shares(many, None, None, 1, gpu=False).jobs == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3,5")
    assert launch.shares(many, None, None, None, gpu=True) == launch.Shares(3, 5, ("0", "3", "5"))


def test_a_row_is_given_the_memory_of_its_largest_crops(tmp_path: Path) -> None:
    several, largest = request(tmp_path, size="64,512"), request(tmp_path, size="512")
    assert memory_of([several]) == memory_of([largest]) > memory_of([request(tmp_path, size="64")])
    assert memory_of([request(tmp_path, size="large")]) == memory_of([request(tmp_path, size="256")])


def test_a_row_without_a_size_comes_to_crops_of_512(tmp_path: Path) -> None:
    row, four = Row(1, 2, "wave", "wave", {"style": "wave.jpg"}), {"batch-size": "4"}
    assert memory_of([request_of(row, tmp_path, {}, 1)]) == memory_of([request(tmp_path, size="512")])
    assert memory_of([request_of(row, tmp_path, four, 1)]) == memory_of([request(tmp_path, size="256", **four)])


def test_why_a_row_failed_is_the_last_error_of_its_log(tmp_path: Path) -> None:
    asked = request(tmp_path)
    asked.write()
    (asked.folder / "train.log").write_text("error: old\nsteps\nerror: the photos are gone; bring them back\n")
    assert launch.ended(asked, 1).error == "the photos are gone; bring them back"
    assert "ended by signal 9, perhaps for want of memory" in str(launch.ended(asked, -9).error)
    assert launch.ended(asked, 143).status == "stopped"
    (asked.folder / "train.log").write_text("Segmentation\n")
    assert "said last: Segmentation" in str(launch.ended(asked, 3).error)


def test_what_earlier_processes_said_is_no_reason(tmp_path: Path) -> None:
    asked = request(tmp_path)
    asked.write()
    log = asked.folder / "train.log"
    log.write_text("error: old\n")
    assert "said last: nothing" in str(launch.ended(asked, 3, log.stat().st_size).error)


class Child:
    """A process that ends some looks after its first signal."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self.returncode: int | None = None
        self._looks = 0

    def poll(self) -> int | None:
        self._looks += 1
        if self._looks == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        if self._looks == 8:
            self.returncode = 128 + signal.SIGTERM
        return self.returncode

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


@pytest.mark.parametrize("one", [True, False])
def test_a_row_is_told_once_to_stop_and_waited_for(one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child, told = Child(), []
    monkeypatch.setattr(launch, "_POLL_SECONDS", 0)
    monkeypatch.setattr(launch, "launch", lambda given, *_: launch.Running(given, child, 0))  # type: ignore[arg-type]
    asked = request(tmp_path)
    asked.folder.mkdir(parents=True)
    if one:
        state, stopped = launch.run_row(asked)
        told.append(state.status)
    else:
        stopped = launch.run_here(
            [asked, asked], launch.Shares(1, 1), lambda _, state: told.append(state.status), lambda _: None
        )
    assert (child.signals, stopped, told) == ([signal.SIGTERM], signal.SIGTERM, ["stopped"])


def done_row(tmp_path: Path) -> Request:
    asked = request(tmp_path)
    asked.write()
    State("done", 3.0, steps=100).write(asked.folder)
    asked.network.write_bytes(b"network")
    return asked


def test_a_network_that_was_moved_away_waits_for_its_export(tmp_path: Path) -> None:
    asked = done_row(tmp_path)
    assert state_of(asked).status == "done"
    asked.network.unlink()
    assert state_of(asked) == State("waiting", 3.0, steps=100)
    with pytest.raises(TrainingError, match="other settings"):
        state_of(replace(asked, arguments=("--steps=3",)))


def test_networks_of_other_people_are_not_replaced(tmp_path: Path) -> None:
    asked = request(tmp_path)
    asked.network.write_bytes(b"theirs")
    with pytest.raises(TrainingError, match="was not made by this command; move it away"):
        state_of(asked)
    asked.write()
    assert state_of(asked) == State()


def test_a_row_that_is_done_is_not_begun_with_other_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row, "end_with", lambda _: None)
    asked = done_row(tmp_path)
    other = replace(asked, arguments=(*asked.arguments, "--steps=3"))
    assert row.main([other.text(), str(os.getppid())]) == REFUSED
    said = capsys.readouterr().err
    assert "it was trained with other settings (--steps=3)" in said
    assert Request.read(asked.folder) == asked
    (asked.folder / "train.log").write_text(said)
    assert "other settings" in str(launch.ended(other, REFUSED).error)
    assert found_of(asked).status == "done"


@pytest.fixture
def sheet(painting: Path, tmp_path: Path) -> Path:
    for name in ("a b.png", "ü.png"):
        shutil.copy(painting, tmp_path / name)
    (tmp_path / "rotten.png").write_bytes(b"junk")
    path = tmp_path / "styles.csv"
    path.write_text("style,seed\na b.png,1\nrotten.png,\nü.png,2\nlost.png,\n", encoding="utf-8-sig")
    return path


@pytest.fixture
def common(train_arguments: list[str]) -> dict[str, str]:
    words = [word.lstrip("-") for word in train_arguments]
    return dict(zip(words[::2], words[1::2], strict=True)) | {"trainer.max_steps": "4"}


def trained(sheet: Path, output: Path, common: dict[str, str]) -> dict[str, State]:
    del common["style"]
    many = run.Many(sheet, output, common, jobs=2, threads=1)
    entries, stopped = run.train_many(many)
    assert stopped is None
    return {entry.row.name: entry.state for entry in entries}


@pytest.mark.slow
def test_what_fails_is_listed_and_the_others_go_on(sheet: Path, tmp_path: Path, common: dict[str, str]) -> None:
    states = trained(sheet, tmp_path / "out", dict(common))
    assert {name: state.status for name, state in states.items()} == {
        "a b": "done",
        "rotten": "failed",
        "ü": "done",
        "lost": "failed",
    }
    assert "rotten.png is broken" in str(states["rotten"].error)
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        lines = {line["name"]: line for line in csv.DictReader(file)}
    assert (lines["ü"]["network"], lines["ü"]["steps"]) == ("ü.onnx", "4")
    assert "there is no painting" in lines["lost"]["error"]
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("<img ") == 6  # two paintings and two photos of each
    assert all(name in page for name in states)
    before = (tmp_path / "out" / "ü.onnx").stat().st_mtime_ns
    again = trained(sheet, tmp_path / "out", dict(common))
    assert (tmp_path / "out" / "ü.onnx").stat().st_mtime_ns == before
    assert again["ü"] == states["ü"]
    changed = trained(sheet, tmp_path / "out", common | {"trainer.max_steps": "5"})
    assert "trained with other settings (--trainer.max_steps=4, --trainer.max_steps=5)" in str(changed["ü"].error)


@pytest.mark.slow
def test_rows_of_a_killed_command_end_as_if_unbroken(sheet: Path, tmp_path: Path, common: dict[str, str]) -> None:
    del common["style"]
    words = [f"--{name}={value}" for name, value in (common | {"trainer.max_steps": "60", "save-every": "2"}).items()]
    command = [sys.executable, "-m", "fststyle", "train-many", str(sheet), "--jobs", "2", "--threads", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def start(output: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([*command, "-o", str(tmp_path / output), "--", *words], env=environment)

    assert start("unbroken").wait(timeout=900) == 1
    for number in (signal.SIGKILL, signal.SIGTERM):
        process = start("broken")
        begun = time.monotonic()
        while time.monotonic() - begun < 100 and not list((tmp_path / "broken").glob("runs/*/last.ckpt")):
            time.sleep(0.05)
        assert process.poll() is None
        process.send_signal(number)
        process.wait(timeout=60)
    assert start("broken").wait(timeout=900) == 1
    for name in ("a_b.onnx", "ü.onnx"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "unbroken" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--row", "1"]])
def test_a_row_saves_at_a_signal_long_before_it_is_due(
    more: list[str], sheet: Path, tmp_path: Path, common: dict[str, str]
) -> None:
    del common["style"]
    words = [f"--{name}={value}" for name, value in (common | {"trainer.max_steps": "100000"}).items()]
    command = [sys.executable, "-m", "fststyle", "train-many", str(sheet), "--jobs", "1", "--threads", "1", *more]
    folder = tmp_path / "out" / "runs" / "a_b"
    with subprocess.Popen(
        [*command, "-o", str(tmp_path / "out"), "--", *words, "--save-every=100000"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        begun = time.monotonic()
        while not ((folder / "train.log").is_file() and " step " in (folder / "train.log").read_text("utf-8")):
            assert time.monotonic() - begun < 100
            time.sleep(0.05)
        process.terminate()
        assert process.wait(timeout=60) == 143
    assert (folder / "last.ckpt").is_file()
    assert State.read(folder).status == "stopped"


def test_results_and_report_of_a_painting_whose_name_is_not_utf8(painting: Path, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except (OSError, UnicodeError):
        pytest.skip("this disk has no such names")
    shutil.copy(painting, folder / "wave.png")
    (folder / "sheet.csv").write_text("style\nwave.png\nlost.png\n")
    entries = run.report_many(run.Many(folder / "sheet.csv", tmp_path / "out"))
    assert [entry.state.status for entry in entries] == ["failed", "failed"]
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        errors = [line["error"] for line in csv.DictReader(file)]
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    for said, error in zip(("caf\ufffd/wave.png is not UTF-8", "caf\ufffd/lost.png; check"), errors, strict=True):
        assert said in error
        assert said in page
    assert page.count("<img ") == 1  # the painting, which was read


def test_two_commands_do_not_share_a_folder(sheet: Path, tmp_path: Path) -> None:
    with run._only_one(tmp_path / "out"), pytest.raises(TrainingError, match="another train-many works in"):
        run.train_many(run.Many(sheet, tmp_path / "out"))


def no_training(*_: Any, **__: Any) -> None:
    raise AssertionError("a training was begun")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("results.csv", None, "results.csv is a folder; move it away, or give another --output"),
        ("report.html", None, "report.html is a folder; move it away, or give another --output"),
        ("results.csv", b"style,steps\n", "results.csv was not made by this command; move it away"),
        ("report.html", b"\x89PNG\r\n\x1a\n", "report.html exists and is a picture"),
    ],
)
def test_a_report_that_cannot_be_written_is_found_before_the_training(
    name: str, content: bytes | None, says: str, sheet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "run_here", no_training)
    place = tmp_path / "out" / name
    place.parent.mkdir()
    place.mkdir() if content is None else place.write_bytes(content)
    many = run.Many(sheet, tmp_path / "out")
    for begin in (run.train_many, run.report_many, run.for_slurm):
        with pytest.raises(TrainingError) as error:
            begin(many)
        assert says in str(error.value)
        assert "\n" not in str(error.value)
    assert content is None or place.read_bytes() == content


def test_an_output_that_cannot_be_written_is_found_before_the_training(
    sheet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "run_here", no_training)
    monkeypatch.setattr(report, "atomic_write", full)
    for begin in (run.train_many, run.report_many):
        with pytest.raises(
            TrainingError, match=r"cannot write .*results.csv \(.*; make room, or give another --output"
        ):
            begin(run.Many(sheet, tmp_path / "out"))


def test_a_disk_that_fills_up_meanwhile_ends_no_training(
    sheet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(requests: list[Request], _: Any, told: Any, __: Any) -> None:
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "out").write_text("in the way")
        for each in requests:
            told(each, State("failed", error="tried"))

    monkeypatch.setattr(run, "run_here", train)
    monkeypatch.setattr(run, "write_report", lambda *_: None)
    with pytest.warns(UserWarning, match=r"cannot write .*results.csv"):
        entries, _ = run.train_many(run.Many(sheet, tmp_path / "out"))
    assert [entry.state.error for entry in entries[:3]] == ["tried"] * 3


def test_an_output_that_is_a_file(sheet: Path) -> None:
    with pytest.raises(TrainingError, match="is a file"):
        run.train_many(run.Many(sheet, sheet))


def test_a_slurm_script_is_a_shell_script(sheet: Path, tmp_path: Path) -> None:
    output = tmp_path / "o u't 5%"
    many = run.Many(sheet, output, {"steps": "30", "photos": "my photos; rm -rf /"}, jobs=3, threads=2, memory=10**9)
    path, entries = run.for_slurm(many)
    text = path.read_text("utf-8")
    assert "#SBATCH --array=1-4%3\n" in text
    assert "#SBATCH --cpus-per-task=2\n" in text
    assert "#SBATCH --mem=954M\n" in text
    assert "#SBATCH --signal=B:TERM@" in text  # to the batch shell, which exec has made the row
    assert f'#SBATCH --output="{tmp_path}/o u\'t 5%%/slurm-%A_%a.log"\n' in text
    assert [entry.row.name for entry in entries if entry.request is None] == ["lost"]
    subprocess.run(["bash", "-n", path], check=True)
    stub = "python() { printf '%s\\n' \"$@\"; }\n"
    run_by_hand = stub + text.replace(f"exec {sys.executable}", "python")
    environment = os.environ | {"SLURM_ARRAY_TASK_ID": "3"}
    said = subprocess.run(["bash", "-c", run_by_hand], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [
        *("-m", "fststyle", "train-many", str(sheet), "-o", str(output), "--row", "3", "--threads", "2", "--"),
        *("--steps=30", "--photos=my photos; rm -rf /"),
    ]


def test_the_report_takes_rows_as_they_were_trained(sheet: Path, tmp_path: Path) -> None:
    entries, _ = run._look(run.Many(sheet, tmp_path, {"steps": "30"}))
    asked = next(entry.request for entry in entries if entry.request is not None)
    asked.write()
    State("done").write(asked.folder)
    asked.network.write_bytes(b"junk")
    listed = run.report_many(run.Many(sheet, tmp_path))
    assert [entry.state.status for entry in listed] == ["done", "waiting", "waiting", "failed"]


@pytest.mark.parametrize("shell", [shutil.which("shellcheck")])
def test_shellcheck_finds_nothing(shell: str | None, tmp_path: Path) -> None:
    if shell is None:
        pytest.skip("no shellcheck here")
    text = slurm_script(Path("a b.csv"), tmp_path, ["--", "--x=1"], rows=2, jobs=None, threads=1, memory=1, gpu=True)
    (tmp_path / "a.sbatch").write_text(text)
    subprocess.run([shell, tmp_path / "a.sbatch"], check=True)


@pytest.mark.slow
def test_a_row_by_hand_as_slurm_does_it(sheet: Path, tmp_path: Path, common: dict[str, str]) -> None:
    del common["style"]
    many = run.Many(sheet, tmp_path / "out", common, threads=1)
    path, _ = run.for_slurm(many)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def task(number: int) -> "subprocess.CompletedProcess[bytes]":
        more = {"SLURM_ARRAY_TASK_ID": str(number)}
        return subprocess.run(["bash", path], env=environment | more, capture_output=True, timeout=200, check=False)

    assert task(1).returncode == 0
    assert task(1).returncode == 0  # requeued after its end
    failed = task(2)
    assert failed.returncode == 1
    assert b"rotten.png is broken" in failed.stderr
    assert task(5).returncode == 1
    states = {entry.row.name: entry.state.status for entry in run.report_many(many)}
    assert states == {"a b": "done", "rotten": "failed", "ü": "waiting", "lost": "failed"}


@pytest.mark.slow
def test_rows_as_tasks_of_ray(
    sheet: Path, tmp_path: Path, common: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    del common["style"]
    told: list[tuple[str, str]] = []

    def note(name: str, state: Any) -> None:
        told.append((name, state.status))

    entries, _ = run.train_many(run.Many(sheet, tmp_path / "out", common, threads=1), on="ray", told=note)
    assert [entry.state.status for entry in entries] == ["done", "failed", "done", "failed"]
    assert sorted(told) == [("a b", "done"), ("lost", "failed"), ("rotten", "failed"), ("ü", "done")]


@pytest.mark.slow
def test_ray_says_one_line_and_saves_at_a_signal(sheet: Path, tmp_path: Path, common: dict[str, str]) -> None:
    pytest.importorskip("ray")
    del common["style"]
    words = [f"--{name}={value}" for name, value in (common | {"trainer.max_steps": "100000"}).items()]
    command = [sys.executable, "-m", "fststyle", "train-many", str(sheet), "--jobs", "1", "--threads", "1"]
    folder = tmp_path / "out" / "runs" / "a_b"
    with subprocess.Popen(
        [*command, "-o", str(tmp_path / "out"), "--on", "ray", "--", *words, "--save-every=100000"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        begun = time.monotonic()
        while not ((folder / "train.log").is_file() and " step " in (folder / "train.log").read_text("utf-8")):
            assert time.monotonic() - begun < 100
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=90)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "stopped; the same command goes on from here"
    assert "a b: stopped" in said.splitlines()
    assert (folder / "last.ckpt").is_file()
    assert not (tmp_path / "out" / "runs" / "ü").exists()


def test_the_command_without_a_sheet(run_python: Callable[..., "subprocess.CompletedProcess[bytes]"]) -> None:
    done = run_python("-m", "fststyle", "train-many", "no.csv")
    assert done.returncode == 1
    assert done.stderr == b"error: no.csv does not exist; check the path\n"
