"""The distilled loss networks as they ship: whole, small, named on their cards, and the default."""

import hashlib
import warnings
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from fststyle.errors import WeightsError
from fststyle.training.cost import losses
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, PerceptualObjective, load_loss_network
from fststyle.training.cost.weights import DISTILLED, TAUGHT_LAYERS, Distilled, shipped_file
from fststyle.training.distill.run import digest
from fststyle.training.distill.teacher import COMPONENTS
from fststyle.training.explain.subject import load_network
from fststyle.training.tensors import reference_photos

EVERY = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu3_4", "relu4_1")


every_network = pytest.mark.parametrize("name", DISTILLED)


@every_network
def test_ships_small_whole_and_with_a_card(name: Distilled) -> None:
    shipped = shipped_file(name)
    assert shipped.stat().st_size <= 4_000_000
    with safe_open(shipped, "pt") as file:
        recorded = file.metadata()["sha256 of tensors"]
        assert file.metadata()["name"] == name
    assert digest(load_file(shipped)) == recorded
    card = shipped.with_suffix(".md").read_text("utf-8")
    for needed in (recorded, "CC BY 4.0", "Simonyan", "distill_loss_network.py", *EVERY):
        assert needed in card, needed


def test_a_flipped_bit_changes_the_digest() -> None:
    tensors = load_file(shipped_file("slim"))
    before = digest(tensors)
    tensors["features.0.bias"].view(torch.int32)[3] ^= 1
    assert digest(tensors) != before
    assert len(before) == len(hashlib.sha256().hexdigest())


def test_is_the_default_where_no_weights_are_given(vgg19_file: Path) -> None:
    assert Cost().architecture == "medium"
    assert Cost(weights=vgg19_file).architecture == "vgg19"
    assert Cost(loss_network="vgg16").architecture == "vgg16"
    assert Cost(loss_network="slim", weights=shipped_file("slim")).architecture == "slim"


@every_network
def test_sees_every_layer_down_to_relu4_1(name: Distilled) -> None:
    network = LossNetwork.load(name, EVERY)
    features = network(torch.rand(1, 3, 64, 48))
    assert list(features) == list(EVERY)
    for layer, x in features.items():
        reduced = 2 ** (int(layer[4]) - 1)
        assert x.shape[2:] == (64 // reduced, 48 // reduced)
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("layer", ["relu1_2", "relu4_1"])
def test_style_matrices_are_those_of_what_is_read(layer: str) -> None:
    network = LossNetwork.load("slim", [layer])
    image = torch.rand(2, 3, 48, 64, requires_grad=True)
    direct = losses.gram_matrix(network(image)[layer])
    short = network.style_matrix(layer, network.see(image)[layer])
    torch.testing.assert_close(short, direct, rtol=1e-4, atol=1e-6 * float(direct.detach().abs().max()))
    weights = torch.rand(direct.shape)
    one, other = (torch.autograd.grad((gram * weights).sum(), image)[0] for gram in (direct, short))
    torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4 * float(one.abs().max()))


@every_network
def test_energies_are_of_the_order_of_normalized_channels(name: Distilled) -> None:
    """Channels of mean activation 1 have a mean square above 1, and readouts of fewer channels keep the mean square."""
    network = LossNetwork.load(name, EVERY)
    means: dict[str, list[Tensor]] = {}
    for photo in reference_photos():
        for layer, x in network(photo).items():
            means.setdefault(layer, []).append(x.square().mean())
    for layer, values in means.items():
        assert 1 < float(torch.stack(values).mean()) < 30, layer


@every_network
def test_tells_pictures_and_textures_apart(name: Distilled) -> None:
    """A photo is nearer to its own blurred copy than to another photo, in content; moved about, it keeps its style."""
    photos = [photo[..., :160, :160] for photo in reference_photos()][:4]
    network = LossNetwork.load(name, ("relu2_2", "relu3_3"))
    for photo, other in pairwise(photos):
        soft = torch.nn.functional.avg_pool2d(photo, 3, 1, 1)
        moved = photo.roll((64, 32), (2, 3))
        own, blurred, moved_features, foreign = (network(x) for x in (photo, soft, moved, other))
        for layer in own:
            content = [losses.relative_content_loss(x[layer], own[layer]).item() for x in (blurred, foreign)]
            assert content[0] < content[1]
            gram = losses.gram_matrix(own[layer])
            style = [
                losses.relative_style_loss(losses.gram_matrix(x[layer]), gram).item() for x in (moved_features, foreign)
            ]
            assert style[0] < style[1]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"pooling": "average"}, "slim is distilled with max pooling; use that, or vgg19"),
        ({"normalize_channels": False}, "set normalize_channels, or use vgg19"),
        ({"style_layers": ("relu5_1",)}, "slim has no layer 'relu5_1'; use one of relu1_1"),
    ],
)
def test_what_it_cannot_do_names_what_can(arguments: dict[str, object], match: str) -> None:
    for name in DISTILLED:
        with pytest.raises(ValueError, match=match.replace("slim", name)):
            load_loss_network(Cost(loss_network=name, **arguments), [])  # type: ignore[arg-type]


@every_network
def test_layers_that_it_was_not_taught_are_named(name: Distilled) -> None:
    assert tuple(COMPONENTS[name]) == TAUGHT_LAYERS
    with pytest.warns(UserWarning, match=rf"{name} was not taught relu3_1, relu2_1, and sees less there .* or vgg19"):
        load_loss_network(Cost(loss_network=name, content_layers=("relu3_1",), style_layers=("relu2_1", "relu2_2")), [])
    with warnings.catch_warnings(action="error"):
        load_loss_network(Cost(loss_network=name), [])


@every_network
def test_is_not_explained(name: Distilled) -> None:
    with pytest.raises(ValueError, match=f"{name} has no channels of its own to look at; use --loss-network vgg19"):
        load_network(Cost(loss_network=name))


def test_weights_of_another_network_are_refused(vgg19_file: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"these are another network's weights: give those of slim|has no features"):
        LossNetwork.load("slim", ["relu1_2"], weights=vgg19_file)
    half = {name: tensor for name, tensor in load_file(shipped_file("slim")).items() if "readouts" not in name}
    save_file(half, tmp_path / "half.safetensors")
    with pytest.raises(
        WeightsError, match=r"half\.safetensors has no readouts\.relu1_2\.weight, so it is no slim network; give one"
    ):
        LossNetwork.load("slim", ["relu1_2"], weights=tmp_path / "half.safetensors")


def test_the_cost_of_the_painting_itself_is_nothing_and_gradients_reach_the_picture() -> None:
    painting = torch.rand(1, 3, 64, 64)
    objective = PerceptualObjective(Cost(), painting)
    picture = painting.clone().requires_grad_()
    terms = objective.terms(picture, objective.content_features(painting))
    assert terms.style.item() < 1e-10
    assert terms.content.item() < 1e-10
    other = torch.rand(1, 3, 64, 64, requires_grad=True)
    objective.terms(other, objective.content_features(painting)).total.backward()
    assert other.grad is not None
    assert other.grad.abs().sum() > 0
