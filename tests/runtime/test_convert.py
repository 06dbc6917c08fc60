from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from fststyle.errors import FststyleError, ModelFileError
from fststyle.model.file import read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import write_picture
from fststyle.runtime.convert import quantize
from fststyle.runtime.tiling import TiledNetwork

Assets = dict[str, Any]
Pixels = NDArray[np.uint8]
Save = Callable[..., Path]


@pytest.fixture
def photos(tmp_path: Path, photo: Pixels) -> Path:
    write_picture(tmp_path / "photos" / "a.png", photo)
    return tmp_path / "photos"


def test_bytes_as_pixels_keep_the_card(identity: Path, tmp_path: Path, photos: Path, photo: Pixels) -> None:
    output = tmp_path / "bytes.onnx"
    made = quantize(identity.read_bytes(), str(output), precision="fp32", io="uint8", photos=str(photos))
    assert made.psnr == float("inf")
    model = read_model(output)
    assert model.byte_pixels
    assert model.input_shape == (None, 3, None, None)
    assert model.card is not None
    assert (model.card.style, model.card.precision) == ("identity", "fp32")
    stylizer = Stylizer.load(output)
    np.testing.assert_array_equal(stylizer(photo), photo)
    np.testing.assert_array_equal(TiledNetwork(stylizer._network).run(photo, 10**10), photo)


def test_networks_of_others(assets: Assets, save: Save, tmp_path: Path, photos: Path, photo: Pixels) -> None:
    output = tmp_path / "bytes.onnx"
    quantize(save(assets["gain_model"](0.5)), output, precision="fp32", io="uint8", photos=photos, layout="rgb255")
    assert read_model(output).card is None
    np.testing.assert_allclose(Stylizer.load(output)(photo), photo / 2, atol=0.5001)


@pytest.mark.parametrize("opset", [9, 10, 11, 12, 13, 15, 17])
def test_networks_of_others_in_older_operators(
    assets: Assets, save: Save, tmp_path: Path, photos: Path, photo: Pixels, opset: int
) -> None:
    nodes, weights = list(assets["gain_model"]().graph.node), {"gain": np.full((1, 3, 1, 1), 0.5, np.float32)}
    old = save(assets["picture_model"](nodes, weights, opset=opset))
    assert quantize(old, tmp_path / "out.onnx", precision="fp16", photos=photos).psnr >= 60
    assert read_model(tmp_path / "out.onnx").opset == max(opset, 13)
    np.testing.assert_allclose(Stylizer.load(tmp_path / "out.onnx")(photo), photo / 2, atol=0.6)


@pytest.mark.parametrize("sides", [(1, 3, 40, 48), (1, 3, "height", 48), ("batch", 3, 40, "width")])
def test_networks_of_one_size(
    assets: Assets, save: Save, tmp_path: Path, photos: Path, photo: Pixels, sides: tuple[Any, ...]
) -> None:
    model = assets["gain_model"](0.5)
    for value in (*model.graph.input, *model.graph.output):
        value.CopyFrom(helper.make_tensor_value_info(value.name, 1, sides))
    output = tmp_path / "out.onnx"
    quantize(save(model), output, precision="fp16", io="uint8", photos=photos)
    assert [dim.dim_param or dim.dim_value for dim in onnx.load(output).graph.output[0].type.tensor_type.shape.dim] == [
        *(sides[0], sides[2], sides[3], 3)
    ]
    flat = np.full((33, 47, 3), 100, np.uint8)
    assert (Stylizer.load(output)(flat) == 50).all()


@pytest.mark.parametrize("io", ["float", "uint8"])
def test_the_sides_of_what_comes_out_have_their_names(identity: Path, tmp_path: Path, photos: Path, io: Any) -> None:
    model = onnx.load(identity)
    for dim in model.graph.output[0].type.tensor_type.shape.dim:
        dim.dim_param = "Min(height + 16, 4*(((height + 31)//4)) + 4) - 16"
    (tmp_path / "old.onnx").write_bytes(model.SerializeToString())
    output = tmp_path / "out.onnx"
    quantize(tmp_path / "old.onnx", output, precision="fp16", io=io, photos=photos)
    for value in (*onnx.load(output).graph.input, *onnx.load(output).graph.output):
        named = [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        assert named == (["batch", 3, "height", "width"] if io == "float" else ["batch", "height", "width", 3])


def test_a_broken_photo_is_left_out(identity: Path, tmp_path: Path, photos: Path) -> None:
    (photos / "aa.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"aa\.png is broken .*; it is left out"):
        quantize(identity, tmp_path / "out.onnx", precision="fp32", photos=photos)
    assert read_model(tmp_path / "out.onnx").card is not None


def test_what_is_refused(assets: Assets, save: Save, identity: Path, tmp_path: Path, photos: Path) -> None:
    output = tmp_path / "out.onnx"
    quantize(identity, output, precision="fp32", io="uint8", photos=photos)
    with pytest.raises(ModelFileError, match="has been converted already; start from"):
        quantize(output, tmp_path / "again.onnx", photos=photos)
    whole = output.read_bytes()
    with pytest.raises(FststyleError, match=r"would overwrite the input .*out\.onnx; choose another output"):
        quantize(output, photos / ".." / "out.onnx", photos=photos)
    with pytest.raises(FststyleError, match=r"would overwrite the input .*a\.png; choose another output"):
        quantize(identity, photos / "a.png", photos=photos)
    assert output.read_bytes() == whole
    crop = helper.make_node("Crop", ["content"], ["stylized"], border=[0, 0, 0, 0])
    with pytest.raises(ModelFileError, match="has opset 7, which onnx cannot bring to 13; export it again with opset"):
        quantize(save(assets["picture_model"]([crop], opset=7)), output, photos=photos)
    with pytest.raises(ValueError, match="precision must be one of fp32, fp16, int8, not 'int4'"):
        quantize(identity, output, precision="int4")  # type: ignore[arg-type]
    (tmp_path / "none").mkdir()
    with pytest.raises(ModelFileError, match="holds no photos"):
        quantize(identity, output, photos=tmp_path / "none")


@pytest.mark.parametrize(("min_side", "least"), [(None, 24), (1, 24), (20, 24), (44, 48)])
def test_photos_that_are_too_narrow_are_left_out(
    assets: Assets, save: Save, tmp_path: Path, photos: Path, min_side: int | None, least: int
) -> None:
    network = save(assets["gain_model"](), None if min_side is None else {"min_side": min_side})
    write_picture(photos / "a.png", np.zeros((64, least, 3), np.uint8))
    write_picture(photos / "icon.png", np.zeros((least - 1, 64, 3), np.uint8))
    write_picture(photos / "panorama.png", np.zeros((least, 300, 3), np.uint8))
    with pytest.warns(UserWarning, match="too narrow for the network") as warned:
        quantize(network, tmp_path / "out.onnx", precision="fp32", photos=photos)
    shown = [
        f"icon.png is left out: at 64×{least - 1} pixels",
        f"panorama.png is left out: at 256×{round(least / 300 * 256)}",
    ]
    assert [text in str(each.message) for text, each in zip(shown, warned, strict=True)] == [True, True]
    (photos / "a.png").unlink()
    with pytest.warns(UserWarning, match="left out"), pytest.raises(ModelFileError, match="holds no photos to compare"):
        quantize(network, tmp_path / "out.onnx", precision="fp32", photos=photos)
