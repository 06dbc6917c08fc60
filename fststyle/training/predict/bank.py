"""The styles that the predictor learns from, looked at once: style matrices and vectors, in a folder.

A step of training then reads a few numbers instead of running a loss network on paintings.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fststyle.errors import DataError
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.predict.style_vector import LAYERS, StyleVector
from fststyle.training.predict.variants import draw_variants
from fststyle.training.tensors import unit_range

_SEEN, _RAW = "seen", "raw"


class StyleBank:
    """Style matrices and raw vectors of many paintings, memory-mapped.

    Args:
        folder: Where they lie, or will.
        paintings: Their files.
        variants: How many of each (`draw_variants`).
        judges: Loss networks whose style matrices are kept, by name, built for `LAYERS`.
        vectors: Looks at the paintings; its directions are chosen already.

    Raises:
        DataError: The folder holds other styles.
    """

    def __init__(
        self,
        folder: Path,
        paintings: Sequence[Path],
        variants: int,
        judges: Mapping[str, LossNetwork],
        vectors: StyleVector,
    ) -> None:
        self.folder, self.paintings, self.variants = folder, list(paintings), variants
        self.judges, self.vectors = dict(judges), vectors
        folder.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, NDArray[Any]] = {}
        count = len(self)
        for name, judge in self.judges.items():
            for layer in LAYERS:
                width = judge.features[judge.index_of[layer] - 1].out_channels
                self._open(f"{name}_{layer}", (count, width, width), np.float16)
                self._open(f"{name}_{layer}_norm", (count,), np.float32)
        self._open(_RAW, (count, vectors.size), np.float32)
        self._open(_SEEN, (count,), np.uint8)

    def __len__(self) -> int:
        """How many styles there are."""
        return len(self.paintings) * self.variants

    def _open(self, name: str, shape: tuple[int, ...], kind: Any) -> None:
        path = self.folder / f"{name}.npy"
        if not path.exists():
            np.lib.format.open_memmap(path, "w+", kind, shape).flush()
        found = np.lib.format.open_memmap(path, "r+")
        if found.shape != shape:
            raise DataError(f"{path} is of {found.shape}, not {shape}, so of other styles; name another folder")
        self._files[name] = found

    @torch.no_grad()
    def look(self) -> None:
        """Look at every painting that was not looked at yet.

        Raises:
            ImageError: If one cannot be read.
        """
        for number, painting in enumerate(self.paintings):
            start = number * self.variants
            if self._files[_SEEN][start : start + self.variants].all():
                continue
            for place, rgb in enumerate(draw_variants(painting, self.variants, seed=0), start):
                self._keep(place, unit_range(rgb))

    def _keep(self, place: int, painting: Tensor) -> None:
        for name, judge in self.judges.items():
            seen = judge.see(painting, LAYERS)
            for layer, x in seen.items():
                gram = judge.style_matrix(layer, x)[0]
                norm = float(gram.norm())
                self._files[f"{name}_{layer}"][place] = (gram / norm).numpy()
                self._files[f"{name}_{layer}_norm"][place] = norm
            if judge is self.vectors.trunk:
                self._files[_RAW][place] = self.vectors.raw(seen)[0].numpy()
        self._files[_SEEN][place] = 1

    @property
    def raw(self) -> Tensor:
        """The raw vectors of all styles, (N, `size`)."""
        return torch.from_numpy(self._files[_RAW])

    def grams(self, judge: str, places: Sequence[int]) -> dict[str, Tensor]:
        """Style matrices of styles by layer, (B, C, C) float32."""
        places = list(places)
        return {
            layer: torch.from_numpy(
                self._files[f"{judge}_{layer}"][places].astype(np.float32)
                * self._files[f"{judge}_{layer}_norm"][places][:, None, None]
            )
            for layer in LAYERS
        }


@torch.no_grad()
def mean_products(trunk: LossNetwork, paintings: Sequence[Path]) -> dict[str, Tensor]:
    """Mean products of the trunk's channels over paintings, by layer: (C, C), for `StyleVector.look_along`."""
    sums: dict[str, Tensor] = {}
    for painting in paintings:
        (rgb,) = draw_variants(painting, 1, seed=0)
        for layer, x in trunk.see(unit_range(rgb), LAYERS).items():
            flat = x[0].flatten(1)
            products = flat @ flat.mT / flat.shape[1]
            sums[layer] = sums.get(layer, 0) + products / products.trace()
    return sums
