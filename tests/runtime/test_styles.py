"""Networks of one body in one file, with an input that weighs their styles; and one style out of it again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fststyle import Blend, Stylizer, export_form, quantize
from fststyle.errors import FststyleError, ModelFileError
from fststyle.graph.style_numbers import body_of, style_numbers
from fststyle.graph.style_tables import of_one_style
from fststyle.model.file import read_model, with_card
from fststyle.runtime.styles import export_mix, export_styles

Pixels = NDArray[np.uint8]
Sibling = Callable[..., Path]


@pytest.fixture
def many(sibling: Sibling, tmp_path: Path) -> Path:
    """Of the styles one, two and three."""
    export_styles([sibling(seed, name) for seed, name in enumerate(("one", "two", "three"), 1)], tmp_path / "many.onnx")
    return tmp_path / "many.onnx"


def test_any_runtime_paints_every_style(many: Path, tmp_path: Path) -> None:
    """With plain onnxruntime: the first style without the input, each with its weight, and what lies between."""
    session = onnxruntime.InferenceSession(many, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["content"]
    assert [(value.name, value.shape) for value in session.get_overridable_initializers()] == [("style", [3])]
    content = np.random.default_rng(0).random((2, 3, 37, 61), np.float32)
    styles = ("one", "two", "three")
    for place, name in enumerate(styles):
        alone = onnxruntime.InferenceSession(tmp_path / f"{name}.onnx", providers=["CPUExecutionProvider"])
        (expected,) = alone.run(None, {"content": content})
        (got,) = session.run(None, {"content": content, "style": np.eye(3, dtype=np.float32)[place]})
        np.testing.assert_allclose(got, expected, atol=1e-5)
        if place == 0:
            np.testing.assert_allclose(session.run(None, {"content": content})[0], expected, atol=1e-5)
    file = read_model(many)
    assert file.styles == styles
    assert file.card is not None
    assert (file.card.style, file.card.painting) == ("many", "One; Two; Three")


def test_a_mixture_is_that_of_the_blend(many: Path, tmp_path: Path, photo: Pixels) -> None:
    mixed = Stylizer(many)(photo, mix={"one": 3, "three": 1})
    blend = Blend.load({tmp_path / "one.onnx": 0.75, tmp_path / "three.onnx": 0.25})
    assert np.abs(mixed.astype(int) - blend(photo)).max() <= 1
    export_mix(many, tmp_path / "between.onnx", np.array([0.75, 0, 0.25], np.float32))
    between = Stylizer(tmp_path / "between.onnx")
    assert np.abs(mixed.astype(int) - between(photo)).max() <= 1
    assert between.card is not None
    assert (between.card.style, between.card.painting, between.card.styles) == ("one+three", "One; Three", None)


def test_one_style_out_of_it_is_the_network_it_came_from(many: Path, tmp_path: Path) -> None:
    export_mix(many, tmp_path / "again.onnx", np.array([0, 1, 0], np.float32))
    before, after = (onnx.load(tmp_path / f"{name}.onnx") for name in ("two", "again"))
    assert body_of(before) == body_of(after) == body_of(of_one_style(onnx.load(many)))
    for one, other in zip(style_numbers(before).values(), style_numbers(after).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    card = read_model(tmp_path / "again.onnx").card
    assert card is not None
    assert (card.style, card.painting, "paintings" in card.recipe) == ("two", "Two", False)


def test_files_of_several_styles_join(many: Path, sibling: Sibling, tmp_path: Path, photo: Pixels) -> None:
    card = export_styles([many, sibling(4, "four")], tmp_path / "more.onnx")
    assert card.styles == ["one", "two", "three", "four"]
    for name in card.styles:
        expected = Stylizer(tmp_path / f"{name}.onnx")(photo)
        assert np.abs(Stylizer(tmp_path / "more.onnx")(photo, mix=name).astype(int) - expected).max() <= 1


def test_tiles_and_held_statistics_have_the_style(many: Path, tmp_path: Path) -> None:
    from fststyle import stylize_frames
    from fststyle.paint.frames import Steadiness

    large = np.random.default_rng(0).integers(0, 256, (480, 601, 3), np.uint8)
    tiled = Stylizer(many, memory=300_000_000, exact=True)(large, mix="two", passes=1)
    alone = Stylizer(tmp_path / "two.onnx")
    assert np.abs(tiled.astype(int) - alone(large, passes=1)).max() <= 1
    frames = [large[:60, :90], large[60:120, :90]]
    held = Steadiness(follow=0.3, carry=0)
    got = list(stylize_frames(Stylizer(many), frames, steadiness=held, mix="two"))
    for painted, expected in zip(got, stylize_frames(alone, frames, steadiness=held), strict=True):
        assert np.abs(painted.astype(int) - expected).max() <= 1


def test_other_forms_keep_the_input(many: Path, tmp_path: Path, photo: Pixels) -> None:
    expected = Stylizer(tmp_path / "two.onnx")(photo).astype(int)
    export_form(many, tmp_path / "form.onnx", size=(47, 33), opset=12)
    quantize(many, tmp_path / "bytes.onnx", precision="fp32", io="uint8")
    for name in ("form", "bytes"):
        assert read_model(tmp_path / f"{name}.onnx").styles == ("one", "two", "three")
        assert np.abs(Stylizer(tmp_path / f"{name}.onnx")(photo, mix="two") - expected).max() <= 1
    with pytest.raises(
        ModelFileError, match=r"many\.onnx has 3 styles, and int8 is for one; take one out of it: .* --mix one"
    ):
        quantize(many, tmp_path / "small.onnx")
    assert not (tmp_path / "small.onnx").exists()


def test_networks_with_a_strength(assets: dict[str, Any], save: Callable[..., Path], photo: Pixels) -> None:
    """Every style has its own slope; the network is linear in both."""
    nodes = [
        helper.make_node("Sub", ["one", "strength"], ["missing"]),
        helper.make_node("Unsqueeze", ["missing", "zero"], ["row"]),
        helper.make_node("Concat", ["row", "row"], ["rows"], axis=1),
        helper.make_node("MatMul", ["rows", "slopes"], ["more"]),
        helper.make_node("Squeeze", ["more", "zero"], ["vector"]),
        helper.make_node("Add", ["gains", "vector"], ["gain"]),
        helper.make_node("InstanceNormalization", ["content", "gain", "shifts"], ["stylized"]),
    ]
    paths = []
    for place, name in enumerate(("one", "two")):
        constants = {
            "one": np.float32(1),
            "zero": np.array([0]),
            "slopes": np.full((2, 3), -0.02 * (1 + place), np.float32),
            "gains": np.full(3, 0.1, np.float32),
            "shifts": np.full(3, 0.5, np.float32),
            "strength": np.ones(1, np.float32),
        }
        model = assets["picture_model"](nodes, constants)
        model.graph.input.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
        paths.append(save(model, {"style": name}, f"{name}.onnx"))
    many = paths[0].with_name("many.onnx")
    export_styles(paths, many)
    for name, path in zip(("one", "two"), paths, strict=True):
        for strength in (1.0, 0.3):
            got, expected = (
                Stylizer(many)(photo, mix=name, strength=strength),
                Stylizer(path)(photo, strength=strength),
            )
            assert np.abs(got.astype(int) - expected).max() <= 1
    weak = Stylizer(many)(photo, mix="two", strength=0.3)
    assert np.abs(weak.astype(int) - Stylizer(many)(photo, mix="one", strength=0.3)).max() > 2


def test_half_floats(sibling: Sibling, tmp_path: Path, photo: Pixels) -> None:
    halves = []
    for seed, name in enumerate(("one", "two")):
        halves.append(tmp_path / f"{name}_half.onnx")
        quantize(sibling(seed, name), halves[-1], precision="fp16")
    export_styles(halves, tmp_path / "many.onnx")
    for name, path in zip(("one", "two"), halves, strict=True):
        got = Stylizer(tmp_path / "many.onnx")(photo, mix=f"{name}_half").astype(int)
        assert np.abs(got - Stylizer(path)(photo)).max() <= 1
    export_mix(tmp_path / "many.onnx", tmp_path / "again.onnx", np.array([0, 1], np.float32))
    np.testing.assert_array_equal(Stylizer(tmp_path / "again.onnx")(photo), Stylizer(halves[1])(photo))


def test_what_does_not_share_a_file(sibling: Sibling, save: Callable[..., Path], tmp_path: Path) -> None:
    one, target = sibling(1, "one"), tmp_path / "many.onnx"
    quantize(one, tmp_path / "small.onnx")
    foreign = tmp_path / "foreign.onnx"
    model = onnx.load(one)
    del model.metadata_props[:]
    onnx.save(model, foreign)
    (tmp_path / "copy").mkdir()
    twin = tmp_path / "copy" / "one.onnx"
    twin.write_bytes(one.read_bytes())
    for others, words in (
        (["great_wave_tiny"], r"great_wave_tiny\.onnx has another body than .*one\.onnx .*; leave it out, or mix"),
        ([tmp_path / "small.onnx"], r"small\.onnx computes on 8-bit integers"),
        ([foreign], r"foreign\.onnx was not made by fststyle"),
        ([twin], "2 of the styles are called one; rename a file"),
        ([], "at least two networks"),
    ):
        with pytest.raises(ModelFileError, match=words):
            export_styles([one, *others], target)
        assert not target.exists()
    with pytest.raises(FststyleError, match="would overwrite the input"):
        export_styles([one, sibling(2, "two")], one)


def test_files_that_were_tampered_with(many: Path, sibling: Sibling, tmp_path: Path) -> None:
    """Each is one line; a file whose card and input disagree has the one style that it paints."""
    file, model = read_model(many), onnx.load(many)
    assert file.card is not None
    broken = onnx.ModelProto()
    broken.CopyFrom(model)
    for node in broken.graph.node:
        if node.op_type == "MatMul":
            node.input[:] = list(node.input)[::-1]
    (tmp_path / "swapped.onnx").write_bytes(with_card(broken, file.card).SerializeToString())
    with pytest.raises(ModelFileError, match=r"swapped\.onnx cannot be run by onnxruntime"):
        export_mix(tmp_path / "swapped.onnx", tmp_path / "a.onnx", np.array([1, 0, 0], np.float32))
    other = sibling(4, "four")
    for card, styles in (
        (replace(file.card, styles=["a", "b"]), ["odd", "four"]),
        (replace(file.card, recipe={"paintings": {"one": 7}}), ["one", "two", "three", "four"]),
    ):
        (tmp_path / "odd.onnx").write_bytes(with_card(model, card).SerializeToString())
        assert export_styles([tmp_path / "odd.onnx", other], tmp_path / "b.onnx").styles == styles


def test_styles_have_the_names_of_their_files(sibling: Sibling, tmp_path: Path) -> None:
    """Of two that are called the same, those of their cards."""
    one = sibling(1, "udnie").rename(tmp_path / "first.onnx")
    two = sibling(2, "udnie")
    assert export_styles([one, two], tmp_path / "many.onnx").styles == ["first", "udnie"]
    (tmp_path / "other").mkdir()
    three = sibling(3, "wave").rename(tmp_path / "other" / "udnie.onnx")
    assert export_styles([one, two, three], tmp_path / "many.onnx").styles == ["first", "udnie", "wave"]
    assert export_styles([one.read_bytes(), three.read_bytes()], tmp_path / "many.onnx").styles == ["udnie", "wave"]
