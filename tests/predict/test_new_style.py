"""A network for any painting: what stands in it, what it paints like, and what is said of poor paintings."""

import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image
from typer.testing import CliRunner

from fststyle import (
    Blend,
    ImageError,
    ModelFileError,
    Stylizer,
    export_styles,
    new_style,
    read_model,
    samples,
    write_new_style,
)
from fststyle.cli import app
from fststyle.graph.style_numbers import same_body, style_numbers
from fststyle.model.file import write_model
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.predict.new_style import predict


def graph(path: Path) -> onnx.ModelProto:
    return onnx.load_model_from_string(read_model(path).data)


def test_paintings_differ_in_their_numbers_only(tmp_path: Path) -> None:
    paths = [tmp_path / "swirls.onnx", tmp_path / "woodcut.onnx"]
    for path in paths:
        write_new_style(samples.style(path.stem), path)
    first, second = map(graph, paths)
    assert same_body(first, second)
    numbers = [np.concatenate(list(style_numbers(each).values())) for each in (first, second)]
    assert np.abs(numbers[0] - numbers[1]).mean() > 0.01


def test_the_card_says_how_it_was_made(tmp_path: Path) -> None:
    card = write_new_style(samples.style("swirls"), tmp_path / "mine.onnx", style_size=200, licence="MIT")
    assert read_model(tmp_path / "mine.onnx").card == card
    assert (card.style, card.painting, card.network, card.steps, card.licence) == (
        "swirls",
        "swirls.jpg",
        "fast",
        0,
        "MIT",
    )
    assert (card.recipe["init"], card.recipe["style_size"]) == ("predicted", 200)
    assert "costs" not in card.recipe
    assert not card.costs


def test_it_paints_in_the_colors_of_the_painting() -> None:
    photo = resize_shorter_side(read_picture(samples.photos()[0]).rgb, 128)
    names = ("swirls", "woodcut")
    paintings = [read_picture(samples.style(name)).rgb for name in names]
    painted = [new_style(samples.style(name), device="cpu")(photo) for name in names]
    for own, other in ((0, 1), (1, 0)):
        assert painted[own].shape == photo.shape
        assert distance(painted[own], paintings[own]) < distance(painted[other], paintings[own])


def distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Between the mean colors of two pictures."""
    return float(np.abs(first.mean((0, 1)) - second.mean((0, 1))).sum())


def test_the_size_decides_how_fine_the_strokes_are() -> None:
    sizes = [predict(samples.style("swirls"), style_size=size).model for size in (128, 512)]
    assert list(style_numbers(sizes[0])) == list(style_numbers(sizes[1]))
    assert any((a != b).any() for a, b in zip(*(style_numbers(each).values() for each in sizes), strict=True))


def test_the_same_painting_gives_the_same_network() -> None:
    data = samples.style("glass").read_bytes()
    made = [predict(io.BytesIO(data), name="glass").model for _ in range(2)]
    assert made[0].SerializeToString(deterministic=True) == made[1].SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    ("size", "mode", "said"),
    [((40, 40), "RGB", "enlarged to 320"), ((400, 300), "L", ""), ((400, 300), "RGBA", "is transparent in places")],
)
def test_poor_paintings_give_a_network_and_a_warning(
    size: tuple[int, int], mode: str, said: str, tmp_path: Path
) -> None:
    channels = len(mode)
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], channels), np.uint8).squeeze()
    Image.fromarray(noise, mode).save(tmp_path / "a.png")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        card = write_new_style(tmp_path / "a.png", tmp_path / "a.onnx")
    assert card.steps == 0
    assert said in " ".join(str(entry.message) for entry in caught)


def test_networks_of_two_predictors_say_what_gives_them_one_body(tmp_path: Path) -> None:
    new, old = tmp_path / "new.onnx", tmp_path / "old.onnx"
    card = write_new_style(samples.style("glass"), new)
    model = graph(new)
    kernel = next(tensor for tensor in model.graph.initializer if tensor.name == "encoder.0.weight")
    kernel.CopyFrom(numpy_helper.from_array(1.01 * numpy_helper.to_array(kernel), kernel.name))
    write_model(old, model, replace(card, recipe=card.recipe | {"predictor": "0123456789ab"}))
    with pytest.warns(
        UserWarning, match=r"new\.onnx, old\.onnx: predicted by several .* make them anew .*`fststyle new`"
    ):
        assert len(Blend.load({new: 1, old: 1}).parts) == 2
    with pytest.raises(ModelFileError, match="predicted by two versions of fststyle: make them anew"):
        export_styles([new, old], tmp_path / "many.onnx")
    told = CliRunner().invoke(app, ["info", str(new), str(old)]).output
    assert "to mix their styles, make them anew from their paintings with `fststyle new`" in told
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Blend.load({new: 1, "great_wave_tiny": 1})


def test_a_flat_color_is_called_strange(tmp_path: Path) -> None:
    Image.new("RGB", (300, 300), (200, 30, 30)).save(tmp_path / "red.png")
    with pytest.warns(UserWarning, match="red.png is unlike the paintings"):
        write_new_style(tmp_path / "red.png", tmp_path / "red.onnx")
    painted = Stylizer(tmp_path / "red.onnx", "cpu")(np.full((40, 50, 3), 90, np.uint8))
    assert painted.shape == (40, 50, 3)


def test_what_cannot_be_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    text = tmp_path / "a.jpg"
    text.write_text("no picture")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        write_new_style(text, tmp_path / "a.onnx")
    for wrong in (320.5, "a"):
        with pytest.raises(ValueError, match="whole number"):
            predict(samples.style("glass"), style_size=wrong)  # type: ignore[arg-type]
    for wrong_painting in (None, b"a", np.zeros((9, 9, 3), np.uint8)):
        with pytest.raises(ValueError, match="must be the path of a picture, or an open file"):
            predict(wrong_painting)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"32\.\.4096"):
        write_new_style(samples.style("glass"), tmp_path / "a.onnx", style_size=8)
    kept = tmp_path / "photo.png"
    Image.new("RGB", (9, 9)).save(kept)
    with pytest.raises(ModelFileError, match=r"photo\.png"):
        write_new_style(samples.style("glass"), kept)
    assert not (tmp_path / "a.onnx").exists()
    assert Image.open(kept).size == (9, 9)
