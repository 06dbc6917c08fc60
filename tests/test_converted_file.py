from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle.converted_file import convert_file
from fststyle.errors import ModelFileError
from fststyle.images import write_picture
from fststyle.model_file import read_model
from fststyle.stylizer import Stylizer
from fststyle.tiling import TiledNetwork

Assets = dict[str, Any]
Pixels = NDArray[np.uint8]
Save = Callable[..., Path]


@pytest.fixture
def photos(tmp_path: Path, photo: Pixels) -> Path:
    write_picture(tmp_path / "photos" / "a.png", photo)
    return tmp_path / "photos"


def test_bytes_as_pixels_keep_the_card(identity: Path, tmp_path: Path, photos: Path, photo: Pixels) -> None:
    output = tmp_path / "bytes.onnx"
    made = convert_file(identity, output, precision="fp32", io="uint8", photos=photos)
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
    convert_file(save(assets["gain_model"](0.5)), output, precision="fp32", io="uint8", photos=photos, layout="rgb255")
    assert read_model(output).card is None
    np.testing.assert_allclose(Stylizer.load(output)(photo), photo / 2, atol=0.5001)


def test_what_is_refused(assets: Assets, save: Save, identity: Path, tmp_path: Path, photos: Path) -> None:
    output = tmp_path / "out.onnx"
    convert_file(identity, output, precision="fp32", io="uint8", photos=photos)
    with pytest.raises(ModelFileError, match="has been converted already; start from"):
        convert_file(output, output, photos=photos)
    old = save(
        assets["picture_model"](list(assets["gain_model"]().graph.node), {"gain": np.ones(1, np.float32)}, opset=9)
    )
    with pytest.raises(ModelFileError, match="has opset 9, and 13 is the least"):
        convert_file(old, output, photos=photos)
    with pytest.raises(ModelFileError, match="computes on BGR"):
        convert_file(save(assets["gain_model"]()), output, io="uint8", layout="bgr255", photos=photos)
    with pytest.raises(ValueError, match="precision must be one of fp32, fp16, int8, not 'int4'"):
        convert_file(identity, output, precision="int4")  # type: ignore[arg-type]
    (tmp_path / "none").mkdir()
    with pytest.raises(ModelFileError, match="holds no photos"):
        convert_file(identity, output, photos=tmp_path / "none")
