"""`fststyle train` from its arguments to its files; killed, resumed, stopped, on two processes."""

import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import Trainer

from fststyle.errors import CheckpointError, TrainingError
from fststyle.pictures.files import find_images
from fststyle.training import cli as training_cli
from fststyle.training.checkpoint import AtomicCheckpointIO, read_checkpoint
from fststyle.training.cli import main, parse
from fststyle.training.fit import callbacks
from fststyle.training.fit import run as running
from fststyle.training.fit.module import StyleTransferModule

Arguments = list[str]


def start(arguments: Arguments) -> "subprocess.Popen[str]":
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "fststyle", "train", *arguments], stderr=subprocess.PIPE, text=True, env=environment
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def states(folder: Path) -> dict[str, Any]:
    content = torch.load(folder / "last.ckpt", weights_only=True)
    optimizer = {
        f"optimizer.{i}.{k}": v for i, s in content["optimizer_states"][0]["state"].items() for k, v in s.items()
    }
    return content["state_dict"] | optimizer | {"step": torch.tensor(content["global_step"])}


def assert_equal(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


def test_a_run_leaves_everything_in_its_folder(train_arguments: Arguments, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert main([*train_arguments, "--out", str(out), "--name", "stripes", "--trainer.max_steps", "5"]) == 0
    checkpoint = read_checkpoint(out / "last.ckpt")
    assert (checkpoint.name, checkpoint.steps, checkpoint.network) == ("stripes", 5, "fast")
    assert checkpoint.costs["total_loss"] > checkpoint.costs["content_loss"] > 0
    with Image.open(out / "samples" / "step_000005.jpg") as sheet:
        assert sheet.width > 4 * 48
    assert list((out / "tensorboard").glob("events.*"))
    assert "max_steps: 5" in (out / "config.yaml").read_text()
    with pytest.raises(TrainingError, match=r"holds a run already; go on with --resume, or give another --out"):
        main([*train_arguments, "--out", str(out), "--trainer.max_steps", "5"])
    with pytest.raises(TrainingError, match=r"has all of its 5 steps; give a higher --steps"):
        main([*train_arguments, "--out", str(out), "--trainer.max_steps", "5", "--resume"])


def test_a_run_needs_no_weights_and_leaves_no_photos_but_the_users(
    train_arguments: Arguments, photo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = train_arguments.index("--weights")
    without = train_arguments[:at] + train_arguments[at + 2 :]
    shutil.copytree(photo_folder, tmp_path / "photos")  # where somebody may well keep them
    beside = ["--data.root", str(tmp_path / "photos"), "--out", str(tmp_path)]
    beside += ["--model.cost.normalize_channels", "true"]  # which medium stands for
    assert main([*without, *beside, "--trainer.max_steps", "2"]) == 0
    assert read_checkpoint(tmp_path / "last.ckpt").recipe["loss_network"] == "medium"
    assert len(find_images(tmp_path / "photos")) == 20
    assert not list(tmp_path.rglob("*.npy"))
    said = capsys.readouterr().err
    assert "judged by medium" in said
    assert "fststyle evaluate" in said


def test_training_lowers_the_cost(train_arguments: Arguments, tmp_path: Path) -> None:
    totals = []
    for steps in (1, 60):
        out = tmp_path / str(steps)
        main([*train_arguments, "--out", str(out), "--trainer.max_steps", str(steps)])
        totals.append(read_checkpoint(out / "last.ckpt").costs["total_loss"])
    assert totals[1] < 0.7 * totals[0]


@pytest.mark.slow
def test_training_against_ripples_leaves_fewer(train_arguments: Arguments, tmp_path: Path) -> None:
    ripples = []
    for weight in ("1e-9", "1"):
        out = tmp_path / weight
        steps = ["--trainer.max_steps", "60", "--model.cost.grid_weight", weight]
        steps += ["--model.cost.normalize_channels", "true"]
        main([*train_arguments, *steps, "--out", str(out)])
        ripples.append(read_checkpoint(out / "last.ckpt").costs["grid_loss"])
    assert 0 < ripples[1] < 0.7 * ripples[0]


@pytest.mark.slow
@pytest.mark.fault("Training", "NaN at a step, then --resume", "bit-equal to an unbroken run", ())
def test_resumed_after_a_broken_step_equals_unbroken(
    train_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    common = [*train_arguments, "--trainer.max_steps", "9", "--save_every", "4", "--model.cost.temporal_weight", "1"]
    main([*common, "--out", str(whole)])
    step = StyleTransferModule.training_step

    def poisoned(self: StyleTransferModule, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        loss = step(self, batch, batch_idx)
        if self.trainer.global_step == 6:
            self.last_terms["style_loss"] = self.last_terms["style_loss"] * torch.nan
            return loss * torch.nan
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(StyleTransferModule, "training_step", poisoned)
        with pytest.raises(TrainingError, match="the style_loss became NaN or infinite at step 6"):
            main([*common, "--out", str(broken)])
    assert read_checkpoint(broken / "last.ckpt").steps == 4
    main([*common, "--out", str(broken), "--resume"])
    assert_equal(states(whole), states(broken))
    config = (broken / "config.yaml").read_text("utf-8")  # repeats the run, from its beginning
    assert "resume: false" in config


@pytest.mark.slow
def test_checkpoints_fall_between_steps_of_several_batches(
    train_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    common = [*train_arguments, "--trainer.accumulate_grad_batches", "2", "--save_every", "2"]
    main([*common, "--trainer.max_steps", "4", "--out", str(whole)])
    saved = []
    save_checkpoint = Trainer.save_checkpoint

    def stop_after(self: Trainer, path: Path) -> None:
        saved.append(self.global_step)
        save_checkpoint(self, path)

    def stop(self: StyleTransferModule, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        if batch_idx == 5:
            raise TrainingError("stop")
        return step(self, batch, batch_idx)

    step = StyleTransferModule.training_step
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_checkpoint", stop_after)
        patch.setattr(StyleTransferModule, "training_step", stop)
        with pytest.raises(TrainingError, match="stop"):
            main([*common, "--trainer.max_steps", "4", "--out", str(broken)])
    assert saved == [2]
    main([*common, "--trainer.max_steps", "4", "--out", str(broken), "--resume"])
    assert_equal(states(whole), states(broken))


def test_a_run_goes_on_at_another_rate_if_forced(train_arguments: Arguments, tmp_path: Path) -> None:
    common = [*train_arguments, "--out", str(tmp_path)]
    main([*common, "--trainer.max_steps", "2", "--model.learning_rate", "0.004"])
    slower = [*common, "--resume", "--trainer.max_steps", "3", "--model.learning_rate", "0.001"]
    with pytest.raises(TrainingError, match=r"began with learning_rate = 0\.004, not 0\.001; .* --force"):
        main(slower)
    main([*slower, "--force"])
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    groups = content["optimizer_states"][0]["param_groups"]
    assert content["lr_schedulers"][0]["base_lrs"] == pytest.approx([0.001, 0.002])
    assert [group["initial_lr"] for group in groups] == pytest.approx([0.001, 0.002])
    assert groups[0]["lr"] <= 0.001


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (["--model.strength", "true"], "this run trains with strength = False, not True; resume with the old setting"),
        (["--model.optimizer", "adam"], "this run trains with optimizer = muon, not adam; resume with the old setting"),
    ],
)
def test_what_cannot_go_on_even_if_forced(
    train_arguments: Arguments, tmp_path: Path, option: list[str], says: str
) -> None:
    common = [*train_arguments, "--out", str(tmp_path)]
    main([*common, "--trainer.max_steps", "1"])
    with pytest.raises(TrainingError, match=says):
        main([*common, "--trainer.max_steps", "2", "--resume", "--force", *option])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--trainer.val_check_interval", "0.5"], "val_check_interval.*; change this option of --trainer"),
        (["--trainer.enable_checkpointing", "false"], "enable_checkpointing.*; change this option of --trainer"),
        (["--trainer.default_root_dir", "elsewhere"], "default_root_dir cannot be set: .*; leave it out"),
    ],
)
def test_options_of_the_trainer_that_do_not_fit(
    train_arguments: Arguments, tmp_path: Path, options: list[str], says: str
) -> None:
    with pytest.raises(TrainingError, match=says):
        main([*train_arguments, "--out", str(tmp_path / "run"), "--trainer.max_steps", "1", *options])


def test_a_full_memory_is_one_line(train_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")

    monkeypatch.setattr(StyleTransferModule, "training_step", full)
    with pytest.raises(TrainingError, match=r"the memory is full; give a smaller --batch-size or --size"):
        main([*train_arguments, "--out", str(tmp_path), "--trainer.max_steps", "1"])


LONG_RUN = ["--trainer.max_steps", "60", "--save_every", "7"]


@pytest.fixture(scope="module")
def unbroken(train_arguments: Arguments, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("unbroken")
    main([*train_arguments, *LONG_RUN, "--out", str(folder)])
    return states(folder)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_and_resumed_equals_unbroken_bit_for_bit(
    train_arguments: Arguments, unbroken: dict[str, Any], tmp_path: Path, workers: str
) -> None:
    command = [*train_arguments, *LONG_RUN, "--out", str(tmp_path), "--data.num_workers", workers]
    process = start(command)
    wait_for(tmp_path / "last.ckpt")
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert read_checkpoint(tmp_path / "last.ckpt").steps < 60
    again = start([*command, "--resume"])
    _, errors = again.communicate(timeout=180)
    assert again.returncode == 0, errors
    assert_equal(unbroken, states(tmp_path))


def test_a_signal_lets_the_step_finish_and_the_rest_follows(train_arguments: Arguments, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start([*train_arguments, "--out", str(out), "--trainer.max_steps", "100000", "--save_every", "5"])
    wait_for(out / "last.ckpt")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "stopped; go on with the same command and --resume" in errors
    assert read_checkpoint(out / "last.ckpt").costs["total_loss"] > 0


def test_a_time_budget_ends_the_run_with_the_schedule_and_is_not_given_twice(
    train_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count(0, 0.05)
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    run = [*train_arguments, "--out", str(tmp_path), "--minutes", "0.05"]
    assert main(run) == 0
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert content["global_step"] > 3
    assert content["callbacks"]["TimeBudget"]["elapsed"] >= 3
    rate = content["optimizer_states"][0]["param_groups"][0]["lr"]
    assert rate < 0.03 * 5e-3  # the end of the one-cycle
    assert main([*run, "--resume"]) == 0
    assert read_checkpoint(tmp_path / "last.ckpt").steps <= content["global_step"] + 1


@pytest.mark.slow
def test_two_processes_step_as_one_with_twice_the_batch(train_arguments: Arguments, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    steps = ["--trainer.max_steps", "2", "--trainer.precision", "32-true"]
    steps += ["--model.learning_rate", "1e-6", "--model.cost.temporal_weight", "1"]
    main([*train_arguments, *steps, "--out", str(one), "--data.batch_size", "4"])
    ddp = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--data.batch_size", "2"]
    process = start([*train_arguments, *steps, *ddp, "--out", str(two)])
    _, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    a, b = states(one), states(two)
    # Momentum is linear in the gradients, which a step is not: there rounding can flip a sign.
    moments = [name for name in a if name.endswith(("exp_avg", "momentum"))]
    assert len(moments) > 30
    for name in moments:
        torch.testing.assert_close(a[name], b[name], rtol=1e-3, atol=1e-5 * a[name].abs().max().item() + 1e-7)


def test_broken_photos_do_not_stop_a_run(train_arguments: Arguments, photo_folder: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in photo_folder.rglob("*.png"):
        (photos / path.name).write_bytes(path.read_bytes())
    (photos / "half.png").write_bytes(next(photos.glob("*.png")).read_bytes()[:200])
    main([*train_arguments, "--data.root", str(photos), "--out", str(tmp_path / "run"), "--trainer.max_steps", "8"])
    records = [json.loads(line) for line in (tmp_path / "run" / "bad_files.jsonl").read_text().splitlines()]
    assert [Path(record["path"]).name for record in records] == ["half.png"]


def test_warm_start_begins_where_another_style_ended(train_arguments: Arguments, tmp_path: Path) -> None:
    first = tmp_path / "first"
    main([*train_arguments, "--out", str(first), "--trainer.max_steps", "40"])
    init = ["--init", str(first / "last.ckpt"), "--trainer.max_steps", "1", "--model.learning_rate", "1e-9"]
    main([*train_arguments, "--out", str(tmp_path / "second"), *init])
    costs = [read_checkpoint(tmp_path / run / "last.ckpt").costs["total_loss"] for run in ("first", "second")]
    assert costs[0] == pytest.approx(costs[1], rel=1e-3)
    with pytest.raises(TrainingError, match=r"holds fast at width 0\.25, not fast at 0\.5"):
        main([*train_arguments, "--out", str(tmp_path / "third"), *init, "--model.width", "0.5"])
    (tmp_path / "bad.ckpt").write_bytes(b"junk")
    with pytest.raises(CheckpointError, match=r"bad\.ckpt is not a readable checkpoint"):
        main([*train_arguments, "--out", str(tmp_path / "fourth"), "--init", str(tmp_path / "bad.ckpt")])


def test_arguments_that_do_not_fit(train_arguments: Arguments, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*train_arguments, "--model.stile_weight", "3"])
    assert stop.value.code == 2
    assert "stile_weight" in capsys.readouterr().err


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(
    train_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = parse([*train_arguments, "--out", str(tmp_path / "run")])
    assert isinstance(cli.trainer.strategy.checkpoint_io, AtomicCheckpointIO)
    last = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"a": 1}, last)
    before = last.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match=r"disk full.* the checkpoint before it is whole"):
        AtomicCheckpointIO().save_checkpoint({"a": 2}, last)
    assert last.read_bytes() == before
    assert list(tmp_path.iterdir()) == [last]
    with pytest.raises(TrainingError, match=r"disk full.* would have been the first: make room") as caught:
        AtomicCheckpointIO().save_checkpoint({"a": 2}, tmp_path / "first.ckpt")
    assert "--resume" not in str(caught.value)


def test_a_calibrated_run_keeps_its_weight_when_resumed(
    train_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for factor, steps, more in ((2.0, "1", []), (3.0, "2", ["--resume"])):
        monkeypatch.setattr(running, "style_factor", lambda *_, factor=factor: factor)
        main([*train_arguments, "--out", str(tmp_path), "--calibrate", "--trainer.max_steps", steps, *more])
        assert read_checkpoint(tmp_path / "last.ckpt").recipe["style_weight"] == 2.0


def test_a_preview_leaves_a_picture_and_no_run(
    train_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_cli, "preview", lambda *_, **__: np.zeros((8, 8, 3), np.uint8))
    assert main([*train_arguments, "--out", str(tmp_path), "--preview"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["preview.jpg"]
    assert "--style-weight 0.3, 1, 3" in capsys.readouterr().err


def test_a_run_without_an_end_is_refused(train_arguments: Arguments, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nothing ends this run, .*; give --minutes or --steps"):
        main([*train_arguments, "--out", str(tmp_path / "run"), "--trainer.max_steps", "-1"])
    assert not (tmp_path / "run").exists()
