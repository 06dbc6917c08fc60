"""Module and data from Python, with a Trainer of one's own: what a user of Lightning expects to work."""

import copy
import io
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, GradientAccumulationScheduler, Timer
from torch.utils.data import DataLoader, TensorDataset

from fststyle.errors import TrainingError
from fststyle.training.cost.objective import Cost
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.schedule import one_cycle


@pytest.fixture
def module(painting: Path, vgg19_file: Path) -> StyleTransferModule:
    layers = {"content_layers": ("relu1_2",), "style_layers": ("relu1_2",)}
    cost = Cost(weights=str(vgg19_file), normalize_channels=False, **layers)
    return StyleTransferModule(str(painting), width=0.25, style_size=64, cost=cost, warmup=0.5, ema_decay=0.9)


@pytest.fixture
def data(photo_folder: Path) -> ContentData:
    return ContentData(str(photo_folder), crop=32, batch_size=2, val_photos=3, val_size=48, num_workers=0)


def trainer(folder: Path, **settings: Any) -> pl.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(**{"accelerator": "cpu", "default_root_dir": folder, **quiet} | settings)


class Watch(Callback):
    """Keeps the progress and the rate at every step, and the photos of each epoch."""

    def __init__(self) -> None:
        self.progress: list[float] = []
        self.rates: list[float] = []
        self.batches = 0

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        self.progress.append(pl_module.progress)
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"] / pl_module.learning_rate)
        self.batches += 1


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"max_steps": 5}, 5),
        ({"max_epochs": 1}, 9),  # 17 photos to train on, two a batch
        ({"max_epochs": 2, "max_steps": 12}, 12),
        ({"max_epochs": 1, "max_steps": 12, "accumulate_grad_batches": 2}, 5),
        ({"max_epochs": 2, "limit_train_batches": 3}, 6),
        ({"max_epochs": 2, "overfit_batches": 2}, 4),
        ({"max_epochs": 3, "callbacks": [GradientAccumulationScheduler({0: 1, 1: 4})]}, 15),
    ],
)
def test_the_learning_rate_follows_whatever_ends_the_run(
    module: StyleTransferModule, data: ContentData, tmp_path: Path, settings: dict[str, Any], steps: int
) -> None:
    watch = Watch()
    callbacks = [watch, *settings.pop("callbacks", [])]
    run = trainer(tmp_path, callbacks=callbacks, enable_checkpointing=False, limit_val_batches=0, **settings)
    run.fit(module, data)
    assert run.global_step == steps
    assert sorted(set(watch.progress)) == pytest.approx([step / steps for step in range(steps)])
    assert watch.rates == pytest.approx([one_cycle(done, 0.5) for done in watch.progress])


def test_the_learning_rate_follows_the_time(module: StyleTransferModule, data: ContentData, tmp_path: Path) -> None:
    watch, timer = Watch(), Timer(duration="00:00:00:20")
    elapsed = iter(range(0, 400))
    timer.time_elapsed = lambda *_: min(20.0, next(elapsed) / 2)  # type: ignore[method-assign]
    run = trainer(tmp_path, callbacks=[watch, timer], enable_checkpointing=False, limit_val_batches=0, max_epochs=-1)
    run.fit(module, data)
    assert watch.progress == sorted(watch.progress)
    assert watch.progress[-1] > 0.8
    assert max(watch.rates) > 0.9
    assert watch.rates[-1] < 0.2


def test_a_run_without_an_end_keeps_its_rate_and_says_so(
    module: StyleTransferModule, data: ContentData, tmp_path: Path
) -> None:
    class Stop(Watch):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
            trainer.should_stop = trainer.global_step == 3

    watch = Stop()
    run = trainer(tmp_path, callbacks=[watch], enable_checkpointing=False, limit_val_batches=0, max_epochs=-1)
    with pytest.warns(
        UserWarning, match="nothing ends this run.*constant.*max_steps, max_epochs or max_time"
    ) as warned:
        run.fit(module, data)
    assert len([each for each in warned if "nothing ends" in str(each.message)]) == 1
    assert watch.rates == [1, 1, 1]


def test_an_epoch_is_every_photo_once(photo_folder: Path, tmp_path: Path) -> None:
    data = ContentData(photo_folder, crop=32, batch_size=3, val_photos=3, num_workers=0)
    data.setup("fit")
    data.trainer = trainer(tmp_path, max_epochs=2, barebones=True)
    loader = data.train_dataloader()
    assert len(loader) == 6
    crops = loader.dataset
    batches = list(loader)
    assert [len(batch) for batch in batches] == [3] * 5 + [2]
    assert torch.equal(torch.cat(batches), torch.stack([crops[p] for p in range(17)]))
    assert sorted(crops._order(0)) == list(range(17))  # type: ignore[attr-defined]


def test_a_run_by_epochs_that_is_resumed_equals_an_unbroken_one(
    painting: Path, shallow_cost: Callable[..., Cost], photo_folder: Path, tmp_path: Path
) -> None:
    cost = shallow_cost()

    class Save(Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
            if trainer.global_step in (3, 5):
                trainer.save_checkpoint(tmp_path / f"{trainer.global_step}.ckpt")

    def run(start: Path | None) -> dict[str, torch.Tensor]:
        module = StyleTransferModule(painting, width=0.25, style_size=64, cost=cost)
        data = ContentData(photo_folder, crop=32, batch_size=4, val_photos=3, val_size=48, num_workers=0)
        callbacks = [] if start else [Save()]
        fitted = trainer(tmp_path, max_epochs=2, callbacks=callbacks, enable_checkpointing=False, limit_val_batches=0)
        with warnings.catch_warnings(action="error", category=pl.utilities.warnings.PossibleUserWarning):
            fitted.fit(module, data, ckpt_path=start, weights_only=True)
        assert fitted.global_step == 10
        return module.state_dict()

    whole = run(None)
    for step in (3, 5):  # within an epoch, and at its end
        resumed = run(tmp_path / f"{step}.ckpt")
        assert [name for name in whole if not torch.equal(whole[name], resumed[name])] == []


def test_every_door_of_a_trainer(module: StyleTransferModule, data: ContentData, tmp_path: Path) -> None:
    run = trainer(tmp_path, max_steps=2, check_val_every_n_epoch=None, val_check_interval=2)
    run.fit(module, data)  # Lightning's own checkpoint among others
    (validated,) = run.validate(module, data, verbose=False)
    (tested,) = run.test(module, data, verbose=False)
    assert validated["val/total_loss"] == pytest.approx(tested["test/total_loss"])
    assert validated["val/total_loss"] == pytest.approx(module.costs["total_loss"])
    painted = run.predict(module, data)
    assert painted is not None
    assert [tuple(each.shape) for each in painted] == [(1, 3, 48, 48)] * 3
    last = tmp_path / "last.ckpt"
    run.save_checkpoint(last)

    again = StyleTransferModule.load_from_checkpoint(last)
    assert again.recipe() == module.recipe()
    assert again.painting_sha256 == module.painting_sha256
    assert (again.warmup, again.hparams["ema_decay"], again.costs) == (0.5, 0.9, module.costs)
    other = trainer(tmp_path, barebones=True)
    assert torch.equal(torch.cat(other.predict(again, data)), torch.cat(painted))  # type: ignore[arg-type]
    slower = StyleTransferModule.load_from_checkpoint(last, learning_rate=1e-4)
    assert slower.learning_rate == 1e-4
    usual = {"checkpoint_path": str(last), "map_location": "cpu", "strict": False, "weights_only": True}
    assert StyleTransferModule.load_from_checkpoint(**usual, hparams_file=None).costs == module.costs

    photo = torch.rand(1, 3, 40, 40)
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        copied.eval()
        assert torch.equal(copied(photo), module.eval()(photo))
    copied_data = pickle.loads(pickle.dumps(data))
    assert copied_data.val_files == copy.deepcopy(data).val_files == data.val_files


@pytest.mark.parametrize("kind", ["float", "double", "uint8", "with labels"])
def test_own_photos(module: StyleTransferModule, tmp_path: Path, kind: str) -> None:
    photos = torch.rand(4, 3, 40, 40)
    given = {"double": photos.double(), "uint8": (photos * 255).byte()}.get(kind, photos)
    dataset: Any = TensorDataset(given, torch.zeros(4)) if kind == "with labels" else list(given)
    loader = DataLoader(dataset, batch_size=2)
    run = trainer(tmp_path, max_epochs=1, enable_checkpointing=False)
    run.fit(module, loader, loader)
    assert run.global_step == 2
    assert module.costs["total_loss"] > 0
    painted = run.predict(module, loader)
    assert painted is not None
    assert [(each.dtype, tuple(each.shape)) for each in painted] == [(torch.float32, (2, 3, 40, 40))] * 2


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        (torch.rand(2, 1, 40, 40), r"shape \(B, 3, H, W\), not \(2, 1, 40, 40\)"),
        (torch.rand(2, 3, 40, 40) * 255, r"lie in \[0, 1\], not .*give uint8"),
        (torch.randn(2, 3, 40, 40), r"lie in \[0, 1\].*undo their normalization"),
        (torch.zeros(2, 3, 40, 40, dtype=torch.int64), "uint8, or floating point in .*int64"),
        ({"photo": 1}, "a tensor of photos.*not dict"),
    ],
)
def test_batches_that_are_no_photos(module: StyleTransferModule, batch: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        module.predict_step(batch, 0)


def test_without_a_trainer_the_terms_are_those_of_the_end(module: StyleTransferModule) -> None:
    batch = torch.randint(256, (2, 3, 40, 40), dtype=torch.uint8)
    terms = module.terms(batch)
    painted, objective = module.net(batch / 255), module.objective
    plain = objective.terms(painted, objective.content_features(batch / 255))
    assert terms.content.item() == pytest.approx(plain.content.item())
    assert terms.total.item() == pytest.approx(objective.with_grid(plain, painted).total.item())
    terms.total.backward()


@pytest.mark.parametrize("precision", ["bf16-true", "16-true", "64-true"])
def test_weights_in_another_precision_are_refused(
    module: StyleTransferModule, data: ContentData, tmp_path: Path, precision: str
) -> None:
    run = trainer(tmp_path, max_steps=1, precision=precision, enable_checkpointing=False)
    with pytest.raises(TrainingError, match="32-true, or bf16-mixed or 16-mixed"):
        run.fit(module, data)


def test_tiny_without_a_teacher_is_warned_of(
    painting: Path, shallow_cost: Callable[..., Cost], data: ContentData, tmp_path: Path
) -> None:
    module = StyleTransferModule(painting, network="tiny", width=0.25, style_size=64, cost=shallow_cost())
    with pytest.warns(UserWarning, match=r"tiny alone learns blotches.*--teacher"):
        trainer(tmp_path, max_steps=1, enable_checkpointing=False, limit_val_batches=0).fit(module, data)


def test_settings_of_another_kind_are_refused_by_name(painting: Path, photo_folder: Path) -> None:
    for wrong, says in (
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'; use one of muon, adam"),
        ({"learning_rate": "1e-3"}, "learning_rate must .*not '1e-3'"),
        ({"style": None}, "style must be the path of a picture, not NoneType"),
    ):
        with pytest.raises(ValueError, match=says):
            StyleTransferModule(**{"style": painting, **wrong})
    with pytest.raises(ValueError, match="unknown loss network 'vgg18'; use one of vgg16, vgg19"):
        Cost(loss_network="vgg18")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"crop must be a whole number.*not 'large'"):
        ContentData(photo_folder, crop="large")


def test_a_painting_in_memory_and_an_optimizer_without_a_trainer(painting: Path) -> None:
    module = StyleTransferModule(io.BytesIO(painting.read_bytes()), name="mine", width=0.25)  # type: ignore[arg-type]
    assert module.painting == "mine"
    optimizer = module.configure_optimizers()["optimizer"]
    assert {group["lr"] / group["initial_lr"] for group in optimizer.param_groups} == {1.0}  # nothing ends a run


def test_a_term_of_the_relative_form_is_refused_in_the_literal_one() -> None:
    with pytest.raises(ValueError, match="wasserstein_weight is for the relative form; leave it at 0, or use form rel"):
        Cost(form="literal", wasserstein_weight=1)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_numbers_that_no_training_can_be_made_with(painting: Path, photo_folder: Path, value: float) -> None:
    for name in ("learning_rate", "width"):
        with pytest.raises(ValueError, match=rf"{name} must be above 0 and finite, not {value}"):
            StyleTransferModule(painting, **{name: value})
    if value != 0:
        for name in ("warmup", "ema_decay", "style_size"):
            with pytest.raises(ValueError, match=rf"{name} must .*not {value}"):
                StyleTransferModule(painting, **{name: value})
        for term in ("content", "style", "tv", "grid", "local", "wasserstein", "temporal"):
            name = f"{term}_weight"
            with pytest.raises(ValueError, match=rf"{name} must be 0 or more and finite, not {value}"):
                Cost(**{name: value})
        for name in ("val_photos", "num_workers", "seed", "dark", "cache_gigabytes"):
            with pytest.raises(ValueError, match=rf"{name} must .*not {value}"):
                ContentData(photo_folder, **{name: value})  # type: ignore[arg-type]
    for name in ("crop", "batch_size", "val_size"):
        with pytest.raises(ValueError, match=rf"{name} must .*not {value}"):
            ContentData(photo_folder, **{name: value})  # type: ignore[arg-type]
