"""`train` as a program calls it: what it returns, what it leaves of the program, and how it stops."""

import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LambdaCallback
from pytorch_lightning.loggers import CSVLogger
from test_training_cli import assert_equal, states

from fststyle import samples
from fststyle.errors import CheckpointError, DataError, TrainingError
from fststyle.training import Cost, Training, export_checkpoint, train
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.cli import main
from fststyle.training.fit import run as running

Settings = dict[str, Any]


@pytest.fixture
def small(vgg19_file: Path, photo_folder: Path, painting: Path) -> Settings:
    """The run of `train_arguments`, in Python's words."""
    return {
        **{"style": painting, "photos": str(photo_folder), "weights": str(vgg19_file)},
        **{
            "content_layers": ("relu2_2",),
            "style_layers": ("relu1_2", "relu2_2"),
            "normalize_channels": False,
            "crop": 32,
            "val_size": 48,
        },
        **{"val_photos": 2, "batch_size": 2, "workers": 0, "network": "fast", "width": 0.25, "style_size": 64},
        **{"device": "cpu", "val_check_interval": 1000, "enable_progress_bar": False},
    }


def at_step(step: int, act: Callable[[], object]) -> LambdaCallback:
    def look(trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == step:
            act()

    return LambdaCallback(on_train_batch_end=look)


@pytest.mark.slow
def test_what_a_training_leaves(small: Settings, tmp_path: Path, photo_folder: Path) -> None:
    training = train(**small, steps=3, out=tmp_path / "run")
    assert training.checkpoint == tmp_path / "run" / "last.ckpt"
    assert (training.name, training.steps, training.judge, training.stopped) == ("stripes", 3, "vgg19", None)
    assert training.costs["total_loss"] > training.costs["content_loss"] > 0
    assert [path.name for path in training.pictures] == ["step_000003.jpg"]
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))
    assert training.bad_photos == 0
    assert Training.open(str(tmp_path / "run")) == training

    stylizer = training.export(str(tmp_path / "mine.onnx"), licence="MIT")
    photo = np.random.default_rng(0).integers(0, 256, (41, 57, 3), dtype=np.uint8)
    painted = stylizer(photo)
    assert (painted.shape, painted.dtype) == (photo.shape, np.uint8)
    assert stylizer.card is not None
    assert (stylizer.card.style, stylizer.card.steps, stylizer.card.licence) == ("stripes", 3, "MIT")
    export_checkpoint(str(training.checkpoint), str(tmp_path / "again.onnx"), licence="MIT")
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "mine.onnx").read_bytes()


def test_it_is_what_the_command_does(small: Settings, train_arguments: list[str], tmp_path: Path) -> None:
    torch.manual_seed(5)  # no matter what the program drew before
    train(**small, steps=2, out=tmp_path / "python", init="none", name="style")
    command = ["--out", str(tmp_path / "command"), "--init", "none", "--name", "style", "--trainer.max_steps", "2"]
    assert main([*train_arguments, *command]) == 0
    assert_equal(states(tmp_path / "python"), states(tmp_path / "command"))
    python, command_line = (read_checkpoint(tmp_path / run / "last.ckpt") for run in ("python", "command"))
    assert python.recipe == command_line.recipe
    assert python.costs == command_line.costs


def test_a_resumed_run_equals_an_unbroken_one(small: Settings, tmp_path: Path) -> None:
    train(**small, steps=4, out=tmp_path / "whole", save_every=2)

    def stop() -> None:
        raise RuntimeError("a power cut")

    with pytest.raises(RuntimeError, match="a power cut"):
        train(**small, steps=4, out=tmp_path / "broken", save_every=2, callbacks=at_step(3, stop))
    with pytest.raises(TrainingError, match=r"holds a run already; go on with resume=True, or give another out$"):
        train(**small, steps=4, out=tmp_path / "broken")
    assert train(**small, steps=4, out=tmp_path / "broken", resume=True).steps == 4
    assert_equal(states(tmp_path / "whole"), states(tmp_path / "broken"))
    with pytest.raises(TrainingError, match=r"has all of its 4 steps; give a higher steps$"):
        train(**small, steps=4, out=tmp_path / "broken", resume=True)
    with pytest.raises(TrainingError, match=r"began with style_weight = 1\.0, not 3.*go on with force=True"):
        train(**small, steps=5, out=tmp_path / "broken", resume=True, style_weight=3)
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        train(**small, steps=5, out=tmp_path / "nowhere", resume=True)


def host() -> dict[str, Any]:
    loggers = ("pytorch_lightning", "lightning_fabric", "lightning_fabric.utilities.seed", "torch")
    return {
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "hooks": (threading.excepthook, sys.excepthook, warnings.showwarning),
        "filters": list(warnings.filters),
        "levels": {name: logging.getLogger(name).level for name in loggers},
        "environment": dict(os.environ),
        "random": (torch.get_rng_state().tolist(), str(np.random.get_state())),
        "torch": (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark, torch.is_grad_enabled()),
        "arguments": list(sys.argv),
        "threads": {thread.name for thread in threading.enumerate() if not thread.daemon},
    }


def test_the_program_stays_as_it_was(small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["notebook", "--no-such-option"])
    before = host()
    for run in ("first", "second"):
        train(**small, steps=1, out=tmp_path / run)
    assert host() == before
    with pytest.raises(RuntimeError, match="broken"):
        train(**small, steps=4, out=tmp_path / "third", callbacks=[at_step(1, broken)])
    assert host() == before


def broken() -> None:
    raise RuntimeError("broken")


def test_in_another_thread(small: Settings, tmp_path: Path) -> None:
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(train(**small, steps=2, out=tmp_path))
        except BaseException as error:  # noqa: BLE001 -- whatever it is, the test shows it
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (training,) = found
    assert isinstance(training, Training), training
    assert training.steps == 2


def test_a_folder_is_for_one_run_of_a_program(small: Settings, tmp_path: Path) -> None:
    errors: list[Exception] = []

    def also() -> None:
        try:
            train(**small, steps=1, out=tmp_path)
        except TrainingError as error:
            errors.append(error)

    train(**small, steps=2, out=tmp_path, callbacks=[at_step(1, also)])
    assert [str(error) for error in errors] == [f"this program is training in {tmp_path} already; give another out"]


def test_ctrl_c_keeps_the_checkpoint(small: Settings, tmp_path: Path) -> None:
    def press() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as stopped:
        train(**small, steps=100, out=tmp_path, callbacks=[at_step(2, press)])
    assert signal.getsignal(signal.SIGINT) is handler
    saved = read_checkpoint(tmp_path / "last.ckpt")
    assert 2 <= saved.steps <= 3
    assert saved.costs["total_loss"] > 0
    (note,) = stopped.value.__notes__
    assert "resume=True" in note
    assert str(tmp_path) in note
    assert train(**small, steps=5, out=tmp_path, resume=True).steps == 5


def test_a_second_ctrl_c_does_not_end_the_program(small: Settings, tmp_path: Path) -> None:
    def press_twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before = host()
    with pytest.raises(KeyboardInterrupt):
        train(**small, steps=100, save_every=2, out=tmp_path, callbacks=[at_step(3, press_twice)])
    assert host() == before
    assert read_checkpoint(tmp_path / "last.ckpt").steps == 2


def test_another_signal_is_handed_on(small: Settings, tmp_path: Path) -> None:
    heard: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        callbacks = [at_step(2, lambda: os.kill(os.getpid(), signal.SIGTERM))]
        training = train(**small, steps=100, out=tmp_path, callbacks=callbacks)
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert training.stopped == signal.SIGTERM
    assert training.steps < 100
    assert heard[-1] == signal.SIGTERM


def test_without_photos_the_samples_are_taken_and_named(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match=f"{len(samples.photos())} sample photos.*give photos"):
        training = train(**small | {"photos": None, "steps": 1})
    assert training.folder == Path("runs/stripes")
    assert read_checkpoint(training.checkpoint).data["photo_count"] == len(samples.photos()) - 2


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"stile_size": 3}, TypeError, "no argument 'stile_size'; did you mean style_size?"),
        ({"quux": 3}, TypeError, "no argument 'quux'$"),
        ({"size": 64}, TypeError, "crop and size are the same"),
        ({"max_steps": 3, "steps": 3}, TypeError, "max_steps and steps are the same"),
        ({"root": "photos"}, TypeError, "no argument 'root'"),
        ({"minutes": 1, "steps": 3}, ValueError, "minutes or steps, not both"),
        ({"minutes": float("nan")}, ValueError, "minutes must be above 0"),
        ({"steps": 0}, TrainingError, "^steps 0 trains nothing"),
        ({"steps": -1}, TrainingError, "give minutes or steps$"),
        ({"fast_dev_run": True}, ValueError, "fast_dev_run keeps nothing.*steps=2"),
        ({"style_weight": -1.0}, ValueError, "style_weight must be 0 or more and finite, not -1"),
        ({"learning_rate": float("nan")}, ValueError, "learning_rate must be above 0"),
        ({"optimizer": "sgd"}, ValueError, "unknown optimizer 'sgd'; use one of muon, adam"),
        ({"save_every": 0}, ValueError, "every_n_steps must be at least 1"),
        ({"plugins": []}, TrainingError, "^plugins cannot be set.*goes to out"),
        ({"default_root_dir": "x"}, TrainingError, "^default_root_dir cannot be set"),
        ({"precision": "16-true"}, TrainingError, "use precision 32-true"),
        ({"strategy": "nonsense"}, TrainingError, "invalid strategy name"),
        ({"logger": "excel"}, ValueError, "tensorboard, csv, wandb, mlflow, none"),
        ({"photos": "nowhere"}, DataError, "no folder of photos at nowhere; give one as photos"),
    ],
)
def test_what_is_refused(small: Settings, tmp_path: Path, given: Settings, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        train(**small | {"out": tmp_path / "run"} | given)
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_a_cost_is_a_start(small: Settings, tmp_path: Path) -> None:
    training = train(**small, cost=Cost(tv_weight=0.5, style_weight=9), style_weight=2, steps=1, out=tmp_path)
    recipe = read_checkpoint(training.checkpoint).recipe
    assert (recipe["tv_weight"], recipe["style_weight"]) == (0.5, 2)
    assert recipe["style_layers"] == ["relu1_2", "relu2_2"]


def test_a_calibrated_run_says_its_weight(small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "style_factor", lambda *_: 2.5)
    training = train(**small, calibrate=True, steps=1, out=tmp_path)
    assert read_checkpoint(training.checkpoint).recipe["style_weight"] == 2.5


def metrics(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("metrics.csv"))


@pytest.mark.slow
def test_other_logs(small: Settings, tmp_path: Path) -> None:
    train(**small, steps=1, out=tmp_path / "named", logger="csv")
    assert "val/total_loss" in metrics(tmp_path / "named" / "csv")
    assert not (tmp_path / "named" / "tensorboard").exists()
    train(**small, steps=2, out=tmp_path / "named", logger="csv", resume=True)
    assert len(list((tmp_path / "named" / "csv").iterdir())) == 2

    mine = CSVLogger(tmp_path / "mine", name="log")
    training = train(**small, steps=1, out=tmp_path / "object", logger=[mine])
    assert "val/total_loss" in metrics(tmp_path / "mine")
    assert "style_weight: 1.0" in (Path(mine.log_dir) / "hparams.yaml").read_text()
    assert len(training.pictures) == 1

    for number, none in enumerate((False, "none")):
        training = train(**small, steps=1, out=tmp_path / f"without {number}", logger=none)
        assert {path.name for path in training.folder.iterdir()} == {"last.ckpt", "samples", ".lock"}


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_log_that_is_not_installed(
    small: Settings, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError(f"Requirement '{name}>=0.12.10' not met")

    monkeypatch.setattr(
        f"fststyle.training.fit.run_log.{'WandbLogger' if name == 'wandb' else 'MLFlowLogger'}", missing
    )
    with pytest.raises(TrainingError, match=f"pip install {name}"):
        train(**small, steps=1, out=tmp_path, logger=name)


PROGRAM = """
import sys
from fststyle.training import train

if __name__ == "__main__":
    strategy, settings = sys.argv[1], eval(sys.argv[2])
    training = train(**settings, devices=2, strategy=strategy)
    assert training.costs["total_loss"] > 0
    print("steps", training.steps)
"""


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn", "ddp_notebook"])
def test_two_processes(small: Settings, tmp_path: Path, strategy: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    plain = {key: str(value) if isinstance(value, Path) else value for key, value in small.items()}
    train(**small | {"batch_size": 4, "precision": "32-true"}, steps=2, out=tmp_path / "one")
    settings = {**plain, "precision": "32-true", "steps": 2, "out": str(tmp_path / "two")}
    done = subprocess.run(
        [sys.executable, program, strategy, repr(settings)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "steps 2" in done.stdout
    one, two = (read_checkpoint(tmp_path / run / "last.ckpt") for run in ("one", "two"))
    assert two.costs["content_loss"] == pytest.approx(one.costs["content_loss"], rel=0.02)
    for name, tensor in one.state.items():
        torch.testing.assert_close(two.state[name], tensor, rtol=0.02, atol=0.01)
