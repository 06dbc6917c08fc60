"""VGG-19 in 8 bits: what rounding may cost, and when it is taken instead of a download."""

from pathlib import Path

import pytest
import torch

from fststyle.training.cost import weights
from fststyle.training.cost.byte_weights import from_bytes, to_bytes
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, load_loss_network
from fststyle.training.cost.weights import shipped_file
from fststyle.training.tensors import reference_photos


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("FSTSTYLE_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)


def test_a_weight_is_at_most_half_a_step_off_unless_it_is_an_outlier() -> None:
    state = {"features.0.weight": torch.randn(5, 4, 3, 3), "features.0.bias": torch.randn(5)}
    state["features.0.weight"][2] *= 1000
    rounded = to_bytes(state)
    assert rounded["features.0.weight"].dtype == torch.int8
    read = from_bytes(rounded)
    assert set(read) == set(state)
    torch.testing.assert_close(read["features.0.bias"], state["features.0.bias"], rtol=0, atol=0)
    error = (read["features.0.weight"] - state["features.0.weight"]).flatten(1).norm(dim=1)
    assert (error / state["features.0.weight"].flatten(1).norm(dim=1)).max() < 0.01


def test_a_channel_of_zeros_stays_zero() -> None:
    read = from_bytes(to_bytes({"features.0.weight": torch.zeros(2, 3, 3, 3)}))
    assert not read["features.0.weight"].any()


@pytest.mark.usefixtures("offline", "small_reference_photos")
def test_normalized_vgg19_needs_no_download() -> None:
    network = load_loss_network(Cost(loss_network="vgg19"), reference_photos())
    seen = network(next(iter(reference_photos())))
    for layer, activations in seen.items():
        # Mean activation 1 over the reference photos is what normalizing means.
        assert 0.3 < float(activations.mean()) < 3, layer


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    "cost",
    [
        Cost(loss_network="vgg19", normalize_channels=False),
        Cost(loss_network="vgg19", content_layers=("relu4_2",)),
        Cost(loss_network="vgg16"),
    ],
)
def test_other_scales_and_deeper_layers_are_torchvisions(cost: Cost) -> None:
    with pytest.raises(weights.WeightsError, match="cannot download"):
        load_loss_network(cost, reference_photos())


def test_the_shipped_file_is_small_and_reaches_relu4_1() -> None:
    assert shipped_file("vgg19").stat().st_size < 3.6e6
    network = LossNetwork.load("vgg19", ["relu4_1"], weights=shipped_file("vgg19"))
    assert network.features[-2].out_channels == 512
