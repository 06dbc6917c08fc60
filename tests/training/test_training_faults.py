"""Trainings that are killed, interrupted, crowded, lied to or out of disk."""

import multiprocessing
import os
import pickle
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from case import Case, fault
from launch import Running, end_all, ranks, start
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_training_cli import assert_equal, states

from fststyle.errors import CheckpointError, DataError, FststyleError, TrainingError
from fststyle.training.checkpoint import CHECKPOINT_KEY, read_checkpoint
from fststyle.training.cli import main
from fststyle.training.fit.run_folder import locked

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and forks of POSIX")

Arguments = list[str]
KILLS = 20
LONG = ["--trainer.max_steps", "400", "--save_every", "3", "--out", "run"]
needs_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a small disk needs root")


def row(fed: str, outcome: str, *says: str) -> pytest.MarkDecorator:
    return fault(Case("Training", fed, outcome, says))


def wait_until(condition: Callable[[], bool], running: Running, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert running.status is None, running.errors
        assert time.monotonic() < deadline, running.errors
        time.sleep(0.001)


def version(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    """Ends what a failed test has left running."""
    yield
    end_all()


def training(arguments: Arguments, folder: Path, ranks_: int = 1) -> list[Running]:
    if ranks_ == 1:
        return [start(["train", *arguments], folder)]
    ddp = ["--trainer.devices", str(ranks_), "--trainer.strategy", "ddp"]
    return [start(["train", *arguments, *ddp], folder, environment) for environment in ranks(ranks_)]


# Processes that read, processes that train, and steps: more than what all of the kills let happen.
WAYS = {"0 workers": ("0", 1, 1000), "2 workers": ("2", 1, 600), "2 ranks": ("0", 2, 400)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            way,
            marks=row(
                f"kill −9 at {KILLS} random moments, each resumed, {way}",
                "the last checkpoint is always whole; final weights and optimizer bit-equal to an unbroken run's",
            ),
        )
        for way in WAYS
    ],
)
def test_killed_again_and_again(way: str, train_arguments: Arguments, tmp_path: Path) -> None:
    workers, count, steps = WAYS[way]
    arguments = [*train_arguments, *LONG, "--data.num_workers", workers, "--trainer.max_steps", str(steps)]
    for process in training(arguments, tmp_path / "whole", count):
        assert process.wait() == 0, process.errors
    rng = random.Random(way)
    last = tmp_path / "broken" / "run" / "last.ckpt"
    for kill in range(KILLS):
        resume = ["--resume"] if last.exists() else []
        running = training([*arguments, *resume], tmp_path / "broken", count)
        if kill % 4 == 3:  # while it starts, or thereabouts
            time.sleep(rng.uniform(0, 2))
        else:
            for _ in range(rng.randint(1, 3)):
                seen = version(last)
                wait_until(lambda seen=seen: version(last) != seen, running[0])
            time.sleep(rng.uniform(0, 0.05))
        alone = rng.random() < 0.5  # what it started lives on for a while
        for process in running:
            process.send(signal.SIGKILL, group=not alone)
        for process in running:
            process.wait()
        assert running[0].status in (-signal.SIGKILL, 0), running[0].errors
        assert running[0].status != 0, f"over after {kill} kills"
        if last.exists():
            read_checkpoint(last)
    for process in training([*arguments, "--resume"], tmp_path / "broken", count):
        assert process.wait() == 0, process.errors
    assert_equal(states(tmp_path / "whole" / "run"), states(tmp_path / "broken" / "run"))
    assert not list(last.parent.glob(".*.tmp"))


SAVED = "the step is finished and saved, exit {}"
STOPPED = "stopped; go on with the same command and --resume"


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(
            signal.SIGINT, marks=row("Ctrl-C, which the reading processes get, too", SAVED.format(130), STOPPED)
        ),
        pytest.param(signal.SIGTERM, marks=row("SIGTERM to all processes", SAVED.format(143), STOPPED)),
    ],
)
def test_signals(number: signal.Signals, case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    arguments = [*train_arguments, *LONG, "--data.num_workers", "2", "--trainer.max_steps", "100000"]
    (running,) = training([*arguments, "--save_every", "20"], tmp_path)
    last = tmp_path / "run" / "last.ckpt"
    wait_until(last.exists, running)
    running.send(number, group=True)
    assert running.wait(60) == 128 + number
    case.assert_said(running.errors)
    assert read_checkpoint(last).costs  # of the validation that follows the last step


@pytest.mark.slow
@row("a process that reads photos is killed", "exit 1; the last checkpoint stays", "was killed", "go on with --resume")
def test_a_killed_reader(case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    arguments = [*train_arguments, *LONG, "--data.num_workers", "2", "--trainer.max_steps", "100000"]
    (running,) = training(arguments, tmp_path)
    last = tmp_path / "run" / "last.ckpt"
    wait_until(last.exists, running)
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert running.wait(60) == 1
    case.assert_said(running.errors)
    assert read_checkpoint(last).steps >= 3


@pytest.mark.slow
@row(
    "a folder that is mostly unreadable, read by processes of their own",
    "exit 1 as soon as that is known",
    *("photos cannot be read", "check the folder given as --photos"),
)
def test_mostly_rotten(case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(20):
        if number < 4:
            Image.new("RGB", (60, 60), (number, 90, 0)).save(photos / f"{number}.png")
        else:
            (photos / f"{number}.png").write_text("no picture")
    (running,) = training([*train_arguments, *LONG, "--data.num_workers", "1", "--data.root", str(photos)], tmp_path)
    assert running.wait(60) == 1
    case.assert_said(running.errors)


# ---- in this process ----


def run(arguments: Arguments, out: Path, *more: str) -> int:
    return main([*arguments, "--out", str(out), *more])


@pytest.fixture
def begun(train_arguments: Arguments, tmp_path: Path) -> Path:
    """A run of four steps."""
    run(train_arguments, tmp_path / "run", "--trainer.max_steps", "4", "--trainer.log_every_n_steps", "1")
    return tmp_path / "run"


@row("two trainings in one folder", "the second is refused", "another process is training in", "give another --out")
def test_two_runs(case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    def lock(told: Any) -> None:
        with locked(tmp_path / "run"):
            told.set()
            signal.pause()

    # A process may lock again what it has locked itself, hence the other process.
    fork = multiprocessing.get_context("fork")
    told = fork.Event()
    other = fork.Process(target=lock, args=(told,))
    other.start()
    assert told.wait(60)
    with pytest.raises(TrainingError) as caught:
        run(train_arguments, tmp_path / "run", "--trainer.max_steps", "2")
    case.assert_said(str(caught.value))
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [".lock"]
    other.kill()
    other.join()
    with locked(tmp_path / "run"):  # no file has to be removed after a kill
        pass


@row("--out with another program's config.yaml", "refused, the file untouched", "config.yaml exists", "another output")
def test_a_config_of_others(case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("services:\n  - web\n")
    with pytest.raises(TrainingError) as caught:
        run(train_arguments, tmp_path / "run", "--trainer.max_steps", "1")
    case.assert_said(str(caught.value))
    assert (tmp_path / "run" / "config.yaml").read_text() == "services:\n  - web\n"


@row("a new run where one is already", "refused", "holds a run already", "--resume, or give another --out")
def test_a_run_where_one_is(case: Case, train_arguments: Arguments, begun: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        run(train_arguments, begun, "--trainer.max_steps", "6")
    case.assert_said(str(caught.value))


@row(
    "resume with another cost, crop, painting or other photos",
    "refused, nothing in the folder changed; --force goes on",
    *("this run began with", "--force"),
)
def test_resumed_otherwise(case: Case, train_arguments: Arguments, begun: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.new("RGB", (80, 80), (3, 200, 7)).save(other)
    photos = tmp_path / "photos"
    shutil.copytree(train_arguments[train_arguments.index("--data.root") + 1], photos)
    moved = ["--data.root", str(photos), "--trainer.max_steps", "6", "--resume"]
    before = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}

    changes = [
        ["--model.cost.style_weight", "3"], ["--data.crop", "40"], ["--data.batch_size", "3"], ["--style", str(other)],
        ["--data.seed", "1"], ["--data.dark", "0.5"],
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(TrainingError) as caught:
            run(train_arguments, begun, *moved, *change)
        case.assert_said(str(caught.value))
    shutil.copy(other, photos / "one more.png")
    with pytest.raises(TrainingError, match="began with other photos"):
        run(train_arguments, begun, *moved)
    assert {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()} == before
    with pytest.raises(TrainingError, match=r"trains fast at width 0\.25, not fast at 0\.5"):
        run(train_arguments, begun, *moved, "--model.width", "0.5", "--force")
    (photos / "one more.png").unlink()
    assert run(train_arguments, begun, *moved) == 0  # the folder may move
    assert run(train_arguments, begun, *moved, *changes[0], *changes[1], "--trainer.max_steps", "7", "--force") == 0


@row("a resumed run's log", "every step of both sittings is there")
def test_log_history(train_arguments: Arguments, begun: Path) -> None:
    run(train_arguments, begun, "--trainer.max_steps", "7", "--trainer.log_every_n_steps", "1", "--resume")
    log = EventAccumulator(str(begun / "tensorboard"))
    log.Reload()
    assert {event.step for event in log.Scalars("train/total_loss")} == set(range(7))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("executed"),)


def evil_checkpoints() -> Iterator[tuple[str, Callable[[Path], Any]]]:
    content = {CHECKPOINT_KEY: {"name": Evil()}, "state_dict": {}, "global_step": 1}
    yield "pickled code in torch's zip format", lambda path: torch.save(content, path)
    yield (
        "pickled code in torch's old format",
        lambda path: torch.save(content, path, _use_new_zipfile_serialization=False),
    )
    yield "pickled code alone", lambda path: path.write_bytes(pickle.dumps(content))
    yield "empty checkpoint", Path.touch
    yield "other tensors", lambda path: torch.save({"weight": torch.ones(3)}, path)
    yield "a checkpoint with parts missing", lambda path: torch.save({CHECKPOINT_KEY: {}, "state_dict": {}}, path)
    yield "a checkpoint with wrong types", lambda path: torch.save({CHECKPOINT_KEY: 3, "state_dict": []}, path)


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        pytest.param(
            kind,
            make,
            id=kind,
            marks=fault(
                Case("Models in", kind, "refused unexecuted by --resume, --init and export", ("give the last.ckpt",))
            ),
        )
        for kind, make in evil_checkpoints()
    ],
)
def test_evil_checkpoints(
    kind: str, make: Callable[[Path], Any], case: Case, train_arguments: Arguments, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from fststyle.training.export import export_checkpoint

    monkeypatch.chdir(tmp_path)
    evil = tmp_path / "run" / "last.ckpt"
    evil.parent.mkdir()
    make(evil)
    for use in (
        lambda: run(train_arguments, tmp_path / "run", "--resume"),
        lambda: run(train_arguments, tmp_path / "new", "--init", str(evil)),
        lambda: export_checkpoint(evil, tmp_path / "out.onnx"),
    ):
        with pytest.raises(CheckpointError) as caught:
            use()
        case.assert_said(str(caught.value))
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "out.onnx").exists()


@row("--photos without photos, or not there", "refused", "--photos")
def test_no_photos(case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError) as caught:
            run(train_arguments, tmp_path / "run", "--data.root", str(root), "--trainer.max_steps", "1")
        case.assert_said(str(caught.value))


@row("the run's folder cannot be made", "refused", "cannot write in", "give another --out")
def test_no_place(case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FststyleError) as caught:
        run(train_arguments, tmp_path / "file" / "run", "--trainer.max_steps", "1")
    case.assert_said(str(caught.value))


# ---- full disks ----


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, free: int) -> None:
    """Leave this many bytes."""
    space = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        file.write(bytes(space.f_bavail * space.f_frsize - free))


@pytest.mark.slow
@needs_root
@row(
    "disk full at a checkpoint",
    "exit 1, the checkpoint before it untouched; with room again, --resume goes on",
    *("cannot write", "disk full", "--resume"),
)
def test_disk_full_at_a_checkpoint(case: Case, train_arguments: Arguments, small_disk: Path) -> None:
    arguments = [*train_arguments, "--out", str(small_disk / "run"), "--save_every", "2"]
    (running,) = training([*arguments, "--trainer.max_steps", "4"], small_disk)
    assert running.wait() == 0, running.errors
    last = small_disk / "run" / "last.ckpt"
    before = last.read_bytes()
    fill(small_disk, 100_000)
    (running,) = training([*arguments, "--trainer.max_steps", "8", "--resume"], small_disk)
    assert running.wait() == 1, running.errors
    case.assert_said(running.errors)
    assert last.read_bytes() == before
    assert not list(last.parent.glob(".*.tmp"))
    (small_disk / "filler").unlink()
    (running,) = training([*arguments, "--trainer.max_steps", "8", "--resume"], small_disk)
    assert running.wait() == 0, running.errors
    assert read_checkpoint(last).steps == 8


def limit_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.slow
@row(
    "a limit on the size of files, at a checkpoint (needs no root)",
    "exit 1, the checkpoint before it untouched",
    *("cannot write", "disk full", "--resume"),
)
def test_file_size_limit(case: Case, train_arguments: Arguments, tmp_path: Path) -> None:
    arguments = ["train", *train_arguments, "--out", "run", "--data.cache_gigabytes", "0"]
    assert start([*arguments, "--trainer.max_steps", "2"], tmp_path).wait() == 0
    last = tmp_path / "run" / "last.ckpt"
    before = last.read_bytes()
    running = start([*arguments, "--trainer.max_steps", "4", "--resume"], tmp_path, prepare=limit_files)
    assert running.wait() == 1, running.errors
    case.assert_said(running.errors)
    assert last.read_bytes() == before


@pytest.mark.slow
@needs_root
@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(
            "tensorboard",
            marks=row("disk full in the log", "warned once, trained to the end", "log", "disk full", "free"),
        ),
        pytest.param(
            "photos",
            marks=row("disk full in the photo cache", "warned once, trained to the end", "disk full", "free some disk"),
        ),
        pytest.param(
            "samples",
            marks=row(
                "disk full at a sample picture",
                "warned, trained to the end",
                "disk full",
                "without this sample picture",
            ),
        ),
    ],
)
def test_disk_full_beside_the_checkpoint(
    lost: str, case: Case, train_arguments: Arguments, small_disk: Path, tmp_path: Path
) -> None:
    place = small_disk / lost
    place.mkdir()
    fill(small_disk, 0)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / lost).symlink_to(place)
    frequent = ["--trainer.max_steps", "60", "--trainer.log_every_n_steps", "1", "--trainer.val_check_interval", "30"]
    (running,) = training([*train_arguments, "--out", "run", *frequent], tmp_path)
    assert running.wait() == 0, running.errors
    case.assert_said(running.errors)
    assert read_checkpoint(tmp_path / "run" / "last.ckpt").steps == 60
