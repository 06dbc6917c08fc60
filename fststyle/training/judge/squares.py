"""Networks and the optimizer, judged on one square photo after the other."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from fststyle.training.cost.objective import PerceptualObjective
from fststyle.training.judge.equivalence import Point, chase
from fststyle.training.judge.evaluation import PhotoScores, Pictures, Pixels, Settings
from fststyle.training.judge.flicker import Stylize, flicker
from fststyle.training.judge.model import Model
from fststyle.training.judge.scores import border_style, grid_score, rim_contrast
from fststyle.training.tensors import noise, unit_range

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and of how much."""


class SquareJudge:
    """Judges photo after photo and keeps what it finds.

    Attributes:
        own: Scores of the photos themselves.
        scores: Of what each network makes of them.
        chases: By photo, what the optimizer reached, if it was asked.
        pictures: Of the first photos, for a page.
    """

    def __init__(
        self, objective: PerceptualObjective, settings: Settings, models: Sequence[Model], progress: Progress
    ) -> None:
        self.objective, self.settings, self.models, self.progress = objective, settings, models, progress
        self.own: list[PhotoScores] = []
        self.scores: list[list[PhotoScores]] = [[] for _ in models]
        self.chases: list[list[Point]] = []
        self.pictures: list[Pictures] = []

    def judge(self, number: int, photo: str, square: Pixels, of: int) -> None:
        """One photo, by every network and the optimizer."""
        self.progress(f"judging {photo}", number, of)
        content = unit_range(square)
        features = self.objective.content_features(content)

        def cost(picture: torch.Tensor) -> dict[str, torch.Tensor]:
            return self.objective.terms(picture, features).named()

        def scores(picture: Pixels, paint_frame: Stylize) -> PhotoScores:
            with torch.no_grad():
                costs = {name: float(value) for name, value in cost(unit_range(picture)).items()}
            frame, middle = border_style(picture, self.objective)
            rng = np.random.default_rng([self.settings.seed, number])
            moving = flicker(square, paint_frame, rng)
            return PhotoScores(photo, costs, grid_score(picture), frame, middle, rim_contrast(picture), moving)

        self.own.append(scores(square, lambda picture: picture))
        stylized = [model.stylize(square) for model in self.models]
        frames = [model.frame or model.stylize for model in self.models]
        found = [scores(picture, frame) for picture, frame in zip(stylized, frames, strict=True)]
        kept = Pictures(photo, square, stylized)
        if self.settings.iterations:
            targets = [each.costs["total_loss"] for each in found]
            height, width = square.shape[:2]
            from_noise = self.settings.start == "noise"
            start = noise(height, width, self.settings.seed + number) if from_noise else content
            chased = chase(
                cost,
                start,
                targets,
                self.settings.iterations,
                advanced=lambda done: self.progress(f"optimizing {photo}, iteration {done}", number, of),
            )
            found = [replace(each, reached=point) for each, point in zip(found, chased.reached, strict=True)]
            kept = replace(kept, optimized=chased.pictures, best=chased.best)
            self.chases.append(chased.points)
        for each, into in zip(found, self.scores, strict=True):
            into.append(each)
        if len(self.pictures) < self.settings.pictures:
            self.pictures.append(kept)

    def of_painting(self, style: Pixels) -> dict[str, float]:
        """What grid and border come to in the painting itself."""
        frame, middle = border_style(style, self.objective)
        return {
            "grid": grid_score(style),
            "frame_style": frame,
            "middle_style": middle,
            "border": frame / middle if middle else 1.0,
            "rim_contrast": rim_contrast(style),
        }
