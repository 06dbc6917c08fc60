"""The settings and the results of an evaluation; `evaluate.py` measures, `table.py` and `report.py` show."""

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fststyle.model.defaults import (
    EVALUATED_FRAMES,
    EVALUATED_ITERATIONS,
    EVALUATED_SIDES,
    EVALUATED_SIZE,
    STYLE_SIZE,
)
from fststyle.training.cost.objective import Cost
from fststyle.training.judge.equivalence import Point
from fststyle.training.judge.flicker import ClipScores
from fststyle.training.judge.sizes import SizeScores

Pixels = NDArray[np.uint8]
Start = Literal["content", "noise"]

_LEAST_SIZE = 64


@dataclass(frozen=True)
class Settings:
    """What is measured.

    Attributes:
        size: Side of the photos' middle squares in pixels.
        style_size: Shorter side at which the painting is looked at.
        iterations: At which the optimizer gives up; 0 leaves it out.
        start: Its first picture: the photo, or noise.
        clip: A video file or folder of frames for the warped-frame error.
        clip_frames: How many of its frames are used.
        clip_side: Longest side of its frames.
        speed_side: Side of the pictures whose stylizing is timed; 0 leaves it out.
        seed: Of motion and noise.
        pictures: Of how many photos the pictures are kept in memory, for a page.
        sizes: Short sides at which whole photos are judged, too (`sizes.py`); none leaves that out.
    """

    size: int = EVALUATED_SIZE
    style_size: int = STYLE_SIZE
    iterations: int = EVALUATED_ITERATIONS
    start: Start = "content"
    clip: Path | None = None
    clip_frames: int = EVALUATED_FRAMES
    clip_side: int = 640
    speed_side: int = 512
    seed: int = 0
    pictures: int = 0
    sizes: tuple[int, ...] = EVALUATED_SIDES

    def __post_init__(self) -> None:
        for name, least in (("size", _LEAST_SIZE), ("style_size", _LEAST_SIZE), ("clip_frames", 2), ("clip_side", 64)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if any(side < _LEAST_SIZE for side in self.sizes):
            raise ValueError(f"sizes must be at least {_LEAST_SIZE}, not {', '.join(map(str, self.sizes))}")
        if self.start not in get_args(Start):
            raise ValueError(f"start must be one of {', '.join(get_args(Start))}, not {self.start!r}")


@dataclass(frozen=True)
class PhotoScores:
    """Of one picture made from one photo.

    Attributes:
        photo: The file's name.
        costs: By `CostTerms.named`'s names.
        grid: See `grid_score`.
        frame_style: See `border_style`.
        middle_style: Likewise.
        rim_contrast: See there.
        flicker: In gray levels.
        reached: When the optimizer's cost was down to the network's; None if it was not, or was not asked.
    """

    photo: str
    costs: dict[str, float]
    grid: float
    frame_style: float
    middle_style: float
    rim_contrast: float
    flicker: float
    reached: Point | None = None


@dataclass(frozen=True)
class Speed:
    """The median of several runs, pre- and postprocessing included, on pictures of height × width, on the CPU."""

    milliseconds: float
    height: int
    width: int

    @property
    def per_megapixel(self) -> float:
        """Milliseconds for a million pixels."""
        return self.milliseconds * 1e6 / (self.height * self.width)


@dataclass(frozen=True)
class ModelScores:
    """Of one network, or of the photos themselves as if a network gave them back."""

    name: str
    photos: list[PhotoScores]
    clip: float | None = None
    speed: Speed | None = None
    sizes: list[SizeScores] = field(default_factory=list)

    def mean(self) -> dict[str, float]:
        """Over the photos: every cost, and grid, border, rim_contrast and flicker.

        `border` is the mean style cost of the frames over that of the middles; 1 is no difference.
        """
        means = {name: statistics.fmean(photo.costs[name] for photo in self.photos) for name in self.photos[0].costs}
        for name in ("grid", "frame_style", "middle_style", "rim_contrast", "flicker"):
            means[name] = statistics.fmean(getattr(photo, name) for photo in self.photos)
        means["border"] = means["frame_style"] / means["middle_style"] if means["middle_style"] else 1.0
        return means

    def iterations(self) -> list[float]:
        """The optimizer's, for every photo; infinite where it did not get there."""
        return [photo.reached.iteration if photo.reached else float("inf") for photo in self.photos]


@dataclass(frozen=True)
class Pictures:
    """Of one photo: as it was judged, by every network, and by the optimizer (see `Chase`)."""

    photo: str
    content: Pixels
    stylized: list[Pixels]
    optimized: list[Pixels | None] = field(default_factory=list)
    best: Pixels | None = None


@dataclass(frozen=True)
class Evaluation:
    """All that was measured; `json_form.as_json` gives it to programs.

    Attributes:
        cost: What judged.
        settings: What was asked.
        painting: Its file's name.
        painting_scores: `grid`, `frame_style`, `middle_style`, `border` and `rim_contrast` of the painting itself, and
            with `sizes` its `repetition`, `fine_detail`, `blur` and `direction`.
        own: The photos themselves, judged like a network that changes nothing.
        models: In the order given.
        chases: The optimizer's points, for every photo; empty without optimizer.
        clip: What the clip gave, if there was one.
        johnson_speed: Of our `johnson` network with random weights, between the same runs.
        skipped: Photos that could not be read, by file name, and why.
        painting_picture: As the networks' style was judged against.
        pictures: Of the first photos, as many as `settings.pictures`.
    """

    cost: Cost
    settings: Settings
    painting: str
    painting_scores: dict[str, float]
    own: ModelScores
    models: list[ModelScores]
    chases: list[list[Point]]
    clip: ClipScores | None
    johnson_speed: Speed | None
    skipped: dict[str, str]
    painting_picture: Pixels
    pictures: list[Pictures]
