"""A strength of 1 is the plain network, 0 the photo; what is drawn, what it weighs, and what is exported."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from fststyle.errors import TrainingError
from fststyle.model.file import read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.cli import main
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.export import export_checkpoint
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.networks.strength import ConditionedNorm, StrengthNet, draw_strengths, plain_state
from fststyle.training.networks.transformer_net import build_transformer_net


def trained(net: nn.Module) -> StrengthNet:
    """As if something had been learned about strengths."""
    told = StrengthNet(net)
    for module in told.modules():
        if isinstance(module, ConditionedNorm):
            nn.init.normal_(module.gain_slopes)
            nn.init.normal_(module.shift_slopes)
    return told


@pytest.mark.parametrize("mode", ["train", "use"])
def test_full_strength_is_the_plain_network_and_none_the_photo(mode: str) -> None:
    torch.manual_seed(0)
    plain = build_transformer_net("fast", 0.25).train(mode == "train")
    photos = torch.rand(2, 3, 40, 52)
    with torch.no_grad():
        expected = plain(photos)
        told = trained(plain).train(mode == "train")
        torch.testing.assert_close(told(photos), expected)
        torch.testing.assert_close(told(photos, torch.ones(2)), expected)
        assert torch.equal(told(photos, torch.zeros(1)), photos)


def test_each_photo_has_its_own_strength_and_it_is_no_cross_fade() -> None:
    torch.manual_seed(0)
    told = trained(build_transformer_net("fast", 0.25)).eval()
    photos, strengths = torch.rand(3, 3, 40, 52), torch.tensor([0.2, 0.7, 1.0])
    with torch.no_grad():
        together = told(photos, strengths)
        for number in range(3):
            alone = told(photos[number : number + 1], strengths[number : number + 1])
            torch.testing.assert_close(together[number], alone[0], rtol=1e-4, atol=1e-5)
        full = told(photos)
    faded = photos + strengths[:, None, None, None] * (full - photos)
    assert (together - faded)[:2].abs().amax() > 0.05


def test_weights_move_between_plain_networks_and_those_that_are_told() -> None:
    plain = build_transformer_net("fast", 0.25)
    expected = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    back = plain_state(dict(trained(plain).state_dict()))
    assert back.keys() == expected.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in expected.items())
    assert plain_state(expected) == expected


def test_batch_norm_cannot_be_told() -> None:
    with pytest.raises(ValueError, match="no instance norms to condition; train it without strength"):
        StrengthNet(build_transformer_net("johnson2016", 0.25))


def test_strengths_are_drawn_by_position_and_half_of_them_are_full() -> None:
    drawn = draw_strengths(range(2000))
    assert torch.equal(drawn[7:9], draw_strengths([7, 8]))
    assert (drawn == 1).float().mean() == pytest.approx(0.5, abs=0.05)
    assert drawn[drawn < 1].mean() == pytest.approx(0.5, abs=0.05)


def test_the_paintings_terms_count_by_their_share(shallow_cost: Callable[..., Cost]) -> None:
    cost = shallow_cost()
    objective = PerceptualObjective(cost, torch.rand(1, 3, 48, 48), photos=[torch.rand(1, 3, 48, 48)])
    pictures = torch.rand(2, 3, 32, 32)
    features = objective.content_features(torch.rand(2, 3, 32, 32))
    each = [objective.terms(pictures[i : i + 1], {k: v[i : i + 1] for k, v in features.items()}) for i in range(2)]
    shared = objective.terms(pictures, features, torch.tensor([0.25, 0.0]))
    for name in ("style", "total_variation"):
        assert getattr(shared, name).item() == pytest.approx(getattr(each[0], name).item() / 8, rel=1e-5)
    assert shared.content.item() == pytest.approx((each[0].content + each[1].content).item() / 2, rel=1e-5)


@pytest.mark.slow
def test_trained_exported_and_told_in_the_file(train_arguments: list[str], tmp_path: Path, painting: Path) -> None:
    run = tmp_path / "run"
    assert main([*train_arguments, "--model.strength", "true", "--out", str(run), "--trainer.max_steps", "12"]) == 0
    checkpoint = read_checkpoint(run / "last.ckpt")
    assert checkpoint.strength
    assert any(tensor.abs().max() > 1e-4 for name, tensor in checkpoint.state.items() if "gain_slopes" in name)
    path = tmp_path / "told.onnx"
    card = export_checkpoint(run / "last.ckpt", path)
    assert card.recipe["strength"] is True
    assert read_model(path).takes_strength

    photo = np.random.default_rng(0).integers(0, 256, (40, 44, 3), np.uint8)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    content = {"content": photo.transpose(2, 0, 1)[None].astype(np.float32) / 255}
    half, one, left_out = (
        session.run(None, content | told)[0]
        for told in ({"strength": np.float32([0.5])}, {"strength": np.float32([1])}, {})
    )
    np.testing.assert_array_equal(one, left_out)
    stylizer = Stylizer.load(path)
    expected = (np.clip(half[0] * 255 + 0.5, 0, 255)).astype(np.uint8).transpose(1, 2, 0)
    np.testing.assert_array_equal(stylizer(photo, strength=0.5), expected)

    assert not StyleTransferModule(
        painting, width=0.25, style_size=64, init=str(run / "last.ckpt")
    ).strength  # a plain network may start there
    resumed = [*train_arguments, "--out", str(run), "--trainer.max_steps", "13", "--resume"]
    with pytest.raises(TrainingError, match="strength = True, not False"):
        main(resumed)
