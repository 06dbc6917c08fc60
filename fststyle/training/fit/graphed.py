"""Steps of a training as CUDA graphs: the GPU gets one command in place of hundreds, which take small steps' time.

A graph repeats what it has recorded, with whatever its inputs hold by then. So everything that changes from step to
step must be an input: the photos, the side that the loss network looks from, how much the term against ripples counts.
Whatever fails, or computes something else, ends in the usual steps.
"""

import time
from typing import Literal, cast

import torch
from torch import Tensor, nn

from fststyle.system.warn import warn
from fststyle.training.cost.objective import PerceptualObjective
from fststyle.training.cost.sides import seen_from
from fststyle.training.tensors import content_of

Graphs = Literal["auto", "always", "never"]

# Of crops of several sides: each graph keeps its activations.
_MOST_SHAPES = 3

# How far a graph's cost and gradient may be from the usual ones: bfloat16 rounds.
_LIKE_COST, _LIKE_GRADIENT = 0.01, 0.99

# Steps that both ways are timed for.
_TIMED = 8


class StaticCost(nn.Module):
    """The cost of a step as a function of tensors alone, for crops of one side.

    Args:
        net: In training.
        objective: On its device.
        crop: Side of the crops.
    """

    def __init__(self, net: nn.Module, objective: PerceptualObjective, crop: int) -> None:
        super().__init__()
        self.net = net
        self.names: tuple[str, ...] = ()
        self._objective = objective
        self._grams = objective.grams_by_side()
        places = torch.arange(crop * crop, dtype=torch.float64).view(1, 1, crop, crop)
        sides = [seen_from(places, side).flatten().long() for side in range(objective.sides)]
        self._turns = torch.stack(sides).to(next(net.parameters()).device)

    def forward(self, photos: Tensor, side: Tensor, grid_share: Tensor) -> tuple[Tensor, ...]:
        """The terms by `names`, the total first; only that has a gradient.

        Args:
            photos: (B, 3, crop, crop) uint8.
            side: That the loss network looks from, an int64 scalar.
            grid_share: How much of the term against ripples counts, a scalar.
        """
        content = content_of(photos)
        features = self._objective.content_features(self._seen(content, side))
        stylized = self.net(content)
        grams = {layer: each.index_select(0, side[None]) for layer, each in self._grams.items()}
        terms = self._objective.terms(self._seen(stylized, side), features, style_grams=grams, in_training=True)
        if self._objective.cost.minds_grid:
            terms = self._objective.with_grid(terms, stylized, grid_share)
        named = terms.named()
        total = named.pop("total_loss")
        self.names = ("total_loss", *named)
        return total, *(value.detach() for value in named.values())

    def _seen(self, pictures: Tensor, side: Tensor) -> Tensor:
        """As `seen_from`, for a side that only the device knows."""
        if len(self._turns) == 1:
            return pictures
        turn = self._turns.index_select(0, side[None])[0]
        return pictures.flatten(2).index_select(2, turn).view_as(pictures)


class GraphedSteps:
    """Computes the cost of steps with graphs, as far as that can be done and pays.

    Args:
        choice: "auto" times both ways at the start and takes the faster; "always" takes graphs if they compute the
            same.
    """

    def __init__(self, choice: Graphs) -> None:
        self.choice = choice
        self._made: dict[torch.Size, StaticCost | None] = {}

    def terms(
        self, net: nn.Module, objective: PerceptualObjective, photos: Tensor, side: int, grid_share: float
    ) -> dict[str, Tensor] | None:
        """The terms of a step by name, the total with a gradient; None leaves them to the usual way."""
        if photos.shape not in self._made:
            # Batch norm would count what is only tried.
            counts = any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
            may = self._may_make(photos) and not counts
            self._made[photos.shape] = self._make(net, objective, photos) if may else None
        made = self._made[photos.shape]
        if made is None:
            return None
        return dict(zip(made.names, made(photos, *_inputs(side, grid_share, photos.device)), strict=True))

    def _may_make(self, photos: Tensor) -> bool:
        square = photos.dtype == torch.uint8 and photos.shape[2] == photos.shape[3]
        return self.choice != "never" and square and len(self._made) < _MOST_SHAPES

    def _make(self, net: nn.Module, objective: PerceptualObjective, photos: Tensor) -> StaticCost | None:
        usual = StaticCost(net, objective, photos.shape[-1])
        given = (
            photos.clone(),
            *_inputs(0, 1.0, photos.device),
        )  # a graph keeps its first inputs, and writes into them
        kind = photos.device.type
        try:
            with torch.autocast(
                kind, torch.get_autocast_dtype(kind), enabled=torch.is_autocast_enabled(kind), cache_enabled=False
            ):
                graphed = StaticCost(net, objective, photos.shape[-1])
                graphed = cast(StaticCost, torch.cuda.make_graphed_callables(graphed, given))
            reason = _difference(usual, graphed, net, given)
            pays = self.choice == "always" or bool(reason) or _seconds(graphed, given) < _seconds(usual, given)
        except (RuntimeError, AssertionError, TypeError) as error:
            reason, pays = " ".join(str(error).split())[:200], False
        net.zero_grad()
        if reason:
            warn(f"CUDA graphs are left out: {reason}")
        return graphed if pays and not reason else None


def _inputs(side: int, grid_share: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Made on the device, which is not waited for."""
    return torch.full((), side, device=device), torch.full((), grid_share, device=device)


def _difference(usual: StaticCost, graphed: StaticCost, net: nn.Module, given: tuple[Tensor, ...]) -> str:
    """What a graph computes otherwise, or nothing."""
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    totals, gradients = [], []
    for each in (usual, graphed):
        total = each(*given)[0]
        gradients.append(torch.cat([part.flatten() for part in torch.autograd.grad(total, parameters)]))
        totals.append(total.detach())
    if not torch.allclose(totals[1], totals[0], rtol=_LIKE_COST):
        return f"their cost is {float(totals[1]):.4g}, not {float(totals[0]):.4g}"
    likeness = float(torch.cosine_similarity(gradients[0], gradients[1], dim=0))
    return "" if likeness > _LIKE_GRADIENT else f"their gradient has a cosine of {likeness:.3f} with the usual one"


def _seconds(cost: StaticCost, given: tuple[Tensor, ...]) -> float:
    began = 0.0
    for step in range(1 + _TIMED):
        cost(*given)[0].backward()
        if step in (0, _TIMED):
            torch.cuda.synchronize()
            began = time.perf_counter() - began
    return began
