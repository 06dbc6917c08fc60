"""The average, what a checkpoint carries and what stops a run. Steps run in test_training_cli.py."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fststyle.errors import ImageError, TrainingError
from fststyle.training.checkpoint import CHECKPOINT_KEY
from fststyle.training.cost.losses import grid_loss
from fststyle.training.cost.objective import Cost
from fststyle.training.cost.temporal import moved, temporal_loss
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.muon import NORMS_ALONE_RATE
from fststyle.training.fit.recipe import refuse_another_network
from fststyle.training.networks.strength import draw_strengths
from fststyle.training.networks.transformer_net import build_transformer_net
from fststyle.training.networks.warm_start import warm_start


@pytest.fixture
def module(painting: Path) -> StyleTransferModule:
    return StyleTransferModule(painting, network="fast", width=0.25, style_size=64)


def test_the_average_starts_at_the_network_and_follows_with_the_decay(painting: Path) -> None:
    module = StyleTransferModule(painting, network="fast", width=0.25, style_size=64, ema_decay=0.5)
    parameter, averaged = next(module.net.parameters()), next(module.averaged.parameters())
    with torch.no_grad():
        parameter.fill_(1.0)
        module.averaged.update_parameters(module.net)
        assert (averaged == 1).all()
        parameter.fill_(2.0)
        for _ in range(30):
            before = averaged.clone()
            module.averaged.update_parameters(module.net)
        # After the warm-up each step closes half of the gap.
        assert torch.allclose(2 - averaged, (2 - before) / 2)


def test_the_average_of_batch_norm_counts_on(painting: Path) -> None:
    module = StyleTransferModule(painting, network="johnson2016", width=0.25, style_size=64)
    for _ in range(3):
        module.net(torch.rand(1, 3, 48, 48))
        module.averaged.update_parameters(module.net)
    counts = [value for name, value in module.averaged.module.named_buffers() if name.endswith("batches_tracked")]
    assert all(count == 3 for count in counts)


def test_a_checkpoint_is_free_of_the_loss_network_and_of_paths(module: StyleTransferModule) -> None:
    own = {name.split(".")[0] for name in module.state_dict()}
    assert own == {"net", "averaged"}
    checkpoint: dict[str, Any] = {}
    module.on_save_checkpoint(checkpoint)
    facts = checkpoint[CHECKPOINT_KEY]
    assert facts["painting"] == "stripes.png"
    assert "weights" not in facts["recipe"]
    assert facts["recipe"]["style_layers"] == ["relu1_2", "relu2_2", "relu3_3", "relu4_1"]


def test_resuming_with_another_cost_is_refused(module: StyleTransferModule, painting: Path) -> None:
    checkpoint: dict[str, Any] = {}
    module.on_save_checkpoint(checkpoint)
    module.on_load_checkpoint(checkpoint)
    del checkpoint[CHECKPOINT_KEY]["recipe"]["temporal_weight"]  # of a time when there was no such term
    module.on_load_checkpoint(checkpoint)
    steady = StyleTransferModule(painting, network="fast", width=0.25, style_size=64, cost=Cost(temporal_weight=1.0))
    with pytest.raises(TrainingError, match=r"began with temporal_weight = 0\.0, not 1\.0"):
        steady.on_load_checkpoint(checkpoint)
    other = StyleTransferModule(painting, network="fast", width=0.25, style_size=64, cost=Cost(style_weight=2.0))
    with pytest.raises(TrainingError, match=r"began with style_weight = 1\.0, not 2\.0; resume with the old setting"):
        other.on_load_checkpoint(checkpoint)


def test_a_new_style_starts_from_what_is_predicted_unless_told_otherwise(painting: Path) -> None:
    net = build_transformer_net("fast")
    started = StyleTransferModule(painting)
    assert warm_start(net, "fast", 1.0, "predicted", started.style_image) == "predicted"
    assert all(torch.equal(a, b) for a, b in zip(started.net.parameters(), net.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(started.averaged.parameters(), net.parameters(), strict=True))
    assert started.recipe()["init"] == "predicted"
    assert StyleTransferModule(painting, init="base").recipe()["init"] == "base"
    for arguments in ({"init": "none"}, {"width": 0.5}, {"network": "tiny"}):
        other = StyleTransferModule(painting, **arguments)  # type: ignore[arg-type]
        assert other.recipe()["init"] == "none"
        assert not torch.equal(next(other.net.parameters()), next(net.parameters()))


@pytest.mark.parametrize("arguments", [{"style_size": 8}, {"ema_decay": 1.0}, {"warmup": -0.1}])
def test_settings_out_of_range(painting: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        StyleTransferModule(painting, **arguments)


def test_a_painting_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "painting.jpg").write_text("not a painting")
    with pytest.raises(ImageError, match=r"painting\.jpg"):
        StyleTransferModule(tmp_path / "painting.jpg")


@pytest.mark.parametrize("paints_already", [False, True])
def test_the_cost_of_a_step_by_hand(painting: Path, shallow_cost: Callable[..., Cost], paints_already: bool) -> None:
    cost = shallow_cost(grid_weight=2.0, temporal_weight=0.5, temporal_lighting=0.1)
    module = StyleTransferModule(painting, width=0.25, style_size=64, strength=True, cost=cost)
    module.setup("fit")
    module.paints_already = paints_already
    run = {"global_step": 2, "max_steps": 4, "world_size": 2, "global_rank": 1}
    run |= {"max_epochs": -1, "num_training_batches": float("inf")}
    module.trainer = type("Trainer", (), run)()
    batch = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    photo, places = batch / 255, [9, 11]  # of the second process, after two steps of two photos in each of two
    told = draw_strengths(places)
    assert 0 < told.min() < told.max() < 1
    painted = module.net(photo, told)
    plain = module.objective.terms(painted, module.objective.content_features(photo), told.square())
    later = moved(photo, places, lighting=0.1)
    unsteady = temporal_loss(painted, module.net(later.content, told), later).mean()
    share = 1.0 if paints_already else 0.5  # halfway through the run
    wanted = plain.total + share * 2.0 * 10 * grid_loss(painted).mean() + 0.5 * 50 * unsteady
    found = module.terms(batch).total
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    parameters = list(module.net.parameters())
    for one, other in zip(*(torch.autograd.grad(total, parameters) for total in (found, wanted)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("terms", "gradient", "match"),
    [
        ({"content_loss": 1.0, "style_loss": float("nan")}, float("nan"), "the style_loss became NaN or infinite"),
        ({"content_loss": 1.0, "style_loss": 1.0}, float("inf"), r"the gradient \(of a finite cost\)"),
    ],
)
@pytest.mark.fault(
    "Training", "NaN or infinity in a term or gradient", "stopped before the step, the term named, with the remedy", ()
)
def test_what_is_not_finite_stops_before_the_step_and_is_named(
    module: StyleTransferModule, terms: dict[str, float], gradient: float, match: str
) -> None:
    module.trainer = type("Trainer", (), {"global_step": 41, "precision_plugin": None})()
    optimizer = torch.optim.SGD(module.net.parameters(), lr=1)
    for parameter in module.net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    module.last_terms = {name: torch.tensor(value) for name, value in terms.items()}
    if all(value == 1.0 for value in terms.values()):
        module.on_before_optimizer_step(optimizer)  # all zeros: nothing to complain about
    next(module.net.parameters()).grad.view(-1)[3] = gradient  # type: ignore[union-attr]
    with pytest.raises(TrainingError, match=match + r".* at step 41; .*go on from the last checkpoint"):
        module.on_before_optimizer_step(optimizer)


def test_a_step_that_the_scaler_leaves_out_does_not_end_the_run(module: StyleTransferModule) -> None:
    """As `16-mixed` does on GPUs until it has found a scale at which gradients do not overflow."""
    scale = [65536.0]
    scaler = SimpleNamespace(get_scale=lambda: scale[0])
    module.trainer = type("T", (), {"global_step": 0, "precision_plugin": SimpleNamespace(scaler=scaler)})()
    optimizer = torch.optim.SGD(module.net.parameters(), lr=1)
    for parameter in module.net.parameters():
        parameter.grad = torch.full_like(parameter, torch.inf)
    module.last_terms = {"content_loss": torch.tensor(1.0)}
    module.on_before_optimizer_step(optimizer)
    scale[0] = 1.0  # nothing is left to scale down
    with pytest.raises(TrainingError, match="the gradient"):
        module.on_before_optimizer_step(optimizer)
    scale[0], module.last_terms = 65536.0, {"content_loss": torch.tensor(torch.nan)}
    with pytest.raises(TrainingError, match="the content_loss"):
        module.on_before_optimizer_step(optimizer)


def test_only_norms_leaves_the_body_as_it_was(painting: Path) -> None:
    module = StyleTransferModule(painting, style_size=64, only_norms=True)
    before = {name: parameter.clone() for name, parameter in module.net.named_parameters()}
    module.net(torch.rand(1, 3, 32, 32)).sum().backward()
    optimizer = module.build_optimizer()
    assert optimizer.param_groups[-1]["lr"] == NORMS_ALONE_RATE * module.learning_rate
    optimizer.step()
    moved = {name for name, parameter in module.net.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved
    assert all(
        ".conv.weight" not in name and parameter.ndim == 1 for name, parameter in before.items() if name in moved
    )
    assert module.recipe()["only_norms"] is True
    checkpoint: dict[str, Any] = {}
    module.on_save_checkpoint(checkpoint)
    whole = StyleTransferModule(painting, style_size=64)
    whole.resume_anyway = True
    with pytest.raises(TrainingError, match="trains with only_norms = True, not False"):
        refuse_another_network(checkpoint[CHECKPOINT_KEY]["recipe"], whole.recipe())


def test_only_norms_needs_a_body(painting: Path) -> None:
    for settings in ({"network": "tiny"}, {"width": 0.5}, {"init": "none"}):
        with pytest.raises(ValueError, match="only_norms needs a body to start from"):
            StyleTransferModule(painting, style_size=64, only_norms=True, **settings)  # type: ignore[arg-type]
