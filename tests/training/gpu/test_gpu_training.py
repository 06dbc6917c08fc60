"""Trainings on a GPU: nothing waits between the steps, memory stays, runs go on elsewhere, several cards agree."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from fststyle import samples
from fststyle.errors import TrainingError
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.cost.objective import Cost
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.run import train
from fststyle.training.fit.trainer import bare_trainer

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[3]

Run = Callable[..., Any]

SMALL = {
    **{"network": "fast", "width": 0.5, "style_size": 128, "crop": 96, "batch_size": 2, "val_size": 96},
    **{"val_photos": 1, "workers": 0, "warmup": 0.0, "grid_weight": 0.0, "enable_progress_bar": False},
}


@pytest.fixture
def run(device: torch.device, tmp_path: Path) -> Run:
    """A short training of the shipped style on the sample photos, in a folder by name."""

    def run(name: str, **settings: Any) -> Any:
        options = {**SMALL, "device": device.type, "devices": 1, "logger": False, **settings}
        return train(samples.style("swirls"), samples.photo_folder(), out=tmp_path / name, **options)

    return run


class NoWaiting(pl.Callback):
    """Makes whatever waits for the GPU an error, from the third step on."""

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 2:
            torch.cuda.set_sync_debug_mode("error")

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step >= 8:
            torch.cuda.set_sync_debug_mode("default")

    def on_exception(self, *_: Any) -> None:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    "settings",
    [
        *({}, {"optimizer": "adam"}, {"network": "johnson"}, {"temporal_weight": 1.0}, {"strength": True}),
        *({"graphs": "always"}, {"network": "johnson", "graphs": "always"}),
    ],
)
def test_the_steps_do_not_wait_for_the_gpu(gpu: torch.device, settings: dict[str, Any]) -> None:
    of_cost = {name: settings.pop(name) for name in list(settings) if name.startswith("temporal")}
    module = StyleTransferModule(samples.style("swirls"), cost=Cost(**of_cost), init="none", **settings)
    with warnings.catch_warnings(action="ignore"):
        data = ContentData(samples.photo_folder(), crop=128, batch_size=2, on_device="always")
        trainer = bare_trainer(
            gpu,
            max_steps=9,
            precision="bf16-mixed",
            log_every_n_steps=50,
            limit_val_batches=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            callbacks=[NoWaiting()],
        )
        trainer.fit(module, data)
    assert trainer.global_step == 9


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("network", ["fast", "johnson"])
def test_graphs_make_the_steps_of_any_run(
    gpu: torch.device, run: Run, network: str, precision: str, recwarn: pytest.WarningsRecorder
) -> None:
    settings = {"steps": 12, "network": network, "precision": precision, "grid_weight": 1.0, "warmup": 0.15}
    usual, graphed = (run(choice, graphs=choice, **settings) for choice in ("never", "always"))
    assert not [each for each in recwarn if "graphs are left out" in str(each.message)]
    assert graphed.costs["total_loss"] == pytest.approx(usual.costs["total_loss"], rel=0.05)


def test_a_run_learns(run: Run) -> None:
    first, last = run("one", steps=1), run("many", steps=30)
    assert last.costs["total_loss"] < first.costs["total_loss"]


def test_in_float32_a_run_is_that_of_the_cpu(run: Run) -> None:
    there = run("there", steps=3, precision="32-true", init="none")
    here = run("here", steps=3, precision="32-true", init="none", device="cpu")
    assert there.costs["total_loss"] == pytest.approx(here.costs["total_loss"], rel=0.02)


@pytest.mark.parametrize(("first", "then"), [("cpu", "device"), ("device", "cpu")])
def test_a_run_goes_on_elsewhere(run: Run, device: torch.device, first: str, then: str) -> None:
    places = {"cpu": "cpu", "device": device.type}
    for optimizer in ("muon", "adam"):
        run(optimizer, steps=2, device=places[first], optimizer=optimizer)
        gone_on = run(optimizer, steps=4, device=places[then], optimizer=optimizer, resume=True)
        assert gone_on.steps == 4
        state = read_checkpoint(gone_on.checkpoint).state
        assert all(torch.isfinite(tensor).all() for tensor in state.values())


def test_a_step_that_is_not_finite_ends_the_run_and_is_in_no_checkpoint(run: Run, tmp_path: Path) -> None:
    class Ruin(pl.Callback):
        def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            if trainer.global_step == 4:
                for parameter in pl_module.parameters():
                    if parameter.grad is not None:
                        parameter.grad.fill_(torch.nan)

    with pytest.raises(TrainingError, match="became NaN or infinite at step 4"):
        run("ruined", steps=40, save_every=2, callbacks=[Ruin()])
    saved = read_checkpoint(tmp_path / "ruined" / "last.ckpt")
    assert saved.steps == 4
    assert all(torch.isfinite(tensor).all() for tensor in saved.state.values())


def test_memory_does_not_grow_with_the_steps(gpu: torch.device) -> None:
    module = StyleTransferModule(samples.style("swirls"))
    peaks = []

    class Peaks(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
            if trainer.global_step in (5, 40):
                peaks.append(torch.cuda.max_memory_allocated())

    with warnings.catch_warnings(action="ignore"):
        data = ContentData(samples.photo_folder(), crop=256, batch_size=4)
        trainer = bare_trainer(
            gpu,
            max_steps=40,
            precision="bf16-mixed",
            limit_val_batches=0,
            callbacks=[Peaks()],
            enable_checkpointing=False,
            enable_progress_bar=False,
        )
        torch.cuda.reset_peak_memory_stats()
        trainer.fit(module, data)
    assert peaks[1] <= 1.02 * peaks[0]
    assert peaks[1] < 6e9  # a card of 8 GB trains fast in batches of 4


PROGRAM = """
import sys
from fststyle import samples
from fststyle.training.fit.run import train

if __name__ == "__main__":
    train(
        samples.style("swirls"), samples.photo_folder(), out=sys.argv[1], steps=3, network="fast", width=0.5,
        style_size=128, crop=96, batch_size=int(sys.argv[4]), val_photos=1, val_size=96, workers=0, logger=False,
        learning_rate=1e-30, init="none", precision="32-true", device=sys.argv[2], devices=int(sys.argv[3]),
        strategy=sys.argv[5], enable_progress_bar=False, use_distributed_sampler=False,
    )
"""


def test_several_cards_do_as_one_with_a_larger_batch(device: torch.device, tmp_path: Path) -> None:
    """With NCCL on as many cards as there are, if only one; with Gloo between two processes on a CPU.

    The rate moves no weight: a change in the last digit may turn a tie in a ReLU, and a gradient by a hundredth.
    """
    count = torch.cuda.device_count() if device.type == "cuda" else 2
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    states = []
    for name, devices, batch, strategy in (("apart", count, 2, "ddp"), ("alone", 1, 2 * count, "auto")):
        command = [sys.executable, "program.py", name, device.type, str(devices), str(batch), strategy]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300, capture_output=True)
        content = torch.load(tmp_path / name / "last.ckpt", map_location="cpu", weights_only=True)
        states.append(content["optimizer_states"][0]["state"])
    for one, other in zip(*(state.values() for state in states), strict=True):
        name = "momentum" if "momentum" in one else "exp_avg"
        least = 1e-4 * other[name].abs().max().item() + 1e-7
        torch.testing.assert_close(one[name], other[name], rtol=1e-2, atol=least)
