"""What a network computes on: every order and range, recognized where the wrong one was named."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fststyle.model.file import read_model
from fststyle.model.layouts import LAYOUTS, Layout, to_rgb, to_tensor, values_of
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import write_picture
from fststyle.runtime.convert import quantize

Assets = dict[str, Any]
Pixels = NDArray[np.uint8]
Save = Callable[..., Path]

# What (100, 150, 60) is to a network, in the order of its channels.
KNOWN = {
    "rgb1": (100 / 255, 150 / 255, 60 / 255),
    "rgb255": (100, 150, 60),
    "rgb-1to1": (100 / 127.5 - 1, 150 / 127.5 - 1, 60 / 127.5 - 1),
    "bgr1": (60 / 255, 150 / 255, 100 / 255),
    "bgr255": (60, 150, 100),
    "bgr-1to1": (60 / 127.5 - 1, 150 / 127.5 - 1, 100 / 127.5 - 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_there_and_back(layout: str, dtype: str, channels_last: bool) -> None:
    rgb = np.full((2, 3, 3), (100, 150, 60), np.uint8)
    tensor = to_tensor(rgb, values_of(layout), dtype, channels_last=channels_last)
    assert (tensor.dtype, tensor.shape) == (np.dtype(dtype), (1, 2, 3, 3) if channels_last else (1, 3, 2, 3))
    pixel = tensor[0, 1, 2] if channels_last else tensor[0, :, 1, 2]
    np.testing.assert_allclose(pixel, KNOWN[layout], rtol=1e-6 if dtype == "float32" else 2e-3, atol=1e-3)
    noise = np.random.default_rng(0).integers(0, 256, (40, 5, 3), np.uint8)
    back = to_rgb(to_tensor(noise, values_of(layout), dtype, channels_last=channels_last), values_of(layout),
                  channels_last=channels_last)  # fmt: skip
    np.testing.assert_array_equal(back, noise)


def ending_in(assets: Assets, operator: str, gain: float, offset: float = 0.0) -> Any:
    """Times a gain, plus an offset, through an operator."""
    nodes = [
        helper.make_node("Mul", ["content", "gain"], ["a"]),
        helper.make_node("Add", ["a", "offset"], ["b"]),
        helper.make_node(operator, ["b"], ["stylized"]),
    ]
    weights = {"gain": np.array(gain, np.float32), "offset": np.array(offset, np.float32)}
    return assets["picture_model"](nodes, weights)


@pytest.mark.parametrize(
    ("operator", "gain", "offset", "layout", "instead"),
    [
        ("Identity", 2.0, -1.0, "rgb1", "gives values from -1.00 to 1.00, not 0 to 1; try layout 'rgb-1to1' or"),
        ("Identity", -1.0, 0.0, "bgr1", "try layout 'rgb-1to1' or 'bgr-1to1'"),
        ("Tanh", 1.0, 0.0, "rgb1", r"gives values in -1\.\.1; try layout 'rgb-1to1' or 'bgr-1to1'"),
        ("Tanh", 1.0, 0.0, "bgr255", "try layout 'rgb-1to1' or 'bgr-1to1'"),
        ("Identity", 200.0, 0.0, "rgb1", "gives values up to 200, not 1; try layout 'rgb255' or 'bgr255'"),
        ("Identity", 100.0, 0.0, "rgb-1to1", "try layout 'rgb255' or 'bgr255'"),
        ("Identity", 1 / 255, 0.0, "rgb255", "gives values up to 1.00, not 255; try layout 'rgb1' or 'bgr1'"),
        ("Identity", 2 / 255, -1.0, "rgb255", "try layout 'rgb-1to1' or 'bgr-1to1'"),
        ("Sigmoid", 1.0, 0.0, "rgb255", r"gives values in 0\.\.1; try layout 'rgb1' or 'bgr1'"),
    ],
)
def test_a_wrong_range_is_suspected(
    assets: Assets, save: Save, photo: Pixels, operator: str, gain: float, offset: float, layout: Layout, instead: str
) -> None:
    stylizer = Stylizer.load(save(ending_in(assets, operator, gain, offset)), layout=layout)
    with pytest.warns(UserWarning, match=instead):
        stylizer(photo)
    with warnings.catch_warnings():  # once is enough
        warnings.simplefilter("error")
        stylizer(photo)


@pytest.mark.parametrize(
    ("operator", "gain", "offset", "layout"),
    [
        ("Identity", 1.0, -0.05, "rgb1"),
        ("Sigmoid", 5.0, 0.0, "bgr1"),
        ("Tanh", 1.0, 0.0, "rgb-1to1"),
        ("Identity", 1.0, 0.0, "bgr-1to1"),
        ("Identity", 1.3, -20.0, "bgr255"),
        ("Identity", 0.0, 0.0, "rgb255"),
    ],
)
def test_a_right_range_is_not_suspected(
    assets: Assets, save: Save, photo: Pixels, operator: str, gain: float, offset: float, layout: Layout
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Stylizer.load(save(ending_in(assets, operator, gain, offset)), layout=layout)(photo)


@pytest.mark.parametrize(
    ("operator", "inputs", "found"),
    [
        ("Tanh", (), "-1to1"),
        ("Sigmoid", (), "1"),
        ("Relu", (), None),
        ("Clip", ("zero", "one"), "1"),
        ("Clip", ("zero", "full"), "255"),
        ("Clip", ("minus", "one"), "-1to1"),
        ("Clip", ("zero",), None),
    ],
)
def test_the_range_of_the_last_operator(
    assets: Assets, save: Save, operator: str, inputs: tuple[str, ...], found: str | None
) -> None:
    limits = {"zero": 0.0, "one": 1.0, "full": 255.0, "minus": -1.0}
    nodes = [
        helper.make_node(operator, ["content", *inputs], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[0, 1, 2, 3]),
        helper.make_node("Identity", ["b"], ["stylized"]),
    ]
    model = assets["picture_model"](nodes, {name: np.array(value, np.float32) for name, value in limits.items()})
    assert read_model(save(model)).ends_in == found


def test_bytes_of_every_layout(assets: Assets, save: Save, tmp_path: Path, photo: Pixels) -> None:
    """The graph converts as Python does: red is doubled, wherever it comes in."""
    write_picture(tmp_path / "photos" / "a.png", photo)
    for layout in LAYOUTS:
        red = 2 if layout.startswith("bgr") else 0
        black, white = values_of(layout).black, values_of(layout).white
        gain = np.ones((1, 3, 1, 1), np.float32)
        gain[0, red] = 2
        nodes = [
            helper.make_node("Sub", ["content", "black"], ["a"]),
            helper.make_node("Mul", ["a", "gain"], ["b"]),
            helper.make_node("Add", ["b", "black"], ["stylized"]),
        ]
        path = save(assets["picture_model"](nodes, {"black": np.array(black, np.float32), "gain": gain}))
        made = tmp_path / "bytes.onnx"
        quantize(path, made, precision="fp32", io="uint8", photos=tmp_path / "photos", layout=layout)  # type: ignore[arg-type]
        expected = np.clip(photo * np.array([2, 1, 1]), 0, 255)
        for stylizer in (Stylizer.load(path, layout=layout), Stylizer.load(made)):  # type: ignore[arg-type]
            assert np.abs(stylizer(photo) - expected).max() <= 1, (layout, white)


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8])
@pytest.mark.parametrize("sides", [("n", 3, "h", "w"), ("n", "h", "w", 3), (1, 3, 48, 40), (1, 48, 40, 3)])
def test_pixels_of_every_kind_and_order(
    assets: Assets, save: Save, photo: Pixels, dtype: int, sides: tuple[Any, ...]
) -> None:
    model = assets["picture_model"]([helper.make_node("Identity", ["content"], ["stylized"])], sides=sides)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = dtype
    fitting = np.random.default_rng(2).integers(0, 256, (48, 40, 3), np.uint8)
    np.testing.assert_array_equal(Stylizer.load(save(model))(fitting), fitting)
    if "h" in sides:
        np.testing.assert_array_equal(Stylizer.load(save(model))(photo), photo)
