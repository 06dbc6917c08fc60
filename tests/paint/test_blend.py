from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle.paint.blend import Blend, parse_blend
from fststyle.paint.stylizer import Stylizer

Pixels = NDArray[np.uint8]


def test_reading() -> None:
    assert parse_blend("a.onnx:0.7, b.onnx:0.3") == [(Path("a.onnx"), 0.7), (Path("b.onnx"), 0.3)]
    assert parse_blend("a.onnx,C:\\b.onnx") == [(Path("a.onnx"), 1.0), (Path("C:\\b.onnx"), 1.0)]
    assert parse_blend("a : 1 , b :2") == [(Path("a"), 1.0), (Path("b"), 2.0)]
    for bad in (
        " :1",
        "a.onnx:x",
        "a.onnx:-1",
        "a.onnx:0",
        "",
        "a.onnx:1,",
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
