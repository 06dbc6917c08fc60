"""The predictor in torch: what it learns from, what it gives, and that its files do the same."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from fststyle import samples
from fststyle.errors import DataError, TrainingError
from fststyle.graph.style_numbers import style_numbers
from fststyle.model.card import ModelCard
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost
from fststyle.training.networks.transformer_net import build_transformer_net
from fststyle.training.predict.bank import StyleBank, mean_products
from fststyle.training.predict.export import export_predictor, plain_net
from fststyle.training.predict.exported import load_vectors, read_net
from fststyle.training.predict.module import PredictorModule
from fststyle.training.predict.predicted_net import PredictedNet
from fststyle.training.predict.style_vector import FARTHEST, LAYERS, StyleVector
from fststyle.training.predict.variants import draw_variants

Floats = NDArray[np.float32]

PAINTINGS = samples.styles()


@pytest.fixture(scope="module")
def trunk() -> LossNetwork:
    return LossNetwork.load("slim", LAYERS)


@pytest.fixture(scope="module")
def bank(trunk: LossNetwork, tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    vectors = StyleVector(trunk)
    vectors.look_along(mean_products(trunk, PAINTINGS))
    made = StyleBank(tmp_path_factory.mktemp("bank"), PAINTINGS, 2, {"slim": trunk}, vectors)
    made.look()
    vectors.standardize(made.raw)
    return made


def net_of(size: int) -> PredictedNet:
    torch.manual_seed(0)
    return PredictedNet(build_transformer_net("fast"), size)


def card_of_a_body() -> ModelCard:
    return ModelCard(style="body", network="fast", width=1.0, loss_network="slim", steps=0, licence="MIT", min_side=20)


def test_variants_are_the_same_each_time_and_differ_from_each_other() -> None:
    first, again = (draw_variants(PAINTINGS[0], 4, seed=3) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert len({each.shape for each in first}) > 1
    assert all(each.dtype == np.uint8 and each.shape[2] == 3 for each in first)


def test_each_picture_is_painted_in_its_own_numbers() -> None:
    net = net_of(7).eval()
    vectors, x = torch.randn(2, 7), torch.rand(2, 3, 32, 40)
    both = net(x, vectors)
    assert not torch.allclose(net(x, vectors[:1])[1], both[1], atol=1e-3)
    torch.testing.assert_close(net(x[1:], vectors[1:]), both[1:])


def test_the_body_alone_paints_as_with_the_middle_of_all_styles() -> None:
    net = net_of(7).eval()
    plain = plain_net(net, "fast")
    x = torch.rand(1, 3, 32, 40)
    middle = net.predictor.layers[-1].bias[None]
    torch.testing.assert_close(plain(x), net.in_numbers(x, middle))


def test_vectors_are_standard_over_paintings_and_bounded(bank: StyleBank) -> None:
    vectors = bank.vectors.standardized(bank.raw)
    assert vectors.shape == (len(bank), bank.vectors.size)
    assert vectors.mean(0).abs().mean() < 0.05
    assert float(bank.vectors(torch.zeros(1, 3, 64, 64)).abs().max()) <= FARTHEST


def test_a_bank_gives_style_matrices_as_the_cost_computes_them(bank: StyleBank, trunk: LossNetwork) -> None:
    (rgb,) = draw_variants(PAINTINGS[1], 1, seed=0)
    picture = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None] / 255
    for layer, grams in bank.grams("slim", [2, 0]).items():
        wanted = trunk.style_matrix(layer, trunk.see(picture, [layer])[layer])[0]
        assert torch.dist(grams[0], wanted) / wanted.norm() < 2e-3


def test_a_bank_of_other_paintings_is_refused(bank: StyleBank, trunk: LossNetwork) -> None:
    with pytest.raises(DataError, match="so of other styles; name another folder"):
        StyleBank(bank.folder, PAINTINGS[:1], 2, {"slim": trunk}, bank.vectors)


def test_the_files_give_what_torch_gives(bank: StyleBank, tmp_path: Path) -> None:
    net = net_of(bank.vectors.size).eval()
    export_predictor(net, bank.vectors, "fast", card_of_a_body(), tmp_path)
    body = onnx.load(tmp_path / "body.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "predictor.onnx")
    (rgb,) = draw_variants(PAINTINGS[0], 1, seed=0)
    numbers, strangeness = session.run(None, {"painting": rgb[None]})
    picture = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        wanted = net.by_name(net.predictor(bank.vectors(picture)))
    assert numbers.shape == (1, sum(len(values) for values in style_numbers(body).values()))
    np.testing.assert_allclose(numbers[0, :48], wanted["encoder.1.gain"][0], atol=5e-3)
    last = wanted["decoder.3.bias"][0].repeat_interleave(4)
    np.testing.assert_allclose(numbers[0, -12:], last, atol=5e-3)
    assert 0 <= strangeness[0] < 1


@pytest.fixture(scope="module")
def written(bank: StyleBank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    net = net_of(bank.vectors.size)
    with torch.no_grad():  # exporters store equal tensors once, and in a new network most norms are equal
        net.predictor.layers[-1].bias.add_(0.1 * torch.randn(net.predictor.layers[-1].out_features))
    export_predictor(net, bank.vectors, "fast", card_of_a_body(), folder)
    return folder


def numbers_of(folder: Path) -> Floats:
    (rgb,) = draw_variants(PAINTINGS[2], 1, seed=0)
    session = onnxruntime.InferenceSession(folder / "predictor.onnx")
    return np.concatenate([each.ravel() for each in session.run(None, {"painting": rgb[None]})])


def test_a_training_starts_from_the_files_alone(bank: StyleBank, written: Path, tmp_path: Path) -> None:
    vectors = StyleVector(LossNetwork.load("slim", LAYERS))
    load_vectors(vectors, written)
    module = PredictorModule(bank, torch.ones(len(bank)), cost=Cost(loss_network="slim"), init="none")
    module.start_from(read_net("fast", vectors.size, written).state_dict())
    assert module.paints_already
    export_predictor(module.averaged.module, vectors, "fast", card_of_a_body(), tmp_path)
    np.testing.assert_allclose(numbers_of(tmp_path), numbers_of(written), atol=1e-4)
    first, again = (style_numbers(onnx.load(folder / "body.onnx")) for folder in (written, tmp_path))
    for name, values in first.items():
        np.testing.assert_allclose(again[name], values, atol=1e-6)
    photo = np.random.default_rng(0).random((1, 3, 64, 64), np.float32)
    painted = [
        onnxruntime.InferenceSession(folder / "body.onnx").run(None, {"content": photo})[0]
        for folder in (written, tmp_path)
    ]
    np.testing.assert_allclose(*painted, atol=1e-4)


def test_files_of_two_trainings_are_refused(bank: StyleBank, written: Path, tmp_path: Path) -> None:
    other = net_of(bank.vectors.size)
    torch.nn.init.ones_(other.predictor.layers[1].weight)
    export_predictor(other, bank.vectors, "fast", card_of_a_body(), tmp_path)
    shutil.copy(written / "body.onnx", tmp_path)
    with pytest.raises(TrainingError, match="are of two trainings; take both from one"):
        read_net("fast", bank.vectors.size, tmp_path)


def test_a_start_without_files_names_what_is_needed(bank: StyleBank, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--start takes"):
        load_vectors(StyleVector(LossNetwork.load("slim", LAYERS)), tmp_path)


def test_files_of_another_network_are_refused(bank: StyleBank, written: Path) -> None:
    with pytest.raises(TrainingError, match="another network than johnson"):
        read_net("johnson", bank.vectors.size, written)


def test_a_step_teaches_body_and_predictor(bank: StyleBank) -> None:
    module = PredictorModule(bank, torch.ones(len(bank)), cost=Cost(loss_network="slim"), init="none")
    choice = module.choice([0, 3])
    photos = torch.rand(2, 3, 32, 32)
    assert choice.style_grams is not None
    assert {len(grams) for grams in choice.style_grams.values()} == {2}
    choice.paint(module.net, photos).sum().backward()
    moved = {name.split(".")[0] for name, each in module.net.named_parameters() if each.grad is not None}
    assert moved == {"net", "predictor"}
    optimizer = module.build_optimizer()
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(module.net.parameters()))
