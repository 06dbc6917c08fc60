import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle.errors import ModelFileError
from fststyle.graph.statistics import MEASURED_COUNT, MEASURED_MEAN, MEASURED_VARIANCE, Statistics, Sums
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.model.file import read_model
from fststyle.pictures.files import read_picture, resize
from fststyle.samples import photos

Assets = dict[str, Any]
OPSETS = [8, 11, 13, 17, 18]
ROOT = Path(__file__).parents[2]


def instance_norm(source: str, target: str) -> list[onnx.NodeProto]:
    inputs = [source, "scale", "bias"]
    return [helper.make_node("InstanceNormalization", inputs, [target], epsilon=1e-3)]


def simple_norm(source: str, target: str, opset: int, *, square: str) -> list[onnx.NodeProto]:
    """The same, as TensorFlow's users write it."""

    def mean(of: str, to: str) -> onnx.NodeProto:
        if opset < 18:
            return helper.make_node("ReduceMean", [of], [to], axes=[2, 3])
        return helper.make_node("ReduceMean", [of, "axes"], [to])

    minus = f"{target}/minus"
    squared = [minus, minus] if square == "Mul" else [minus, "two"]
    return [
        mean(source, f"{target}/mean"),
        helper.make_node("Sub", [source, f"{target}/mean"], [minus]),
        helper.make_node(square, squared, [f"{target}/squares"]),
        mean(f"{target}/squares", f"{target}/variance"),
        helper.make_node("Add", [f"{target}/variance", "epsilon"], [f"{target}/safe"]),
        helper.make_node("Sqrt", [f"{target}/safe"], [f"{target}/deviation"]),
        helper.make_node("Div", [minus, f"{target}/deviation"], [target]),
    ]


def network(assets: Assets, opset: int) -> bytes:
    """Three convolutions, each behind it a norm of another make."""
    random = np.random.default_rng(0)
    weights: dict[str, NDArray[Any]] = {
        "first": random.normal(3, 5, (4, 3, 3, 3)).astype(np.float32),
        "second": random.normal(0, 1, (4, 4, 3, 3)).astype(np.float32),
        "third": random.normal(0, 1, (3, 4, 3, 3)).astype(np.float32),
        "scale": random.normal(1, 0.2, 4).astype(np.float32),
        "bias": random.normal(0, 1, 4).astype(np.float32),
        "axes": np.array([2, 3]),
        "two": np.array(2, np.float32),
        "epsilon": np.array(1e-3, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["content", "first"], ["a"], pads=[1, 1, 1, 1]),
        *instance_norm("a", "b"),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Conv", ["c", "second"], ["d"], pads=[1, 1, 1, 1], strides=[2, 2]),
        *simple_norm("d", "e", opset, square="Pow"),
        helper.make_node("Conv", ["e", "third"], ["f"], pads=[1, 1, 1, 1]),
        *simple_norm("f", "stylized", opset, square="Mul"),
    ]
    return bytes(assets["picture_model"](nodes, weights, opset=opset).SerializeToString())


def run(model: bytes, content: NDArray[np.float32], **feeds: NDArray[Any]) -> dict[str, NDArray[Any]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    (picture,) = {value.name for value in session.get_inputs()} - set(feeds)
    return dict(zip(names, session.run(names, {picture: content, **feeds}), strict=True))


@pytest.fixture
def content() -> NDArray[np.float32]:
    return np.random.default_rng(1).random((1, 3, 20, 26), np.float32)


def measured(answer: dict[str, NDArray[Any]]) -> Statistics:
    return Statistics(answer[MEASURED_MEAN], answer[MEASURED_VARIANCE])


@pytest.mark.parametrize("opset", OPSETS)
def test_given_its_own_statistics_it_is_the_plain_network(
    assets: Assets, content: NDArray[np.float32], opset: int
) -> None:
    data = network(assets, opset)
    form = StatisticsForm.read(data)
    assert [(norm.source, norm.channels) for norm in form.norms] == [("a", 4), ("d", 4), ("f", 3)]
    plain = run(data, content)["stylized"]
    telling = run(form.build(measured=form.every), content)
    np.testing.assert_allclose(telling["stylized"], plain, atol=1e-5)
    own = measured(telling)
    assert own.mean.shape == own.variance.shape == (11,)
    np.testing.assert_allclose(run(form.build(given=True), content, **own.feeds())["stylized"], plain, atol=1e-5)
    both = run(form.build(given=True, measured=form.every), content, **own.feeds())
    np.testing.assert_allclose(both["stylized"], plain, atol=1e-5)
    np.testing.assert_allclose(both[MEASURED_MEAN], own.mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(both[MEASURED_VARIANCE], own.variance, rtol=1e-4)


def test_what_is_measured_is_the_mean_and_the_variance(assets: Assets, content: NDArray[np.float32]) -> None:
    data = network(assets, 18)
    form = StatisticsForm.read(data)
    own = measured(run(form.build(measured=form.every), content))
    model = onnx.load_from_string(data)
    for norm in form.norms:
        model.graph.output.append(onnx.ValueInfoProto(name=norm.source))
    activations = run(model.SerializeToString(), content)
    for number, norm in enumerate(form.norms):
        expected = activations[norm.source].astype(np.float64)
        np.testing.assert_allclose(own.mean[form.part(number)], expected.mean((0, 2, 3)), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(own.variance[form.part(number)], expected.var((0, 2, 3)), rtol=1e-4)


def test_other_statistics_give_another_picture(assets: Assets, content: NDArray[np.float32]) -> None:
    form = StatisticsForm.read(network(assets, 18))
    telling = run(form.build(measured=form.every), content)
    own = measured(telling)
    shifted = Statistics(own.mean, own.variance * 4)
    answer = run(form.build(given=True), content, **shifted.feeds())["stylized"]
    # The last norm alone would halve the picture.
    assert np.abs(answer).max() < 0.8 * np.abs(telling["stylized"]).max()


def test_a_norm_alone_needs_the_statistics_of_those_before_it(assets: Assets, content: NDArray[np.float32]) -> None:
    form = StatisticsForm.read(network(assets, 18))
    own = measured(run(form.build(measured=form.every), content))
    for number in form.every:
        model = form.build(given=number > 0, measured=[number], picture=False)
        assert ("mean" in {value.name for value in onnx.load_from_string(model).graph.input}) == (number > 0)
        answer = run(model, content, **(own.feeds() if number else {}))
        np.testing.assert_allclose(answer[MEASURED_MEAN], own.mean[form.part(number)], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("opset", OPSETS[1:])
def test_parts_add_up_to_the_whole(assets: Assets, content: NDArray[np.float32], opset: int) -> None:
    form = StatisticsForm.read(network(assets, opset))
    own = measured(run(form.build(measured=form.every), content))
    model = form.build(given=True, measured=form.every, cores=True)
    sums = [Sums(norm.channels) for norm in form.norms]
    for top, bottom in ((0, 6), (6, 20)):
        cores = np.array([[top, 0, bottom, 26], *[[top // 2, 0, bottom // 2, 13]] * 2])
        answer = run(model, content, cores=cores + np.array([0, 0, 0, 99]), **own.feeds())
        found = measured(answer)
        for number, count in enumerate(answer[MEASURED_COUNT]):
            part = form.part(number)
            sums[number].add(int(count), found.mean[part], found.variance[part])
    assert [whole.count for whole in sums] == [20 * 26, 130, 130]
    np.testing.assert_allclose(np.concatenate([whole.mean for whole in sums]), own.mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([whole.variance for whole in sums]), own.variance, rtol=1e-4)


def test_old_graphs_are_upgraded_and_cut_out_parts(assets: Assets) -> None:
    form = StatisticsForm.read(network(assets, 8))
    form.build(measured=form.every, cores=True)


def test_old_graphs_that_cannot_be_upgraded_cannot_cut_out_parts(
    assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fststyle.graph.graph.upgraded", lambda model: model)
    form = StatisticsForm.read(network(assets, 8))
    with pytest.raises(ModelFileError, match="has opset 8, which cannot cut out a part; export it with 10"):
        form.build(measured=form.every, cores=True)


def test_sums_are_sound_where_the_mean_is_large() -> None:
    values = (1e4 + np.random.default_rng(2).random((3, 1000))).astype(np.float32)
    whole = Sums(3)
    for part in (values[:, :1], values[:, 1:300], values[:, 300:300], values[:, 300:]):
        if part.size:
            exact = part.astype(np.float64)
            whole.add(part.shape[1], exact.mean(1).astype(np.float32), exact.var(1).astype(np.float32))
        else:
            whole.add(0, np.zeros(3, np.float32), np.zeros(3, np.float32))
    assert whole.count == 1000
    np.testing.assert_allclose(whole.mean, values.astype(np.float64).mean(1), rtol=1e-6)
    np.testing.assert_allclose(whole.variance, values.astype(np.float64).var(1), rtol=2e-3)


def test_mixing() -> None:
    one, other = (Statistics(np.full(2, value, np.float32), np.full(2, value, np.float32)) for value in (1, 3))
    assert (one.mixed(other, 0.25).mean == 1.5).all()
    assert (one.mixed(other, 0).variance == 1).all()
    with pytest.raises(ValueError, match=r"weight must lie in 0\.\.1, not 2"):
        one.mixed(other, 2)


def test_a_network_without_norms_stays_what_it_is(identity: Path, content: NDArray[np.float32]) -> None:
    form = StatisticsForm.read(read_model(identity).data)
    assert form.norms == ()
    np.testing.assert_array_equal(run(form.build(given=True), content)["stylized"], content)


def check_real(path: Path, white: float) -> None:
    data = read_model(path).data
    form = StatisticsForm.read(data)
    rgb = resize(read_picture(photos()[0]).rgb, *(2 * [720 if "720" in path.name else 160]))
    content = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) * np.float32(white / 255)
    output = form.graph.output_name
    plain = run(data, content)[output]
    telling = run(form.build(measured=form.every), content)
    given = run(form.build(given=True), content, **measured(telling).feeds())
    for answer in (telling, given):
        np.testing.assert_allclose(answer[output] / white, plain / white, atol=1e-5)


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.onnx")), ids=lambda path: path.stem)
def test_the_networks_that_we_ship(path: Path) -> None:
    check_real(path, 1)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "norms"),
    [("lengstrom_wave_rgb255", 16), ("lengstrom_scream_rgb255", 16), ("jcjohnson_udnie_720x720_bgr255", 15)],
)
def test_networks_of_others(name: str, norms: int) -> None:
    folder = os.environ.get("FSTSTYLE_REAL_DATA")
    if not folder or not (path := Path(folder, "peers", f"{name}.onnx")).exists():
        pytest.skip("needs FSTSTYLE_REAL_DATA with the networks of others")
    assert len(StatisticsForm.read(read_model(path).data).norms) == norms
    check_real(path, 255)
