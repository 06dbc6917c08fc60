"""The student's targets: VGG-19's activations in the coordinates of their principal components.

With orthonormal U, the squared distance of UᵀF and UᵀF' equals that of F and F', except for what lies outside of U's
span. The same holds for the Frobenius distance of UᵀGU and UᵀG'U. So both costs keep their units (PCA distillation:
Chiu & Gurari 2022).
"""

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fststyle.errors import DataError, ImageError
from fststyle.system.files import atomic_write
from fststyle.training.cost.loss_network import LossNetwork, layer_indices
from fststyle.training.cost.weights import Distilled
from fststyle.training.distill.pictures import Sources, draw
from fststyle.training.tensors import unit_range

COMPONENTS: Mapping[Distilled, Mapping[str, int]] = {
    "slim": {"relu1_2": 32, "relu2_2": 64, "relu3_3": 128, "relu4_1": 256},
    "medium": {"relu1_2": 48, "relu2_2": 96, "relu3_3": 256, "relu4_1": 384},
}
"""How many principal components of each layer a student is trained on."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Moments:
    """Of a teacher over many pictures.

    Attributes:
        second: F·Fᵀ averaged over positions for every rectified layer, (C, C) float64; not centered, as in the Gram
            matrix.
    """

    second: Mapping[str, Tensor]

    def energy(self, layer: str) -> float:
        """Mean of ‖F‖² over positions."""
        return float(self.second[layer].trace())

    def components(self, layer: str, count: int) -> tuple[Tensor, float]:
        """The leading principal components, (C, count) with orthonormal columns, and the share of energy they keep."""
        values, vectors = torch.linalg.eigh(self.second[layer])
        return vectors.flip(1)[:, :count], float(values.flip(0)[:count].sum() / values.sum())


@torch.no_grad()
def second_moments(teacher: LossNetwork, images: Iterable[Tensor]) -> Moments:
    """Over pictures (1, 3, H, W) in [0, 1], for every layer that the teacher was built for."""
    sums: dict[str, Tensor] = {}
    count = 0
    for image in images:
        for layer, features in teacher(image).items():
            flat = features[0].flatten(1).double()
            moment = flat @ flat.mT / flat.shape[1]
            sums[layer] = sums[layer] + moment if layer in sums else moment
        count += 1
    return Moments({layer: total / count for layer, total in sums.items()})


def teacher_layers(deepest: str) -> tuple[str, ...]:
    """Every rectified layer of VGG-19 up to this one."""
    names = list(layer_indices("vgg19"))
    return tuple(names[: names.index(deepest) + 1])


class Lessons(Dataset[dict[str, Tensor]]):
    """Pictures and the teacher's answers, on disk, computed once: a student passes over them many times.

    Item n is {"picture": (3, S, S) uint8, layer: (components, S / 2^(block-1), …) float16, …}.

    Args:
        folder: Where they lie.
        count: How many.
        side: Of the pictures.
        components: {layer: (C, K)}.
    """

    def __init__(self, folder: Path, count: int, side: int, components: Mapping[str, Tensor]) -> None:
        self.folder, self.count, self.side, self.components = folder, count, side, components
        self._pictures = self._map("pictures", (3, side, side), np.uint8)
        self._answers = {}
        for layer, basis in components.items():
            reduced = side // 2 ** (int(layer[len("relu")]) - 1)
            self._answers[layer] = self._map(layer, (basis.shape[1], reduced, reduced), np.float16)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = {"picture": torch.from_numpy(np.array(self._pictures[index]))}
        return item | {layer: torch.from_numpy(np.array(kept[index])) for layer, kept in self._answers.items()}

    @torch.no_grad()
    def prepare(self, teacher: LossNetwork, sources: Sources, seed: int, *, batch: int, progress: Progress) -> None:
        """Compute what is missing; an interrupted preparation goes on where it stood.

        Raises:
            DataError: Hardly a picture can be read, or the folder holds lessons of other settings.
        """
        asked = {"count": self.count, "side": self.side, "seed": seed, "files": len(sum(vars(sources).values(), ()))}
        asked |= {layer: basis.shape[1] for layer, basis in self.components.items()}
        record = self.folder / "done.json"
        known: dict[str, Any] = {"asked": asked, "done": 0}
        if record.exists():
            known = json.loads(record.read_text("utf-8"))
        if known["asked"] != asked:
            raise DataError(f"{self.folder} holds lessons of other settings; give another folder, or remove it")
        device = teacher.mean.device
        for start in range(known["done"], self.count, batch):
            numbers = range(start, min(start + batch, self.count))
            pictures = np.stack([draw_readable(sources, self.side, seed, number) for number in numbers])
            images = torch.cat([unit_range(picture) for picture in pictures]).to(device)
            for layer, features in teacher(images, list(self.components)).items():
                basis = self.components[layer].to(features)
                answers = torch.einsum("bchw,ck->bkhw", features, basis)
                self._answers[layer][start : start + len(numbers)] = answers.half().cpu().numpy()
            self._pictures[start : start + len(numbers)] = pictures.transpose(0, 3, 1, 2)
            for kept in (self._pictures, *self._answers.values()):
                kept.flush()
            atomic_write(record, json.dumps({"asked": asked, "done": start + len(numbers)}).encode())
            progress("asking the teacher", start + len(numbers), self.count)

    def _map(self, name: str, shape: tuple[int, ...], dtype: type[np.uint8 | np.float16]) -> "np.memmap[Any, Any]":
        path = self.folder / f"{name}.bin"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _reserve(path, self.count * math.prod(shape) * np.dtype(dtype).itemsize)
            return np.memmap(path, dtype, "r+", shape=(self.count, *shape))
        except (OSError, ValueError) as error:
            raise DataError(f"cannot keep lessons in {path} ({error}); make room, or give another folder") from error


def _reserve(path: Path, size: int) -> None:
    """Make a file with its room on disk: without, a full disk would end the process (SIGBUS) when it is written to.

    Raises:
        OSError: There is no room.
    """
    with path.open("xb") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:  # macOS and Windows
                file.truncate(size)
        except OSError:
            path.unlink()
            raise


def draw_readable(sources: Sources, side: int, seed: int, number: int) -> NDArray[np.uint8]:
    """The picture of that number, or of one far behind if its file cannot be read."""
    for attempt in range(100):
        try:
            return draw(sources, side, seed, number + attempt * 1_000_000)
        except ImageError:
            continue
    raise DataError("a hundred pictures in a row cannot be read; check the folders")
