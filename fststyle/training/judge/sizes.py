"""Costs at the sizes that people use: photos at several short sides, and large photos as seen on a screen.

A network that is good at 256 pixels can paint too little at 1024. A photo of 8 megapixels is seen on a screen of one or
two, where its strokes look smaller than the painting's. Both are measured here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray

from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, PerceptualObjective, load_loss_network
from fststyle.training.judge.flicker import Stylize
from fststyle.training.judge.plain_areas import fine_detail, plainest_windows, repetition
from fststyle.training.judge.sharpness import blur, direction
from fststyle.training.judge.wasserstein import LAYERS, SlicedWasserstein
from fststyle.training.tensors import reference_photos, unit_range

Pixels = NDArray[np.uint8]

_SEEN = (512, 1024)
_PLAIN_SIDE = 512

# A photo is large from here on: reduced to the largest screen above, something is lost.
_LARGE_SIDE = 1536
_CROP = 768

# Longer photos are cut, so that one panorama does not fill the memory.
_LONGEST = 2.0

_WHOLE = "1:1"

_STRIDE = 16  # of the loss network at relu5_1: sides are cut to a multiple


@dataclass(frozen=True)
class SizeScores:
    """Of one network at one size; means over the photos.

    Attributes:
        label: "short side 512", "seen at 1024", "1:1".
        photos: How many were large enough; photos are never enlarged.
        content: Content cost against the photo in the same size.
        style: Style cost; the painting is at the networks' own size, and at the size of the screen for "seen at".
        total: The weighted sum, as in training.
        wasserstein: See `wasserstein.py`.
        plain: Style cost of the plainest windows, at short side 512.
        repetition: Of the same windows.
        fine_detail: Share of the finest octave, at 1:1.
        blur: See `sharpness.py`, at 1:1.
        direction: Likewise.
    """

    label: str
    photos: int
    content: float
    style: float
    total: float
    wasserstein: float
    plain: float | None = None
    repetition: float | None = None
    fine_detail: float | None = None
    blur: float | None = None
    direction: float | None = None


def label_of(side: int) -> str:
    """The label of the scores of whole photos with this short side."""
    return f"short side {side}"


def _seen_at(side: int) -> str:
    return f"seen at {side}"


@dataclass
class _Sums:
    """What was found at one size, photo by photo."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        for name, value in values.items():
            self.found.setdefault(name, []).append(value)

    def scores(self, label: str) -> SizeScores:
        means = {name: fmean(values) for name, values in self.found.items()}
        return SizeScores(label, len(self.found["content"]), **means)


class SizeJudge:
    """Judges networks of one painting at every size.

    Args:
        cost: What judges.
        network: The loss network of that cost, loaded. The Wasserstein distance has its own, the VGG-19 that ships, so
            that it is the same whatever judges.
        painting: (H, W, 3), as large as it is. Large photos are not judged as seen on screens that are larger.
        style_size: Short side at which the networks' painting was looked at in training.
    """

    def __init__(self, cost: Cost, network: LossNetwork, painting: Pixels, style_size: int) -> None:
        self._cost, self._network, self._painting, self._style_size = cost, network, painting, style_size
        independent = Cost(loss_network="vgg19", content_layers=(), style_layers=LAYERS)
        self._independent = load_loss_network(independent, reference_photos())
        self._seen = [side for side in _SEEN if side <= min(painting.shape[:2])]
        self._judges: dict[int, tuple[PerceptualObjective, SlicedWasserstein]] = {}

    def judge(
        self,
        models: Sequence[Stylize],
        photos: Sequence[Path],
        sides: Sequence[int],
        *,
        once: Sequence[Stylize] = (),
        advanced: Callable[[int, str], None] = lambda *_: None,
    ) -> list[list[SizeScores]]:
        """Scores of every network, in the order of the sizes; sizes for which no photo is large enough are left out.

        Args:
            models: Paint large photos as users get them, in passes.
            photos: Files.
            sides: Short sides at which whole photos are judged.
            once: The same networks in one pass, for the short sides; `models` if not given.
            advanced: Told how many photos are done, and the name of the next.

        Raises:
            ImageError: A photo cannot be read.
            ModelFileError: A network fails.
        """
        sums: list[dict[str, _Sums]] = [{} for _ in models]
        for number, path in enumerate(photos):
            advanced(number, path.name)
            photo = read_picture(path).rgb
            for stylize, one_pass, into in zip(models, once or models, sums, strict=True):
                self._at_sides(photo, one_pass, sides, into)
                if min(photo.shape[:2]) >= _LARGE_SIDE:
                    self._large(photo, stylize, into)
        labels = [*map(label_of, sides), *map(_seen_at, _SEEN), _WHOLE]
        return [[each[label].scores(label) for label in labels if label in each] for each in sums]

    def too_small_for(self, scores: Sequence[Sequence[SizeScores]]) -> list[int]:
        """Sizes of screens at which large photos were not judged, because the painting is smaller.

        An enlarged painting lacks the fine strokes that a larger scan of it would have: of two scans of one painting,
        that would give a picture up to twice the style cost (docs/notebook.md).

        Args:
            scores: What `judge` returned.
        """
        if not any(each.label == _WHOLE for found in scores for each in found):
            return []
        return [side for side in _SEEN if side not in self._seen]

    def of_painting(self) -> dict[str, float]:
        """Repetition of the painting's plainest windows at 512, and what it is made of at the networks' size."""
        rgb = resize_shorter_side(self._painting, _PLAIN_SIDE)
        repeated = [repetition(rgb[window]) for window in plainest_windows(rgb)]
        own = resize_shorter_side(self._painting, self._style_size)
        return {"repetition": fmean(repeated) if repeated else 0.0, **_made_of(own)}

    def _at_sides(self, photo: Pixels, stylize: Stylize, sides: Sequence[int], into: dict[str, _Sums]) -> None:
        for side in sides:
            if min(photo.shape[:2]) < side:
                continue
            content = _cut(resize_shorter_side(photo, side))
            painted = stylize(content)
            sums = into.setdefault(label_of(side), _Sums())
            sums.add(**self._costs(painted, content, self._style_size))
            windows = plainest_windows(content) if side == _PLAIN_SIDE else []
            if windows:
                objective, _ = self._judge(self._style_size)
                sums.add(
                    plain=fmean(_style(objective, painted[window]) for window in windows),
                    repetition=fmean(repetition(painted[window]) for window in windows),
                )

    def _large(self, photo: Pixels, stylize: Stylize, into: dict[str, _Sums]) -> None:
        """Painted whole, then reduced to a screen, or looked at through a window of one."""
        painted = stylize(photo)
        for side in self._seen:
            seen, content = (_cut(resize_shorter_side(each, side)) for each in (painted, photo))
            into.setdefault(_seen_at(side), _Sums()).add(**self._costs(seen, content, side))
        top, left = ((side - _CROP) // 2 for side in photo.shape[:2])
        window = (slice(top, top + _CROP), slice(left, left + _CROP))
        costs = self._costs(painted[window], photo[window], self._style_size)
        into.setdefault(_WHOLE, _Sums()).add(**costs, **_made_of(painted[window]))

    @torch.no_grad()
    def _costs(self, painted: Pixels, content: Pixels, painting_side: int) -> dict[str, float]:
        objective, sliced = self._judge(painting_side)
        picture = unit_range(painted)
        terms = objective.terms(picture, objective.content_features(unit_range(content)))
        return {
            "content": float(terms.content),
            "style": float(terms.style),
            "total": float(terms.total),
            "wasserstein": sliced.distance(picture),
        }

    def _judge(self, painting_side: int) -> tuple[PerceptualObjective, SlicedWasserstein]:
        if painting_side not in self._judges:
            painting = unit_range(resize_shorter_side(self._painting, painting_side))
            objective = PerceptualObjective(self._cost, painting, loss_network=self._network)
            self._judges[painting_side] = objective, SlicedWasserstein(self._independent, painting)
        return self._judges[painting_side]


def _made_of(picture: Pixels) -> dict[str, float]:
    return {"fine_detail": fine_detail(picture), "blur": blur(picture), "direction": direction(picture)}


@torch.no_grad()
def _style(objective: PerceptualObjective, window: Pixels) -> float:
    return float(objective.terms(unit_range(np.ascontiguousarray(window)), {}).style)


def _cut(picture: Pixels) -> Pixels:
    """The middle of a picture, at most twice as long as wide, sides a multiple of 16."""
    shorter = min(picture.shape[:2])
    sides = [min(side, int(_LONGEST * shorter)) // _STRIDE * _STRIDE for side in picture.shape[:2]]
    top, left = ((whole - side) // 2 for whole, side in zip(picture.shape[:2], sides, strict=True))
    return np.ascontiguousarray(picture[top : top + sides[0], left : left + sides[1]])
