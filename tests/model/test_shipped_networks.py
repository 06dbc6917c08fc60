"""Whatever lies in models/ is what it was, and paints as it did; `train_gallery.py --no-training` notes it."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from fststyle.model.file import read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, write_picture
from fststyle.runtime.convert import quantize

MODELS = Path(__file__).parents[2] / "models"
NETWORKS = sorted(MODELS.glob("*.onnx"))
LARGEST = {"fast": 1.8e6, "tiny": 0.3e6, "johnson": 7e6}


def test_every_file_is_the_one_that_was_noted() -> None:
    noted = [line.split() for line in (MODELS / "SHA256SUMS").read_text("utf-8").splitlines()]
    assert noted == [[hashlib.sha256(path.read_bytes()).hexdigest(), path.name] for path in NETWORKS]


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_its_card_says_what_it_is(path: Path) -> None:
    card = read_model(path).card
    assert card is not None
    assert path.stem in (card.style, f"{card.style}_{card.network}")
    assert card.painting is not None
    assert len(card.painting.split(", ")) >= 3  # artist, title and year
    assert card.licence != "unspecified"
    assert card.steps > 0
    assert {"content", "style", "total"} <= {name.removesuffix("_loss") for name in card.costs}
    assert path.stat().st_size <= LARGEST[card.network]


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_its_sides_are_named(path: Path) -> None:
    """Programs that enlarge or tile pictures compare the names of the output's sides with the input's."""
    graph = onnx.load(path).graph
    for value in (graph.input[0], graph.output[0]):
        dims = value.type.tensor_type.shape.dim
        assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 3, "height", "width"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=() if path.stem.startswith("udnie") else pytest.mark.slow, id=path.stem)
        for path in NETWORKS
    ],
)
def test_its_fp16_form_paints_the_same(path: Path, tmp_path: Path) -> None:
    """Of each architecture one in the fast part of the suite."""
    photo = read_picture(MODELS / "expected" / "_photo.png").rgb
    write_picture(tmp_path / "photos" / "a.png", photo[:96, :128])
    small = tmp_path / "fp16.onnx"
    assert quantize(path, small, precision="fp16", photos=tmp_path / "photos").psnr >= 60
    assert small.stat().st_size <= 0.6 * path.stat().st_size
    whole, halved = (Stylizer.load(file, "cpu")(photo).astype(int) for file in (path, small))
    assert np.square(whole - halved).mean() <= 255**2 / 10**5  # 50 dB after rounding to bytes


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_it_paints_as_it_did(path: Path) -> None:
    expected = read_picture(MODELS / "expected" / path.with_suffix(".png").name).rgb
    painted = Stylizer.load(path, "cpu")(read_picture(MODELS / "expected" / "_photo.png").rgb)
    assert np.abs(painted.astype(int) - expected).max() <= 2
    assert expected.std() > 10  # not a blank that anything could match
