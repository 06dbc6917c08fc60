"""Beginning with an exported network: the very network, whatever was folded or left out on the way into the file."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

import onnx
import pytest
import torch
from torch import nn

from fststyle import samples
from fststyle.errors import FststyleError, TrainingError
from fststyle.model.card import ModelCard
from fststyle.model.file import read_model, write_model
from fststyle.model.gallery import networks
from fststyle.pictures.files import read_picture
from fststyle.predict.new_style import predicted_graph
from fststyle.training.export import compare_with_torch, export_network
from fststyle.training.networks.bases import STAND_INS
from fststyle.training.networks.strength import StrengthNet
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net
from fststyle.training.networks.warm_start import warm_start


def write(path: Path, net: nn.Module, network: str, width: float) -> Path:
    card = ModelCard(
        style="a", network=network, width=width, loss_network="medium", steps=1, licence="MIT", min_side=20
    )
    write_model(path, export_network(net.eval()), card)
    return path


def varied(network: str, width: float) -> nn.Module:
    """Untrained, but with gains, shifts and biases that are not all alike."""
    torch.manual_seed(0)
    net = build_transformer_net(cast(NetworkName, network), width)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


@pytest.mark.slow
@pytest.mark.parametrize("network", ["fast", "johnson", "tiny"])
def test_every_weight_comes_back_from_the_file(network: str, tmp_path: Path) -> None:
    net = varied(network, 0.25)
    path = write(tmp_path / "a.onnx", net, network, 0.25)
    begun = build_transformer_net(cast(NetworkName, network), 0.25)
    assert warm_start(begun, network, 0.25, str(path)) == "a.onnx"
    for name, parameter in net.state_dict().items():
        torch.testing.assert_close(begun.state_dict()[name], parameter, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.slow
def test_a_network_that_heeds_a_strength_gives_its_full_style(tmp_path: Path) -> None:
    net = varied("fast", 0.25)
    wanted = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    path = write(tmp_path / "told.onnx", StrengthNet(net), "fast", 0.25)
    begun = build_transformer_net("fast", 0.25)
    warm_start(begun, "fast", 0.25, str(path))
    for name, tensor in wanted.items():
        torch.testing.assert_close(begun.state_dict()[name], tensor, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize(("name", "network"), [("udnie", "fast"), ("udnie_johnson", "johnson"), ("udnie_tiny", "tiny")])
def test_a_network_that_ships_paints_as_it_does_from_its_file(name: str, network: str) -> None:
    begun = build_transformer_net(cast(NetworkName, network))
    assert warm_start(begun, network, 1.0, name) == f"{name}.onnx"
    assert compare_with_torch(onnx.load(networks()[name]), begun.eval()) < 1e-4


@pytest.mark.slow
def test_files_that_no_training_can_start_from(tmp_path: Path) -> None:
    net = varied("fast", 0.25)
    path = write(tmp_path / "a.onnx", net, "fast", 0.25)

    def refused(init: Path | str, network: str = "fast", width: float = 0.25) -> str:
        with pytest.raises(FststyleError) as caught:
            warm_start(build_transformer_net(cast(NetworkName, network), width), network, width, str(init))
        return str(caught.value)

    assert "holds fast at width 0.25, not fast at 0.5" in refused(path, width=0.5)
    assert "holds fast at width 0.25, not tiny at 0.25" in refused(path, "tiny")
    assert "did you mean starry_night" in refused("stary_night")
    assert "does not exist" in refused(tmp_path / "none.onnx")
    foreign = tmp_path / "foreign.onnx"
    onnx.save(export_network(net), foreign)
    assert "was not made by fststyle" in refused(foreign)
    card = read_model(path).card
    assert card is not None
    write_model(tmp_path / "half.onnx", export_network(net), replace(card, precision="fp16"))
    assert "half.onnx is fp16; start from the network that it was made of" in refused(tmp_path / "half.onnx")
    write_model(tmp_path / "older.onnx", export_network(varied("fast", 0.5)), card)
    assert "older.onnx does not hold all weights of this network" in refused(tmp_path / "older.onnx")


def test_a_base_is_for_networks_that_have_one() -> None:
    net = build_transformer_net("fast")
    assert warm_start(net, "fast", 1.0, "base") == "base"
    assert warm_start(build_transformer_net("fast", 0.5), "fast", 0.5, "base") == "none"


def test_johnson_starts_from_a_style_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = [build_transformer_net("johnson") for _ in range(2)]
    begun = [
        warm_start(net, "johnson", 1.0, init) for net, init in zip(nets, ("base", STAND_INS["johnson"]), strict=True)
    ]
    assert begun == ["udnie_johnson.onnx"] * 2
    for name, tensor in nets[0].state_dict().items():
        assert torch.equal(tensor, nets[1].state_dict()[name]), name
    assert warm_start(build_transformer_net("johnson", 0.5), "johnson", 0.5, "base") == "none"
    monkeypatch.setattr("fststyle.training.networks.warm_start.is_network", lambda _: False)
    assert warm_start(build_transformer_net("johnson"), "johnson", 1.0, "base") == "none"


def test_johnson_without_network_says_how_to_do_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "networks").mkdir()
    shutil.copy(networks()["udnie_johnson"].with_name("registry.json"), tmp_path / "networks")
    monkeypatch.setattr("fststyle.model.gallery._PACKAGE", tmp_path)
    monkeypatch.setenv("FSTSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FSTSTYLE_NETWORKS_URL", str(tmp_path / "nowhere"))
    with pytest.raises(TrainingError, match=r"cannot fetch udnie_johnson .* or start from nothing with --init none"):
        warm_start(build_transformer_net("johnson"), "johnson", 1.0, "base")


def test_a_predicted_start_is_the_network_that_new_style_makes() -> None:
    painting = read_picture(samples.style("swirls")).rgb
    begun = build_transformer_net("fast")
    assert warm_start(begun, "fast", 1.0, "predicted", painting) == "predicted"
    graph, _ = predicted_graph(painting)
    assert compare_with_torch(graph, begun.eval()) < 1e-4


def test_without_a_predictor_the_base_is_the_start() -> None:
    painting = read_picture(samples.style("swirls")).rgb
    assert warm_start(build_transformer_net("fast", 0.5), "fast", 0.5, "predicted", painting) == "none"
    assert warm_start(build_transformer_net("fast"), "fast", 1.0, "predicted") == "base"
