import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper
from PIL import Image

import fststyle
from fststyle.errors import DeviceError, ModelFileError
from fststyle.model import devices
from fststyle.paint.controls import Controls
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import resize, with_content_color
from fststyle.pictures.picture import Picture

Assets = dict[str, Any]
Pixels = NDArray[np.uint8]
Save = Callable[..., Path]


def node(operator: str, *inputs: str, output: str = "stylized", **attributes: Any) -> Any:
    return helper.make_node(operator, list(inputs), [output], **attributes)


def blocky(assets: Assets, block: int = 4) -> Any:
    """Averages blocks and enlarges again: the network of a stride, sides rounded up."""
    return assets["picture_model"](
        [
            node("AveragePool", "content", output="small", kernel_shape=[block] * 2, strides=[block] * 2, ceil_mode=1),
            node("Resize", "small", "", "scales", mode="nearest"),
        ],
        {"scales": np.array([1, 1, block, block], np.float32)},
    )


@pytest.mark.parametrize("height", [1, 2, 7, 33])
@pytest.mark.parametrize("width", [1, 2, 7, 33])
def test_identity_gives_back_every_byte(identity: Path, height: int, width: int) -> None:
    rgb = np.random.default_rng(height * 100 + width).integers(0, 256, (height, width, 3), np.uint8)
    np.testing.assert_array_equal(Stylizer.load(identity)(rgb), rgb)


def test_identity_keeps_all_256_values(identity: Path) -> None:
    rgb = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    np.testing.assert_array_equal(Stylizer.load(identity)(rgb), rgb)


def test_the_front_door(identity: Path) -> None:
    stylizer = fststyle.Stylizer.load(str(identity), device="auto")
    assert stylizer.card is not None
    assert stylizer.card.style == "identity"
    assert stylizer.device in devices.installed_devices()


def test_pillow_images_and_pictures_are_taken(identity: Path, photo: Pixels) -> None:
    stylizer = Stylizer.load(identity, device="cpu", threads=1)
    np.testing.assert_array_equal(stylizer(Image.fromarray(photo)), photo)
    np.testing.assert_array_equal(stylizer(Picture(photo, None)), photo)
    np.testing.assert_array_equal(stylizer(photo[:, ::-1]), photo[:, ::-1])


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_other_arrays_are_refused(identity: Path, bad: Any) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 of shape \(height, width, 3\), not"):
        Stylizer.load(identity)(bad)


def test_a_path_is_not_a_picture(identity: Path) -> None:
    for path in ("cat.jpg", Path("cat.jpg")):
        with pytest.raises(TypeError, match=r"cat\.jpg is a path.*read_picture"):
            Stylizer(identity)(path)  # type: ignore[arg-type]


def test_a_network_from_bytes_and_by_name(identity: Path, photo: Pixels, assets: Assets, save: Save) -> None:
    stylizer = Stylizer(identity.read_bytes(), device="cpu", threads=1)
    assert (stylizer.style, stylizer.paths) == ("identity", ())
    np.testing.assert_array_equal(stylizer(photo), photo)
    assert Stylizer(str(identity)).paths == (identity,)
    name, path = next(iter(fststyle.networks().items()))
    assert Stylizer(name).paths == Stylizer(path).paths == (path,)
    # A foreign network has no card to take a name from.
    foreign = Stylizer(save(assets["gain_model"](0.5)).read_bytes())
    np.testing.assert_array_equal(foreign(photo), np.floor(photo / 2 + 0.5))
    for broken in (b"", b"\x89PNG", identity.read_bytes()[:-100]):
        with pytest.raises(ModelFileError, match=r"^<bytes> ") as raised:
            Stylizer(broken)
        assert len(str(raised.value)) < 200


def test_a_network_from_bytes_is_named_so_where_it_fails(assets: Assets, save: Save, photo: Pixels) -> None:
    for_one_size = np.ones((1, 1, 5, 5), np.float32)
    model = save(assets["picture_model"]([node("Mul", "content", "w")], {"w": for_one_size})).read_bytes()
    with pytest.raises(ModelFileError, match="<bytes> fails on"):
        Stylizer(model)(photo)


def test_controls_are_one_value_or_keywords(assets: Assets, save: Save, photo: Pixels) -> None:
    stylizer = Stylizer(save(assets["gain_model"](0.5)))
    controls = Controls(strength=0.5, scale=2)
    np.testing.assert_array_equal(stylizer(photo, controls), stylizer(photo, strength=0.5, scale=2))
    np.testing.assert_array_equal(stylizer(photo, controls, strength=1), stylizer(photo, scale=2))
    with pytest.raises(TypeError, match="strenght"):
        stylizer(photo, strenght=0.5)  # type: ignore[call-arg]


def test_values_are_rounded_and_clipped(assets: Assets, save: Save) -> None:
    stylizer = Stylizer.load(save(assets["gain_model"](1.5)))
    rgb = np.array([[[0, 1, 2], [101, 170, 171]]], np.uint8)
    np.testing.assert_array_equal(stylizer(rgb), [[[0, 2, 3], [152, 255, 255]]])


def told_model(assets: Assets) -> Any:
    """Multiplies by a strength of its own: half of it makes the picture a quarter as bright."""
    model = assets["picture_model"](
        [node("Mul", "strength", "strength", output="square"), node("Mul", "content", "square")],
        {"strength": np.ones(1, np.float32)},
    )
    model.graph.input.append(helper.make_tensor_value_info("strength", 1, [1]))
    return model


def test_a_network_that_takes_a_strength_is_told_and_not_faded(assets: Assets, save: Save, photo: Pixels) -> None:
    stylizer = Stylizer.load(save(told_model(assets), card={}))
    np.testing.assert_array_equal(stylizer(photo), photo)
    np.testing.assert_array_equal(stylizer(photo, strength=0.5), np.floor(photo / 4 + 0.5))
    np.testing.assert_array_equal(stylizer(photo, strength=0), photo)


def test_strength_is_a_cross_fade(assets: Assets, save: Save, photo: Pixels) -> None:
    stylizer = Stylizer.load(save(assets["gain_model"](0.0)))
    np.testing.assert_array_equal(stylizer(photo, strength=0), photo)
    np.testing.assert_array_equal(stylizer(photo, strength=0.25), np.floor(0.75 * photo + 0.5))
    assert (stylizer(photo) == 0).all()
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"strength must lie in 0\.\.1"):
            stylizer(photo, strength=strength)


def test_keep_color(assets: Assets, save: Save, photo: Pixels) -> None:
    stylizer = Stylizer.load(save(assets["gain_model"](0.5)))
    np.testing.assert_array_equal(stylizer(photo, keep_color=True), with_content_color(stylizer(photo), photo))


@pytest.mark.parametrize("layout", ["rgb255", "bgr255"])
def test_layouts(assets: Assets, save: Save, layout: Any) -> None:
    # Adds 10 to the first channel, on the scale of 0..255.
    offset = np.array([10, 0, 0], np.float32).reshape(1, 3, 1, 1)
    path = save(assets["picture_model"]([node("Add", "content", "offset")], {"offset": offset}))
    rgb = np.full((8, 8, 3), 100, np.uint8)
    expected = [110, 100, 100] if layout == "rgb255" else [100, 100, 110]
    np.testing.assert_array_equal(Stylizer.load(path, layout=layout)(rgb)[3, 3], expected)


def test_a_wrong_layout_is_suspected_once(assets: Assets, save: Save, photo: Pixels) -> None:
    stylizer = Stylizer.load(save(assets["gain_model"](255.0)))
    with pytest.warns(UserWarning, match="gives values up to 255, not 1; try layout 'rgb255'"):
        stylizer(photo)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stylizer(photo)


def test_layouts_are_for_foreign_files(identity: Path) -> None:
    with pytest.raises(ValueError, match="so its layout is rgb1, not bgr255"):
        Stylizer.load(identity, layout="bgr255")
    with pytest.raises(
        ValueError, match="layout must be one of rgb1, rgb255, rgb-1to1, bgr1, bgr255, bgr-1to1, not 'bgr'"
    ):
        Stylizer.load(identity, layout="bgr")  # type: ignore[arg-type]


@pytest.mark.parametrize("block", [1, 2, 4, 8, 16, 32, 64, 3, 12, 14, 20, 48, 128])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (128, 64), (33, 50)])
def test_foreign_networks_get_sides_that_are_the_least_multiple_that_they_take(
    assets: Assets, save: Save, height: int, width: int, block: int
) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    tall, wide = -(-height // block) * block, -(-width // block) * block
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        stylizer = Stylizer.load(save(blocky(assets, block)))
        stylized = stylizer(rgb)
        stylizer(rgb)
    told = [f"multiples of {block}: {width}×{height} is continued to {wide}×{tall}"] * (
        (tall, wide) != rgb.shape[:2] and block > 8
    )
    assert len(warned) == len(told)
    assert all(text in str(warning.message) for text, warning in zip(told, warned, strict=True))
    top, left = (tall - height) // 2, (wide - width) // 2
    padded = np.pad(rgb, ((top, tall - height - top), (left, wide - width - left), (0, 0)), mode="reflect")
    blocks = padded.reshape(tall // block, block, wide // block, block, 3).mean((1, 3))
    blocks = blocks.repeat(block, 0).repeat(block, 1)
    np.testing.assert_allclose(stylized, blocks[top : top + height, left : left + width], atol=0.51)


def test_ours_get_at_least_their_min_side(assets: Assets, save: Save) -> None:
    # Its own mean is added to each channel: padding by reflection keeps the mean of this picture.
    model = assets["picture_model"](
        [node("GlobalAveragePool", "content", output="mean"), node("Add", "content", "mean")]
    )
    stylizer = Stylizer.load(save(model, card={"min_side": 8}))
    rgb = np.full((3, 20, 3), 60, np.uint8)
    assert stylizer(rgb).shape == (3, 20, 3)
    assert (stylizer(rgb) == 120).all()


def test_a_network_for_one_size_gets_the_picture_resized(assets: Assets, save: Save, photo: Pixels) -> None:
    relu = node("Relu", "content")
    stylizer = Stylizer.load(save(assets["picture_model"]([relu], sides=(1, 3, 24, 16))))
    np.testing.assert_array_equal(stylizer(photo), resize(resize(photo, 24, 16), 33, 47))
    fitting = photo[:24, :16]
    np.testing.assert_array_equal(stylizer(fitting), fitting)


@pytest.mark.parametrize(("sides", "near"), [((1, 3, "h", 64), (45, 64)), ((1, 3, 66, "w"), (66, 94))])
def test_a_network_with_one_fixed_side_keeps_the_aspect_ratio(
    assets: Assets, save: Save, photo: Pixels, sides: Any, near: tuple[int, int]
) -> None:
    stylizer = Stylizer.load(save(assets["picture_model"]([node("Relu", "content")], sides=sides)))
    np.testing.assert_array_equal(stylizer(photo), resize(resize(photo, *near), 33, 47))


def test_a_network_with_one_fixed_side_and_strides(assets: Assets, save: Save, photo: Pixels) -> None:
    model = blocky(assets, 16)
    for value in (*model.graph.input, *model.graph.output):
        value.CopyFrom(helper.make_tensor_value_info(value.name, 1, [1, 3, "height", 64]))
    with pytest.warns(UserWarning, match="multiples of 16: 64×45 is continued to 64×48"):
        assert Stylizer.load(save(model))(photo).shape == photo.shape


def test_a_picture_smaller_than_a_border_that_is_mirrored_inside(assets: Assets, save: Save) -> None:
    weights = {
        "pads": np.array([0, 0, 40, 40, 0, 0, 40, 40]),
        "starts": np.array([40, 40]),
        "ends": np.array([-40, -40]),
        "axes": np.array([2, 3]),
    }
    nodes = [
        node("Pad", "content", "pads", output="wide", mode="reflect"),
        node("Slice", "wide", "starts", "ends", "axes"),
    ]
    rgb = np.random.default_rng(0).integers(0, 256, (20, 300, 3), np.uint8)
    np.testing.assert_array_equal(Stylizer.load(save(assets["picture_model"](nodes, weights)))(rgb), rgb)


def test_the_picture_among_several_outputs(assets: Assets, save: Save, photo: Pixels) -> None:
    nodes = [
        node("GlobalAveragePool", "content", output="mean"),
        node("Flatten", "mean", output="features"),
        node("Relu", "content"),
    ]
    model = assets["picture_model"](nodes)
    model.graph.output.insert(0, helper.make_tensor_value_info("features", 1, ["batch", 3]))
    path = save(model)
    np.testing.assert_array_equal(Stylizer.load(path)(photo), photo)
    np.testing.assert_array_equal(Stylizer.load(path, memory=10**9)(photo), photo)
    model.graph.output.append(helper.make_tensor_value_info("content", 1, ["batch", 3, "height", "width"]))
    with pytest.raises(ModelFileError, match="gives 3 outputs, not one picture each; choose"):
        Stylizer.load(save(model))


def test_a_network_that_changes_the_size_is_refused(assets: Assets, save: Save, photo: Pixels) -> None:
    pool = node("AveragePool", "content", kernel_shape=[2, 2], strides=[2, 2])
    stylizer = Stylizer.load(save(assets["picture_model"]([pool])))
    with pytest.raises(ModelFileError, match=r"makes \(1, 3, 20, 24\) of \(1, 3, 40, 48\); choose"):
        stylizer(photo)


def test_values_that_are_no_numbers_are_refused(assets: Assets, save: Save, photo: Pixels) -> None:
    for gain in (np.nan, np.inf):
        stylizer = Stylizer.load(save(assets["gain_model"](gain)))
        with pytest.raises(ModelFileError, match="produced NaN or infinity; retrain it"):
            stylizer(photo)


def test_what_onnxruntime_refuses_is_a_model_file_error(
    assets: Assets, save: Save, photo: Pixels, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelFileError, match=r"cannot be run by onnxruntime .*; export it again"):
        Stylizer.load(save(assets["picture_model"]([node("Relu", "nowhere")])))
    future = assets["picture_model"]([node("Relu", "content")])
    future.opset_import[0].version = 99
    with pytest.raises(
        ModelFileError, match=r"\(ONNX Runtime only .* opset versions\. Opset 99 .*; export it again, with opset 18"
    ):
        Stylizer.load(save(future))
    for_one_size = np.ones((1, 1, 5, 5), np.float32)
    with pytest.raises(ModelFileError, match=r"fails on 48×40 pixels .*; choose another.*multiples of 1 to 128"):
        Stylizer.load(save(assets["picture_model"]([node("Mul", "content", "w")], {"w": for_one_size})))(photo)
    assert capfd.readouterr().err == ""  # onnxruntime itself prints nothing


def test_a_silent_fall_back_to_the_cpu_is_an_error(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class CpuOnly:
        def __init__(self, *_: Any, providers: list[str]) -> None:
            assert providers == ["CUDAExecutionProvider", "CPUExecutionProvider"]

        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "InferenceSession", CpuOnly)
    available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    with pytest.raises(DeviceError, match="could not start cuda and would use the CPU; use device 'auto', or"):
        Stylizer.load(identity, device="cuda")
    assert Stylizer.load(identity).device == "cpu"


def test_threads_have_a_least(identity: Path) -> None:
    with pytest.raises(ValueError, match=r"threads must be a whole number in 1\.\.1024, not 0"):
        Stylizer.load(identity, threads=0)
