"""The cost of a step as a function of tensors alone is that of any step; and a graph that is not, is not used.

Graphs themselves need a GPU: tests/training/gpu.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fststyle.training.cost.objective import Cost
from fststyle.training.fit import graphed
from fststyle.training.fit.graphed import GraphedSteps, StaticCost
from fststyle.training.fit.module import StyleTransferModule

PHOTOS = torch.randint(256, (2, 3, 48, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.fixture
def module(painting: Path) -> StyleTransferModule:
    module = StyleTransferModule(painting, network="fast", width=0.25, style_size=64, cost=Cost(loss_network="slim"))
    module.setup("fit")
    return module


@pytest.mark.parametrize("side", [0, 3, 4, 6])
def test_the_static_cost_is_that_of_a_step(
    module: StyleTransferModule, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_side", lambda: side)
    static = StaticCost(module.net, module.objective, 48)
    found = static(PHOTOS, torch.tensor(side), torch.tensor(1.0))
    wanted = module.terms(PHOTOS).named()
    named = dict(zip(static.names, found, strict=True))
    assert named.keys() == wanted.keys()
    assert [value.requires_grad for value in found] == [True] + [False] * (len(found) - 1)
    for name, value in wanted.items():
        torch.testing.assert_close(named[name], value, rtol=1e-5, atol=1e-7, check_layout=False)
    parameters = list(module.net.parameters())
    one, other = (
        torch.cat([each.flatten() for each in torch.autograd.grad(total, parameters)])
        for total in (found[0], wanted["total_loss"])
    )
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_the_parts_of_large_crops_count(painting: Path) -> None:
    cost = Cost(loss_network="slim", local_weight=1)
    module = StyleTransferModule(painting, network="tiny", width=0.25, style_size=64, cost=cost)
    module.setup("fit")
    photos = torch.randint(256, (1, 3, 256, 256), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    static = StaticCost(module.net, module.objective, 256)
    found = static(photos, torch.tensor(0), torch.tensor(1.0))
    named = dict(zip(static.names, found, strict=True))
    wanted = module.terms(photos)
    assert wanted.local is not None
    torch.testing.assert_close(named["local_loss"], wanted.local.detach(), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(found[0], wanted.total, rtol=1e-5, atol=1e-7)


def test_ripples_count_as_much_as_the_step_says(module: StyleTransferModule) -> None:
    static = StaticCost(module.net, module.objective, 48)
    without, half, whole = (static(PHOTOS, torch.tensor(0), torch.tensor(share))[0] for share in (0.0, 0.5, 1.0))
    assert whole > without
    torch.testing.assert_close(half, (without + whole) / 2)


class Half(StaticCost):
    """A graph that computes half of the cost."""

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        total, *others = super().forward(*given)
        return total / 2, *others


def steps(
    module: StyleTransferModule, monkeypatch: pytest.MonkeyPatch, make: Callable[[StaticCost, Any], StaticCost]
) -> GraphedSteps:
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    return GraphedSteps("always")


def test_a_graph_that_computes_the_same_is_used(module: StyleTransferModule, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = steps(module, monkeypatch, lambda cost, _: cost)
    terms = graphs.terms(module.net, module.objective, PHOTOS, 2, 1.0)
    assert terms is not None
    assert all(parameter.grad is None for parameter in module.net.parameters())
    terms["total_loss"].backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in module.net.parameters())


def test_a_graph_that_computes_something_else_is_not(
    module: StyleTransferModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = steps(module, monkeypatch, lambda cost, _: Half(cost.net, module.objective, 48))
    with pytest.warns(UserWarning, match="CUDA graphs are left out: their cost is"):
        assert graphs.terms(module.net, module.objective, PHOTOS, 0, 1.0) is None
    assert graphs.terms(module.net, module.objective, PHOTOS, 0, 1.0) is None  # without another word


def test_a_card_that_cannot_record_one_goes_on(module: StyleTransferModule, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> StaticCost:
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore")

    graphs = steps(module, monkeypatch, fail)
    with pytest.warns(UserWarning, match="CUDA graphs are left out: CUDA error: operation not permitted when"):
        assert graphs.terms(module.net, module.objective, PHOTOS, 0, 1.0) is None


@pytest.mark.parametrize(("faster", "used"), [(True, True), (False, False)])
def test_auto_takes_the_faster_way(
    module: StyleTransferModule, monkeypatch: pytest.MonkeyPatch, faster: bool, used: bool
) -> None:
    graphs = steps(module, monkeypatch, lambda cost, _: cost)
    graphs.choice = "auto"
    seconds = iter([1.0, 2.0] if faster else [2.0, 1.0])  # the graph's first
    monkeypatch.setattr(graphed, "_seconds", lambda *_: next(seconds))
    assert (graphs.terms(module.net, module.objective, PHOTOS, 0, 1.0) is not None) == used


def test_no_graph_is_made_unless_asked_for(module: StyleTransferModule, painting: Path) -> None:
    assert module.graphs == "never"
    assert GraphedSteps("never").terms(module.net, module.objective, PHOTOS, 0, 1.0) is None
    with pytest.raises(ValueError, match="graphs must be one of auto, always, never, not 'yes'"):
        StyleTransferModule(painting, graphs="yes")  # type: ignore[arg-type]
