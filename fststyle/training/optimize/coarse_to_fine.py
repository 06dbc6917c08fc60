"""Optimizing a picture first small, then larger (Gatys 2017, "Controlling perceptual factors", section 7).

Large structures are found in a small picture, where an iteration is cheap and a layer sees more of the picture. The
larger pictures add fine strokes. The painting is scaled with the picture, so that strokes keep their relative size.
Files and interruptions are in `run.py`.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from fststyle.model.defaults import OPTIMIZER_ITERATIONS, STYLE_SIZE
from fststyle.pictures.files import resize, resize_shorter_side
from fststyle.training.cost.objective import Cost, PerceptualObjective, load_loss_network
from fststyle.training.optimize.pixels import Method, PixelOptimizer, Step
from fststyle.training.tensors import noise, reference_photos, to_uint8, unit_range

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Task:
    """What to optimize, in pixels.

    Attributes:
        cost: What is minimized; without content layers a texture is made, without style layers a content is inverted.
        height: Of the finished picture.
        width: Of the finished picture.
        content: The photo, any size; None without content layers.
        styles: The paintings; none without style layers.
        style_mix: How much each counts; equally if None.
        style_size: Shorter side at which the paintings are looked at, for the finished picture's size.
        start: Where to start: at the photo, at noise, or at a picture, which is resized.
        iterations: A number for each scale, the coarsest first; every scale is twice the one before.
        method: Of the optimizer.
        seed: Of the noise.
    """

    cost: Cost
    height: int
    width: int
    content: Rgb | None
    styles: tuple[Rgb, ...]
    style_mix: tuple[float, ...] | None = None
    style_size: int = STYLE_SIZE
    start: Rgb | Literal["content", "noise"] = "content"
    iterations: tuple[int, ...] = OPTIMIZER_ITERATIONS
    method: Method = "lbfgs"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.iterations or min(self.iterations) < 1:
            raise ValueError(f"iterations must be 1 or more for every scale, not {self.iterations}")
        if self.cost.content_layers and self.content is None:
            raise ValueError("content layers need a photo; give one, or no content layers")
        if isinstance(self.start, str) and self.start == "content" and self.content is None:
            raise ValueError("there is no photo to start from; start from noise")

    def scale(self, index: int) -> float:
        """Size at a scale as a fraction of the finished one."""
        return 0.5 ** (len(self.iterations) - 1 - index)


class CoarseToFine:
    """Works through a task's scales, an iteration a call of `step`.

    Args:
        task: What to do.
        device: Where to compute.

    Attributes:
        index: The scale that is worked on, 0 for the coarsest.
    """

    def __init__(self, task: Task, device: torch.device) -> None:
        self.task, self.device = task, device
        self.index = 0
        self._before = Step(0, 0, 0.0, float("inf"), float("inf"))
        self._loss_network = load_loss_network(task.cost, reference_photos()).to(device)
        self._optimizer = self._optimizer_from(self._first_picture())

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        return self.index == len(self.task.iterations) - 1 and self._scale_done()

    @property
    def picture(self) -> Rgb:
        """The best of the current scale."""
        return to_uint8(self._optimizer.picture)

    @property
    def last(self) -> Step:
        """The state after the last iteration; iterations, evaluations and seconds count over all scales."""
        step = self._optimizer.last
        return Step(
            self._before.iteration + step.iteration,
            self._before.evaluations + step.evaluations,
            self._before.seconds + step.seconds,
            step.total,
            step.best,
            step.terms,
        )

    def step(self) -> Step:
        """Go one iteration further, to the next scale first if this one is done."""
        if self._scale_done():
            self._before = self.last
            self.index += 1
            self._optimizer = self._optimizer_from(self._optimizer.picture)
        self._optimizer.step()
        return self.last

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on exactly from here."""
        return {"index": self.index, "before": vars(self._before), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, for the same task."""
        self.index = state["index"]
        self._before = Step(**state["before"])
        self._optimizer = self._optimizer_from(state["optimizer"]["pixels"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _scale_done(self) -> bool:
        return self._optimizer.stalled or self._optimizer.last.iteration >= self.task.iterations[self.index]

    def _shape(self) -> tuple[int, int]:
        scale = self.task.scale(self.index)
        return max(1, round(self.task.height * scale)), max(1, round(self.task.width * scale))

    def _first_picture(self) -> Tensor:
        height, width = self._shape()
        start = self.task.content if isinstance(self.task.start, str) else self.task.start
        if start is None or (isinstance(self.task.start, str) and self.task.start == "noise"):
            return noise(height, width, self.task.seed)
        return unit_range(resize(start, height, width))

    def _optimizer_from(self, picture: Tensor) -> PixelOptimizer:
        height, width = self._shape()
        objective = self._objective()
        content = {}
        if self.task.content is not None:
            content = objective.content_features(unit_range(resize(self.task.content, height, width)).to(self.device))
        picture = picture.to(self.device)
        if picture.shape[-2:] != (height, width):
            picture = interpolate(picture, (height, width), mode="bicubic", align_corners=False)
        return PixelOptimizer(lambda x: objective.terms(x, content).named(), picture, method=self.task.method)

    def _objective(self) -> PerceptualObjective:
        size = max(1, round(self.task.style_size * self.task.scale(self.index)))
        styles = [unit_range(resize_shorter_side(style, size)).to(self.device) for style in self.task.styles]
        return PerceptualObjective(
            self.task.cost, styles, style_mix=self.task.style_mix, loss_network=self._loss_network
        )
