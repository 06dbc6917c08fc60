"""Options of Lightning's Trainer behind `fststyle train`: each works, or is refused in one line with the remedy."""

from pathlib import Path

import pytest

from fststyle.errors import TrainingError
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.cli import main

Arguments = list[str]


def run(arguments: Arguments, out: Path, options: str, *more: str) -> int:
    words = [f"--trainer.{option}" for option in options.split(" ; ")]
    given = [word for option in words for word in option.split(" ", 1)]
    ends = (
        [] if any(name in options for name in ("max_steps", "max_epochs", "max_time")) else ["--trainer.max_steps", "4"]
    )
    return main([*arguments, "--out", str(out), *given, *ends, *more])


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ("limit_train_batches 2 ; max_epochs 3", 6),
        ("max_epochs 1 ; accumulate_grad_batches 4", 3),
        ("gradient_clip_val 0.5", 4),
        ("callbacks EarlyStopping ; callbacks.monitor val/total_loss", 4),
        *(
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (
                ("precision 16-mixed", 4),
                ("overfit_batches 2", 4),
                ("limit_train_batches 0.5", 4),
                ("limit_val_batches 0", 4),
                ("max_epochs 1", 9),
                ("gradient_clip_val 0.1 ; gradient_clip_algorithm value", 4),
                ("profiler simple", 4),
                ("detect_anomaly true", 4),
                ("deterministic true", 4),
                ("num_sanity_val_steps 2", 4),
                ("reload_dataloaders_every_n_epochs 1 ; max_epochs 2 ; limit_train_batches 2", 4),
                ("enable_progress_bar false", 4),
                ("use_distributed_sampler true", 4),
                ("callbacks LearningRateMonitor", 4),
            )
        ),
    ],
)
def test_what_works(train_arguments: Arguments, tmp_path: Path, options: str, steps: int) -> None:
    assert run(train_arguments, tmp_path / "run", options) == 0
    assert read_checkpoint(tmp_path / "run" / "last.ckpt").steps == steps


def test_a_time_ends_a_run(train_arguments: Arguments, tmp_path: Path) -> None:
    assert run(train_arguments, tmp_path, "max_time 00:00:00:01") == 0
    assert 0 < read_checkpoint(tmp_path / "last.ckpt").steps < 4000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("precision bf16-true", r"bf16-true does not fit.*use .*32-true, or bf16-mixed"),
        ("precision 64-true", r"64-true does not fit.*use .*32-true"),
        ("precision 16-true", r"16-true does not fit.*use .*16-mixed"),
        ("precision transformer-engine", "transformer-engine does not fit"),
        ("devices -1", "devices.*should be an int > 0"),
        ("devices 0", "devices.*not a valid input"),
        ("max_steps 0", r"max_steps 0 trains nothing; give at least 1"),
        ("max_epochs 0", r"max_epochs 0 trains nothing"),
        ("limit_train_batches 0", "limit_train_batches 0 trains nothing"),
        ("accumulate_grad_batches 0", "accumulate_grad_batches 0 trains nothing"),
        ("gradient_clip_val -1", "gradient_clip_val must be 0 or more and finite, not -1"),
        ("barebones true", "barebones cannot be set"),
        ("strategy nonsense", "invalid strategy name"),
        ("profiler nonsense", "profiler.*'simple'"),
        ("max_time soon", "DD:HH:MM:SS"),
        ("callbacks EarlyStopping ; callbacks.monitor vla", "metric `vla` which is not available.*`val/total_loss`"),
        ("callbacks ModelCheckpoint ; callbacks.monitor vla", r"monitor='vla'.*'val/total_loss'"),
    ],
)
def test_what_is_refused_in_one_line(train_arguments: Arguments, tmp_path: Path, options: str, says: str) -> None:
    with pytest.raises(TrainingError, match=says) as caught:
        run(train_arguments, tmp_path, options)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_rehearsal_keeps_nothing(
    train_arguments: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(train_arguments, out, "fast_dev_run true") == 0
    assert "nothing was kept" in capsys.readouterr().err
    assert not out.exists()
    assert run(train_arguments, out, "max_steps 1") == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert run(train_arguments, out, "fast_dev_run 2") == 0
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    with pytest.raises(TrainingError, match="leave out --resume"):
        run(train_arguments, out, "fast_dev_run 2", "--resume")


@pytest.mark.slow
def test_costs_are_logged_where_they_are_asked_for(train_arguments: Arguments, tmp_path: Path) -> None:
    assert run(train_arguments, tmp_path / "short", "max_steps 1", "--logger", "csv") == 0
    assert "val/total_loss" in next((tmp_path / "short").rglob("metrics.csv")).read_text()
    config = (tmp_path / "short" / "config.yaml").read_text()
    assert "logger: csv" in config
    theirs = ["--trainer.logger.save_dir", str(tmp_path / "logs")]
    assert run(train_arguments, tmp_path / "dotted", "logger CSVLogger ; max_steps 1", *theirs) == 0
    assert "val/total_loss" in next((tmp_path / "logs").rglob("metrics.csv")).read_text()
    assert run(train_arguments, tmp_path / "none", "logger false ; max_steps 1") == 0
    assert {path.name for path in (tmp_path / "none").iterdir()} == {"last.ckpt", "samples", ".lock", "config.yaml"}


def test_a_callback_that_yaml_cannot_express(train_arguments: Arguments, tmp_path: Path) -> None:
    with pytest.raises((TrainingError, ValueError)) as caught:
        run(train_arguments, tmp_path, "callbacks Timer ; callbacks.duration 00:00:00:01")
    assert "\n" not in str(caught.value)
