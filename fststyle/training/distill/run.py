"""A whole distillation, from folders of pictures to the file that ships. It can be interrupted anywhere."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from fststyle.errors import TrainingError
from fststyle.system.files import atomic_write
from fststyle.training.checkpoint import AtomicCheckpointIO
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.weights import Distilled, shipped_file
from fststyle.training.distill.module import DistillationModule
from fststyle.training.distill.pictures import Sources
from fststyle.training.distill.student import blank, continued, finish, pruned
from fststyle.training.distill.teacher import (
    COMPONENTS,
    Lessons,
    Moments,
    Progress,
    draw_readable,
    second_moments,
    teacher_layers,
)
from fststyle.training.fit.callbacks import LastCheckpoint, StopOnSignal
from fststyle.training.fit.trainer import bare_trainer
from fststyle.training.tensors import reference_photos, unit_range

# Pictures over which principal components are taken and readouts are fitted; of another seed than the lessons.
_SURVEYED = 200
_SURVEY_SEED_OFFSET = 1


@dataclass(frozen=True)
class Recipe:
    """How a student is taught.

    Attributes:
        network: Which.
        lessons: Pictures that the teacher is asked about.
        side: Of these in pixels.
        batch: Pictures a step.
        steps: Optimizer steps.
        learning_rate: Muon's, at its peak.
        seed: Decides pictures and their order.
    """

    network: Distilled = "slim"
    lessons: int = 4608
    side: int = 128
    batch: int = 8
    steps: int = 5000
    learning_rate: float = 3e-3
    seed: int = 0


class Passes(Sampler[int]):
    """Endless passes over n items, each in an order of its own, from any position of the run."""

    def __init__(self, count: int, seed: int, start: int) -> None:
        self.count, self.seed, self.start = count, seed, start

    def __iter__(self) -> Iterator[int]:
        first, place = divmod(self.start, self.count)
        for number in itertools.count(first):
            order = np.random.default_rng([self.seed, number]).permutation(self.count)
            yield from (int(index) for index in order[place:])
            place = 0


class _LessonData(pl.LightningDataModule):
    def __init__(self, lessons: Lessons, recipe: Recipe) -> None:
        super().__init__()
        self.lessons, self.recipe = lessons, recipe

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        start = (self.trainer.global_step if self.trainer else 0) * self.recipe.batch
        sampler = Passes(len(self.lessons), self.recipe.seed, start)
        return DataLoader(self.lessons, self.recipe.batch, sampler=sampler, num_workers=1)


class _Report(pl.Callback):
    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if trainer.global_step % 50 == 0:
            last = cast(DistillationModule, pl_module).last
            terms = ", ".join(f"{name} {float(value):.3f}" for name, value in last.items())
            self.progress(f"teaching: {terms}", trainer.global_step, trainer.max_steps)


def distill(
    weights: Path | None,
    sources: Sources,
    folder: Path,
    recipe: Recipe,
    *,
    start: Path | None = None,
    device: torch.device,
    progress: Progress,
) -> Path:
    """Teach a student and write it under its name, `slim.safetensors`.

    Args:
        weights: VGG-19's; torchvision's if None.
        sources: Of the pictures.
        folder: Receives everything; with an interrupted run in it, that run goes on.
        recipe: How.
        start: An earlier student of the same name to go on from: what networks trained with it have painted shows what
            it does not see yet. None starts from the teacher itself, most of its channels left out.
        device: Where.
        progress: Called as it goes.

    Returns:
        The file.

    Raises:
        WeightsError: VGG-19's weights are missing, or do not reach as deep as the student.
        DataError: The pictures cannot be read, or there is no room for the lessons.
        TrainingError: The run was stopped by a signal; it can go on.
    """
    progress("loading VGG-19", 0, 1)
    teacher = LossNetwork.load("vgg19", teacher_layers(list(COMPONENTS[recipe.network])[-1]), weights=weights)
    teacher.normalize_channels(reference_photos())
    teacher.to(device).to(memory_format=torch.channels_last)
    moments, components = _survey(teacher, sources, folder / "survey.safetensors", recipe, progress)
    lessons = Lessons(folder / "lessons", recipe.lessons, recipe.side, components)
    lessons.prepare(teacher, sources, recipe.seed, batch=recipe.batch, progress=progress)
    teacher.cpu()
    last = folder / "last.ckpt"
    if last.exists():
        student = blank(recipe.network, teacher.index_of, components)
    elif start is None:
        student = pruned(recipe.network, teacher, moments, components)
    else:
        earlier = LossNetwork.load(recipe.network, teacher.index_of, weights=start)
        student = continued(earlier, teacher, components, _surveyed(sources, recipe))
    module = DistillationModule(
        student.to(memory_format=torch.channels_last),
        {layer: moments.energy(layer) for layer in components},
        learning_rate=recipe.learning_rate,
        steps=recipe.steps,
    )
    signals = StopOnSignal()
    trainer = bare_trainer(
        device,
        max_steps=recipe.steps,
        callbacks=[signals, LastCheckpoint(folder, every_n_steps=250), _Report(progress)],
        plugins=[AtomicCheckpointIO()],
        enable_progress_bar=False,
        default_root_dir=folder,
    )
    trainer.fit(module, _LessonData(lessons, recipe), ckpt_path=last if last.exists() else None, weights_only=True)
    if signals.received is not None:
        raise TrainingError(f"stopped; the same command goes on from {last}")
    progress("fitting the readouts", 0, 1)
    finished = finish(student.cpu(), teacher, _surveyed(sources, recipe))
    pictures = {kind: len(files) for kind, files in vars(sources).items()}
    this_round = asdict(recipe) | pictures | {"optimizer": "muon"}
    return _write(folder / shipped_file(recipe.network).name, finished, [*rounds(start), this_round])


def digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256 of the tensors' bytes in the order of their names, in hexadecimal."""
    return hashlib.sha256(b"".join(tensors[name].numpy().tobytes() for name in sorted(tensors))).hexdigest()


def _survey(
    teacher: LossNetwork, sources: Sources, file: Path, recipe: Recipe, progress: Progress
) -> tuple[Moments, dict[str, Tensor]]:
    """Moments and components, kept in a file: lessons already on disk are in these very coordinates."""
    if not file.exists():
        progress("surveying the teacher", 0, 1)
        device = teacher.mean.device
        moments = second_moments(teacher, (image.to(device) for image in _surveyed(sources, recipe)))
        atomic_write(file, save({layer: moment.cpu() for layer, moment in moments.second.items()}))
    moments = Moments(load_file(file))
    components = {}
    for layer, count in COMPONENTS[recipe.network].items():
        components[layer], share = moments.components(layer, count)
        progress(f"{layer}: {count} components keep {share:.1%} of the energy", 1, 1)
    return moments, components


def _surveyed(sources: Sources, recipe: Recipe) -> Iterator[Tensor]:
    for number in range(_SURVEYED):
        yield unit_range(draw_readable(sources, recipe.side, recipe.seed + _SURVEY_SEED_OFFSET, number))


def rounds(student: Path | None) -> list[dict[str, Any]]:
    """How a distilled network was taught, round after round: recipes and numbers of pictures, as its file has them."""
    if student is None:
        return []
    with safe_open(student, "pt") as file:
        recorded: list[dict[str, Any]] = json.loads((file.metadata() or {}).get("rounds", "[]"))
    return recorded


def _write(path: Path, finished: LossNetwork, taught: list[dict[str, Any]]) -> Path:
    # Half precision rounds weights by less than a thousandth of each; no cost of a picture changes by as much.
    tensors = {name: tensor.half().contiguous() for name, tensor in finished.state_dict().items()}
    facts = {
        "name": finished.architecture,
        "teacher": "VGG-19, ImageNet, channels normalized (Simonyan & Zisserman; CC BY 4.0)",
        "rounds": json.dumps(taught),
        "sha256 of tensors": digest(tensors),
    }
    atomic_write(path, save(tensors, metadata=facts))
    return path
