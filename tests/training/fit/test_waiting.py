"""A step computes on its device without being asked for a number: a GPU would stand still meanwhile."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from waiting import WaitWatch

from fststyle.training.cost.objective import Cost
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.callbacks import CostProgressBar, LastCheckpoint, StopOnSignal, TimeBudget
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.run_log import RunLog
from fststyle.training.fit.trainer import bare_trainer

SETTINGS: dict[str, dict[str, Any]] = {
    "fast": {},
    "johnson2016, whose batch norm counts": {"network": "johnson2016"},
    "adam": {"optimizer": "adam"},
    "steady": {"temporal_weight": 1.0, "temporal_lighting": 0.1},
    "strength": {"strength": True},
}


@pytest.fixture
def make(painting: Path, shallow_cost: Callable[..., Cost]) -> Callable[..., StyleTransferModule]:
    def make(**settings: Any) -> StyleTransferModule:
        of_cost = {name: settings.pop(name) for name in list(settings) if name.startswith("temporal")}
        small = {"width": 0.25, "style_size": 64, "cost": shallow_cost(**of_cost)}
        return StyleTransferModule(painting, **small | settings)

    return make


def test_the_watch_sees_what_would_wait() -> None:
    there, here = torch.ones(3), torch.ones(3)
    with WaitWatch([there]) as watch:
        float(here.sum())
        assert not watch.waits
        float((there * 2).sum())
        bool(there[0] > 0)
        there.detach()[there > 0].tolist()
    assert len(watch.waits) >= 3
    assert all(__file__ in place for place in watch.waits)


class Device(pl.Callback):
    """Takes what Lightning would bring to the GPU for what lies there, and looks at the steps from the second on."""

    def __init__(self, watch: WaitWatch) -> None:
        self.watch = watch

    def on_train_start(self, _: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, StyleTransferModule)
        objective = pl_module.objective
        self.watch.add([*pl_module.parameters(), *pl_module.buffers()])
        self.watch.add([*objective.loss_network.parameters(), *objective.style_grams.values()])

    def on_train_batch_start(self, trainer: pl.Trainer, _: pl.LightningModule, batch: Any, *__: Any) -> None:
        self.watch.add([batch])
        # The first step has the bar say something, the last one is logged.
        self.watch.is_on = 1 <= trainer.global_step < trainer.max_steps - 1

    def on_before_optimizer_step(self, _: pl.Trainer, pl_module: pl.LightningModule, *__: Any) -> None:
        self.watch.add(parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_steps_of_a_run_do_not_wait_for_the_device(
    make: Callable[..., StyleTransferModule],
    settings: dict[str, Any],
    photo_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(StyleTransferModule, "_looks_at_once", lambda _: False)  # as on a GPU
    module = make(**settings)
    data = ContentData(
        photo_folder, crop=48, batch_size=2, val_size=48, val_photos=2, num_workers=0, on_device="always"
    )
    watch = WaitWatch()
    trainer = bare_trainer(
        torch.device("cpu"),
        max_steps=4,
        log_every_n_steps=10,
        callbacks=[TimeBudget(5.0), StopOnSignal(), CostProgressBar(), LastCheckpoint(tmp_path, 100), Device(watch)],
        logger=RunLog(tmp_path),
        limit_val_batches=0,
        default_root_dir=tmp_path,
    )
    with watch:
        trainer.fit(module, data)
    assert trainer.global_step == 4
    assert not watch.waits


def test_a_step_that_waits_is_found(make: Callable[..., StyleTransferModule], photo_folder: Path) -> None:
    module = make()
    data = ContentData(photo_folder, crop=48, batch_size=2, val_photos=0, num_workers=0)
    watch = WaitWatch()
    trainer = bare_trainer(
        torch.device("cpu"), max_steps=3, limit_val_batches=0, callbacks=[Device(watch)], enable_checkpointing=False
    )
    with watch:
        trainer.fit(module, data)
    # On a CPU each step is looked at for what is not finite.
    assert len(watch.waits) == 1
    assert "broken_steps.py" in watch.waits[0]


class CopyWatch(TorchDispatchMode):
    """Notes copies between host and device that the program waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        if func is torch.ops.aten._to_copy.default:
            source, target, may_go_on = args[0], made, kwargs.get("non_blocking")
        elif func is torch.ops.aten.copy_.default:
            target, source = args[:2]
            may_go_on = args[2] if len(args) > 2 else kwargs.get("non_blocking")
        else:
            return made
        if source.device.type != target.device.type and not may_go_on:
            self.waits.append(f"{source.device} to {target.device}, {tuple(target.shape)}")
        return made


def test_a_copy_that_waits_is_found() -> None:
    with FakeTensorMode(), CopyWatch() as watch:
        torch.zeros(3).to("cuda", non_blocking=True)
        assert not watch.waits
        torch.zeros(3).to("cuda")
        torch.ones(2, device="cuda").cpu()
        torch.ones(2, device="cuda").new_tensor([1.0, 2.0])
    assert watch.waits == ["cpu to cuda:0, (3,)", "cuda:0 to cpu, (2,)", "cpu to cuda:0, (2,)"]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_cost_of_a_step_is_computed_without_waiting_for_copies(
    make: Callable[..., StyleTransferModule], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On tensors of a GPU without values; where there is no GPU, autograd cannot go back through them."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    monkeypatch.setattr(torch, "Generator", lambda _: SimpleNamespace(manual_seed=lambda _: None))
    module = make(**settings)
    module.setup("fit")
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:

        def there(tensor: torch.Tensor) -> FakeTensor:
            return mode.from_tensor(tensor.detach()).to("cuda")  # type: ignore[no-any-return]

        for net in (module, module.objective.loss_network):
            for each in net.modules():
                for name, parameter in each.named_parameters(recurse=False):
                    each._parameters[name] = torch.nn.Parameter(there(parameter), parameter.requires_grad)
                for name, buffer in each.named_buffers(recurse=False):
                    each._buffers[name] = there(buffer)
        grams = module.objective.style_grams
        module.objective.style_grams = {layer: there(gram) for layer, gram in grams.items()}
        module._device = torch.device("cuda", 0)
        batch = torch.zeros(2, 3, 64, 64, dtype=torch.uint8, device="cuda")
        with CopyWatch() as watch:
            terms = module.terms(batch)
            module._broken_steps.see(terms.total, terms.named(), 5)
            module.averaged._steps = 3
            module.averaged.update_parameters(module.net)
    assert terms.total.device.type == "cuda"
    assert not watch.waits
