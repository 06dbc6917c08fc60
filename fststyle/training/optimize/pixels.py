"""A picture that minimizes a cost by changing its own pixels (Gatys 2015, section 2).

The caller gives the cost: any function of a picture. Sizes are in `coarse_to_fine.py`, files in `run.py`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd import Function

Method = Literal["lbfgs", "adam"]

PixelCost = Callable[[Tensor], Mapping[str, Tensor]]
"""A picture (1, 3, H, W) in [0, 1] to named scalars, among them `total_loss`, which is minimized."""

# Pairs of steps and gradients that L-BFGS remembers, each as large as two pictures.
_HISTORY = 50

_ADAM_LEARNING_RATE = 0.02


@dataclass(frozen=True)
class Step:
    """Where an optimization stands.

    Attributes:
        iteration: 0 for the start; L-BFGS's or Adam's steps since.
        evaluations: How often cost and gradient have been computed; L-BFGS sometimes needs more than one an iteration.
        seconds: Computing time since the start.
        total: Cost of the current picture.
        best: The lowest cost so far.
        terms: What the cost says about the current picture, `total_loss` included.
    """

    iteration: int
    evaluations: int
    seconds: float
    total: float
    best: float
    terms: dict[str, float] = field(default_factory=dict)


class PixelOptimizer:
    """Lowers the cost of a picture, an iteration a call of `step`.

    Pixels stay in [0, 1], as in Johnson's projected L-BFGS (2016, section 4.1): the cost is always that of a picture
    that can be saved. We also take out the part of the gradient that points out of the range, so that the clipping
    after an iteration changes neither cost nor gradient, and nothing has to be computed twice.

    Args:
        cost: What to minimize.
        start: The picture to start from, (1, 3, H, W) in [0, 1].
        method: "lbfgs" gets further in a given time; "adam" needs less memory and stands noisy costs.
        learning_rate: For Adam, in units of the pixel range.

    Attributes:
        last: The state after the last iteration.
        stalled: No step lowers the cost any more.
    """

    def __init__(
        self, cost: PixelCost, start: Tensor, *, method: Method = "lbfgs", learning_rate: float = _ADAM_LEARNING_RATE
    ) -> None:
        if method not in get_args(Method):
            raise ValueError(f"unknown method {method!r}; use one of {', '.join(get_args(Method))}")
        if not 0 < learning_rate < float("inf"):
            raise ValueError(f"learning_rate must be above 0 and finite, not {learning_rate}")
        self._cost = cost
        self._pixels = start.detach().clone().clamp_(0, 1).requires_grad_()
        self._method, self._learning_rate = method, learning_rate
        self._fresh = True
        self._optimizer = self._new_optimizer()
        self._evaluated: Tensor | None = None
        self._terms: dict[str, Tensor] = {}
        self._gradient = torch.zeros_like(self._pixels)
        self._evaluations = 0
        self.stalled = False
        begun = time.perf_counter()
        total = float(self._closure())
        self._best = self._pixels.detach().clone()
        self.last = Step(0, self._evaluations, time.perf_counter() - begun, total, total, self._named_floats())

    @property
    def picture(self) -> Tensor:
        """The picture of lowest cost so far, (1, 3, H, W) in [0, 1]."""
        return self._best

    def step(self) -> Step:
        """Go one iteration further.

        Raises:
            FloatingPointError: If the cost is not finite any more; `picture` still holds the best so far.
        """
        begun = time.perf_counter()
        before = self.last.total
        self._optimizer.step(self._closure)  # type: ignore[arg-type]
        with torch.no_grad():
            self._pixels.clamp_(0, 1)
        total = float(self._closure())
        if not total < float("inf"):
            broken = [name for name, value in self._terms.items() if not torch.isfinite(value)]
            raise FloatingPointError(f"{' and '.join(broken)} became NaN or infinite")
        if self._method == "lbfgs" and not total < before:
            # A line search that finds nothing has been misled by stale curvature, or there is nothing left to find.
            self.stalled = self._fresh
            self._fresh = True
            self._optimizer = self._new_optimizer()
        else:
            self._fresh = False
        if total < self.last.best:
            self._best = self._pixels.detach().clone()
        self.last = Step(
            self.last.iteration + 1,
            self._evaluations,
            self.last.seconds + time.perf_counter() - begun,
            total,
            min(total, self.last.best),
            self._named_floats(),
        )
        return self.last

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on exactly from here, in plain types and tensors."""
        return {
            "pixels": self._pixels.detach(),
            "best": self._best,
            "optimizer": self._optimizer.state_dict(),
            "last": vars(self.last),
            "fresh": self._fresh,
            "stalled": self.stalled,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, for the same cost and method."""
        with torch.no_grad():
            self._pixels.copy_(state["pixels"])
        self._best = state["best"].to(self._pixels)
        self._optimizer.load_state_dict(state["optimizer"])
        self._fresh, self.stalled = state["fresh"], state["stalled"]
        self._closure()
        self.last = Step(**state["last"])
        self._evaluations = self.last.evaluations

    def _new_optimizer(self) -> torch.optim.Optimizer:
        if self._method == "adam":
            return torch.optim.Adam([self._pixels], lr=self._learning_rate)
        # One iteration a call. The tolerances are off: how long to go on is the caller's decision.
        return torch.optim.LBFGS(
            [self._pixels],
            max_iter=1,
            max_eval=20,
            history_size=_HISTORY,
            tolerance_grad=0,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )

    def _closure(self) -> Tensor:
        """Cost and gradient of the current pixels.

        Remembered, because torch's L-BFGS begins an iteration with the very question that ended the one before.
        """
        picture = _InRange.apply(self._pixels)
        if self._evaluated is None or not torch.equal(picture, self._evaluated):
            self._evaluated = picture.detach().clone()
            terms = self._cost(picture)
            self._terms = {name: value.detach() for name, value in terms.items()}
            (self._gradient,) = torch.autograd.grad(terms["total_loss"], self._pixels)
            self._evaluations += 1
        self._pixels.grad = self._gradient.clone()
        return self._terms["total_loss"]

    def _named_floats(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._terms.items()}


class _InRange(Function):
    """Clip to [0, 1]; backwards, drop what would push a pixel at a bound further out.

    A plain clip also drops what would bring such a pixel back, so that it stays lost.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor) -> Tensor:
        ctx.save_for_backward(pixels)
        return pixels.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (pixels,) = ctx.saved_tensors
        outwards = ((pixels <= 0) & (gradient > 0)) | ((pixels >= 1) & (gradient < 0))
        return gradient.masked_fill(outwards, 0)
