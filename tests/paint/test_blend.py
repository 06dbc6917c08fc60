from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle import quantize
from fststyle.errors import ModelFileError
from fststyle.graph.style_numbers import style_numbers, with_numbers
from fststyle.model.file import with_card
from fststyle.paint.blend import Blend, parse_blend, summed_blend
from fststyle.paint.frames import Steadiness, stylize_frames
from fststyle.paint.stylizer import Stylizer

Pixels = NDArray[np.uint8]


def test_reading() -> None:
    assert parse_blend("a.onnx:0.7, b.onnx:0.3") == [(Path("a.onnx"), 0.7), (Path("b.onnx"), 0.3)]
    assert parse_blend("a.onnx,C:\\b.onnx") == [(Path("a.onnx"), 1.0), (Path("C:\\b.onnx"), 1.0)]
    assert parse_blend('"a:0.5,b.onnx":0.7,"x:1"') == [(Path("a:0.5,b.onnx"), 0.7), (Path("x:1"), 1.0)]
    assert parse_blend("a : 1 , b :2") == [(Path("a"), 1.0), (Path("b"), 2.0)]
    assert summed_blend("a:1,b,a:0.5") == {Path("a"): 1.5, Path("b"): 1.0}
    for bad in (
        " :1",
        "a.onnx:x",
        "a.onnx:-1",
        "a.onnx:0",
        "",
        "a.onnx:1,",
        '"a.onnx":b.onnx',
        "a.onnx:nan",
        "a.onnx:inf",
        "a.onnx:1e308,b.onnx:1e308",
    ):
        with pytest.raises(ValueError, match=r"a blend reads like a\.onnx:0\.7,b\.onnx:0\.3"):
            parse_blend(bad)


def test_the_weighted_mean(assets: dict[str, Any], save: Callable[..., Path], photo: Pixels) -> None:
    black = Stylizer.load(save(assets["gain_model"](0.0), name="black.onnx"))
    same = Stylizer.load(save(assets["gain_model"](1.0), name="same.onnx"))
    blend = Blend([black, same], [1, 3])
    assert (blend.style, blend.device) == ("black+same", "cpu")
    np.testing.assert_allclose(blend(photo), 0.75 * photo, atol=0.51)
    np.testing.assert_array_equal(blend(photo, strength=0), photo)
    mask = np.zeros(photo.shape[:2], np.uint8)
    np.testing.assert_array_equal(blend(photo, mask=mask), photo)
    with pytest.raises(ValueError, match="a positive weight for each network"):
        Blend([black], [1, 2])
    for weights in ([1, float("nan")], [1e308, 1e308], [1, float("inf")], [1, -1], [0, 1]):
        with pytest.raises(ValueError, match="a positive weight for each network"):
            Blend([black, same], weights)


def test_strength_is_told_if_all_can_be_told(assets: dict[str, Any], save: Callable[..., Path], photo: Pixels) -> None:
    """One of the networks multiplies by its strength, the other gives back what it gets."""
    model = assets["picture_model"](
        [helper.make_node("Mul", ["content", "strength"], ["stylized"])], {"strength": np.ones(1, np.float32)}
    )
    model.graph.input.append(helper.make_tensor_value_info("strength", 1, [1]))
    told = Stylizer.load(save(model, {"style": "told"}, "told.onnx"))
    black = Stylizer.load(save(assets["gain_model"](0.0), name="black.onnx"))
    np.testing.assert_allclose(Blend([told, told], [1, 2])(photo, strength=0.25), photo / 4, atol=1)
    np.testing.assert_allclose(Blend([told, black], [1, 1])(photo, strength=0.5), 0.75 * photo, atol=1)


def test_networks_of_one_body_become_one(sibling: Callable[..., Path], photo: Pixels) -> None:
    paths = [sibling(1, "one"), sibling(2, "two")]
    blend = Blend.load({paths[0]: 3, paths[1]: 1})
    assert (blend.style, blend.paths) == ("one+two", tuple(paths))
    ((single, weight),) = blend.parts
    assert weight == 1
    assert single.card is not None
    assert (single.card.style, single.card.painting) == ("one+two", "One; Two")
    expected = onnx.load(paths[0])
    numbers = [style_numbers(onnx.load(path)) for path in paths]
    between = {name: (3 * numbers[0][name] + numbers[1][name]) / 4 for name in numbers[0]}
    made = with_card(with_numbers(expected, between), single.card)
    painted = blend(photo)
    assert np.abs(painted - Stylizer(made.SerializeToString())(photo).astype(int)).max() <= 1
    pixels = (3 * Stylizer(paths[0])(photo).astype(float) + Stylizer(paths[1])(photo)) / 4
    assert np.abs(painted - pixels).mean() > 3  # no double exposure
    opened = Blend([Stylizer(path) for path in paths], [30, 10])
    np.testing.assert_array_equal(opened(photo), painted)
    np.testing.assert_array_equal(blend(photo, strength=0), photo)


def test_one_of_them_alone_is_itself(sibling: Callable[..., Path], photo: Pixels) -> None:
    """The other weighs so little that float32 does not hold it."""
    one, two = sibling(1, "one"), sibling(2, "two")
    np.testing.assert_array_equal(Blend.load({one: 1e6, two: 1e-6})(photo), Stylizer(one)(photo))
    np.testing.assert_array_equal(Blend.load({one: 1})(photo), Stylizer(one)(photo))


def test_a_blend_of_one_body_in_tiles(sibling: Callable[..., Path]) -> None:
    large = np.random.default_rng(0).integers(0, 256, (480, 601, 3), np.uint8)
    paths = {sibling(1, "one"): 1.0, sibling(2, "two"): 1.0}
    tiled, whole = Blend.load(paths, memory=300_000_000, exact=True), Blend.load(paths)
    assert np.abs(tiled(large, passes=1) - whole(large, passes=1).astype(int)).max() <= 1
    with pytest.raises(ModelFileError, match=r"need at least [\d.]+ GB of memory with one\+two\.onnx"):
        Blend.load(paths, memory=1000)(large)


def test_others_are_mixed_by_their_pixels(sibling: Callable[..., Path], photo: Pixels, tmp_path: Path) -> None:
    """Also a network and its form in 8 bits, whose ranges belong to the style."""
    one, two = sibling(1, "one"), sibling(2, "two")
    quantize(two, tmp_path / "small.onnx")
    for other in (tmp_path / "small.onnx", Path("great_wave_tiny")):
        blend = Blend.load({one: 1, other: 1})
        assert [weight for _, weight in blend.parts] == [0.5, 0.5]
        expected = (Stylizer(one)(photo).astype(float) + Stylizer(other)(photo)) / 2
        np.testing.assert_allclose(blend(photo), expected, atol=0.51)


def test_frames(sibling: Callable[..., Path], photo: Pixels) -> None:
    """A blend of one body is a network to whatever steadies frames; mixed paintings are carried along, too."""
    one, two = sibling(1, "one"), sibling(2, "two")
    frames = [photo, photo[::-1].copy()]
    blend = Blend.load({one: 1, two: 1})
    (single, _), *_ = blend.parts
    for steadiness in (Steadiness(carry=0.5), Steadiness(follow=0.3, carry=0)):
        painted = list(stylize_frames(blend, frames, steadiness=steadiness))
        np.testing.assert_array_equal(painted, list(stylize_frames(single, frames, steadiness=steadiness)))
    mixed = Blend.load({one: 1, "great_wave_tiny": 1})
    painted = list(stylize_frames(mixed, frames, steadiness=Steadiness(carry=0), strength=0.5))
    np.testing.assert_array_equal(painted, [mixed(frame, strength=0.5) for frame in frames])
    with pytest.raises(ValueError, match=r"follow=0\.3 is for one network, or several that share a body"):
        stylize_frames(mixed, frames, steadiness=Steadiness(follow=0.3))
