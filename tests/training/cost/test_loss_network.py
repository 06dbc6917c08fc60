"""Layers by name, cut, frozen, normalized; and weights that do not fit."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import vgg16, vgg19

from fststyle.errors import WeightsError
from fststyle.training.cost.loss_network import IMAGENET_MEAN, IMAGENET_STD, LossNetwork, layer_indices


@pytest.mark.parametrize(("architecture", "builder"), [("vgg16", vgg16), ("vgg19", vgg19)])
def test_names_lie_on_torchvisions_rectifiers(architecture: str, builder: object) -> None:
    with torch.device("meta"):
        features = builder(weights=None).features  # type: ignore[operator]
    indices = layer_indices(architecture)  # type: ignore[arg-type]
    assert list(indices.values()) == [i for i, module in enumerate(features) if isinstance(module, nn.ReLU)]
    pools = [i for i, module in enumerate(features) if isinstance(module, nn.MaxPool2d)]
    for name, index in indices.items():
        assert sum(pool < index for pool in pools) == int(name[4]) - 1


def test_known_places() -> None:
    assert layer_indices("vgg16")["relu4_3"] == 22
    assert layer_indices("vgg19")["relu5_1"] == 29
    assert list(layer_indices("vgg16"))[-1] == "relu5_3"
    assert list(layer_indices("vgg19"))[-1] == "relu5_4"


def test_activations_equal_a_plain_run_through_the_layers() -> None:
    network = LossNetwork("vgg16", ["relu2_2", "relu1_1"])
    image = torch.rand(1, 3, 20, 24)
    x = (image - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)
    convs = [m for m in network.features if isinstance(m, nn.Conv2d)]
    first = torch.relu(nn.functional.conv2d(x, convs[0].weight, convs[0].bias, padding=1))
    second = torch.relu(nn.functional.conv2d(first, convs[1].weight, convs[1].bias, padding=1))
    third = torch.relu(
        nn.functional.conv2d(nn.functional.max_pool2d(second, 2), convs[2].weight, convs[2].bias, padding=1)
    )
    fourth = torch.relu(nn.functional.conv2d(third, convs[3].weight, convs[3].bias, padding=1))
    activations = network(image)
    assert list(activations) == ["relu1_1", "relu2_2"]
    torch.testing.assert_close(activations["relu1_1"], first)
    torch.testing.assert_close(activations["relu2_2"], fourth)


def test_is_cut_behind_the_deepest_layer_and_frozen() -> None:
    network = LossNetwork("vgg19", ["relu3_1", "relu1_2"])
    assert len(network.features) == layer_indices("vgg19")["relu3_1"] + 1
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_computes_no_deeper_than_asked() -> None:
    network = LossNetwork("vgg19", ["relu1_1", "relu3_1"])
    network.features[-2].register_forward_hook(lambda *_: pytest.fail("ran the deepest convolution"))
    assert list(network(torch.rand(1, 3, 16, 16), ["relu1_1"])) == ["relu1_1"]


def test_average_pooling_replaces_every_pool() -> None:
    kinds = [type(module) for module in LossNetwork("vgg16", ["relu3_1"], pooling="average").features]
    assert kinds.count(nn.AvgPool2d) == 2
    assert nn.MaxPool2d not in kinds


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_normalized_channels_have_mean_one_and_the_same_shape(pooling: str) -> None:
    layers = ["relu1_1", "relu1_2", "relu2_2"]
    network = _firing_network(layers, pooling)
    photos = [torch.rand(1, 3, 24, 32), torch.rand(1, 3, 40, 16)]
    before = network(photos[0])
    network.normalize_channels(photos)
    after = network(photos[0])
    for layer in layers:
        maps = torch.cat([network(photo)[layer].flatten(2) for photo in photos], dim=2)
        torch.testing.assert_close(maps.mean(dim=(0, 2)), torch.ones(maps.shape[1]), rtol=1e-3, atol=1e-3)
        scale = before[layer].flatten(2).mean(2) / after[layer].flatten(2).mean(2)
        torch.testing.assert_close(before[layer], after[layer] * scale[..., None, None], rtol=1e-3, atol=1e-2)


def test_a_channel_that_hardly_fires_is_not_blown_up() -> None:
    network = _firing_network(["relu1_1"], "max")
    network.features[0].weight[5] = 0
    network.features[0].bias[5] = 1e-6
    photo = torch.rand(1, 3, 16, 16)
    network.normalize_channels([photo])
    assert 0 < network(photo)["relu1_1"][0, 5].mean().item() < 1e-4


def _firing_network(layers: list[str], pooling: str) -> LossNetwork:
    """Positive random weights and biases, so that every channel fires."""
    torch.manual_seed(0)
    network = LossNetwork("vgg19", layers, pooling=pooling)  # type: ignore[arg-type]
    for module in network.features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight).abs_()
            nn.init.uniform_(module.bias, 4.0, 5.0)
    return network


def test_normalizing_needs_a_photo() -> None:
    with pytest.raises(ValueError, match="at least one photo"):
        LossNetwork("vgg16", ["relu1_1"]).normalize_channels([])


@pytest.mark.parametrize(("layers", "match"), [(["relu3_4"], "no layer 'relu3_4'"), ([], "at least one layer")])
def test_unknown_layer(layers: list[str], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        LossNetwork("vgg16", layers)


def test_load_fills_in_the_file(vgg19_file: Path, tmp_path: Path) -> None:
    network = LossNetwork.load("vgg19", ["relu2_2"], weights=vgg19_file)
    state = {f"features.{name}": tensor for name, tensor in network.features.state_dict().items()}
    torch.save(state, tmp_path / "vgg19.pth")
    again = LossNetwork.load("vgg19", ["relu2_2"], weights=tmp_path / "vgg19.pth")
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(network(image)["relu2_2"], again(image)["relu2_2"])


def test_file_that_is_not_deep_enough_names_the_layer_to_use(vgg19_file: Path) -> None:
    with pytest.raises(WeightsError, match=r"needs for relu3_1; use layers up to relu2_2"):
        LossNetwork.load("vgg19", ["relu3_1"], weights=vgg19_file)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    deep = LossNetwork("vgg19", ["relu3_4"])
    save_file({f"features.{n}": t for n, t in deep.features.state_dict().items()}, tmp_path / "vgg19.safetensors")
    with pytest.raises(WeightsError, match="holds layers that vgg16 has not; give the weights of vgg16"):
        LossNetwork.load("vgg16", ["relu4_1"], weights=tmp_path / "vgg19.safetensors")


def test_weights_that_are_not_finite_are_refused(vgg19_file: Path, tmp_path: Path) -> None:
    network = LossNetwork.load("vgg19", ["relu2_2"], weights=vgg19_file)
    network.features[0].weight[0, 0, 0, 0] = float("nan")
    save_file({f"features.{n}": t for n, t in network.features.state_dict().items()}, tmp_path / "nan.safetensors")
    with pytest.raises(WeightsError, match=r"features\.0\.weight in nan\.safetensors has values that are not finite"):
        LossNetwork.load("vgg19", ["relu2_2"], weights=tmp_path / "nan.safetensors")


@pytest.mark.parametrize(("layer", "shortest"), [("relu1_2", 1), ("relu3_1", 4), ("relu5_1", 16)])
def test_a_picture_too_small_for_a_layer_is_named(layer: str, shortest: int) -> None:
    network = LossNetwork("vgg19", [layer])
    assert network(torch.rand(1, 3, shortest, 20))[layer].shape[2] == 1
    if shortest > 1:
        with pytest.raises(
            ValueError, match=f"20×{shortest - 1} pixels is too small for {layer}, which needs {shortest}"
        ):
            network(torch.rand(1, 3, shortest - 1, 20))
