"""Random damage to pictures, networks and settings: an error of ours or nothing, never a crash."""

import io
import warnings
from pathlib import Path

import fuzzing
import onnx
import pytest
from case import Case, fault
from hypothesis import given
from hypothesis import strategies as st
from make_models import CARD, gain_model
from rotten import PHOTO, encoded

from fststyle.errors import FststyleError, ImageError, ModelFileError
from fststyle.model.file import read_model, write_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture

INPUTS = fuzzing.INPUTS
deep = fuzzing.deep(INPUTS)


def damages(whole: bytes) -> st.SearchStrategy[bytes]:
    """A file with a few of its bytes replaced, cut out, doubled or cut off at the end."""
    place = st.integers(0, len(whole) - 1)
    change = st.tuples(place, st.integers(0, 40), st.binary(max_size=12))

    def damage(changes: list[tuple[int, int, bytes]], end: int) -> bytes:
        data = bytearray(whole)
        for start, length, new in changes:
            data[start : start + length] = new
        return bytes(data[: len(data) - end])

    return st.builds(damage, st.lists(change, min_size=1, max_size=4), st.just(0) | place)


def one_line(error: FststyleError) -> None:
    assert "\n" not in str(error)


def row(fed: str) -> pytest.MarkDecorator:
    return fault(Case("Fuzz", fed, "an error of one line or a result, never anything else"))


SMALL = PHOTO[:17, :21]
FORMATS = {name: encoded(SMALL, name) for name in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM")}


@row("damaged pictures of eight formats, for each")
@pytest.mark.parametrize("file_format", FORMATS)
def test_pictures(file_format: str, record_property: pytest.FixtureRequest) -> None:
    @deep
    @given(damages(FORMATS[file_format]))
    def read(data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                picture = read_picture(io.BytesIO(data), max_pixels=4_000_000)
            except ImageError as error:
                one_line(error)
            else:
                assert picture.rgb.ndim == 3

    read()
    record_property("found", f"{INPUTS} inputs")


@row("random bytes as a picture")
def test_noise_as_picture(record_property: pytest.FixtureRequest) -> None:
    @deep
    @given(st.binary(max_size=400))
    def read(data: bytes) -> None:
        with pytest.raises(ImageError):
            read_picture(io.BytesIO(data), max_pixels=10_000)

    read()
    record_property("found", f"{INPUTS} inputs")


@row("damaged networks, loaded and, if that works, run")
@pytest.mark.parametrize("whose", ["ours", "somebody else's"])
def test_networks(whose: str, tmp_path: Path, record_property: pytest.FixtureRequest) -> None:
    path = tmp_path / "m.onnx"
    write_model(path, gain_model(), CARD)
    if whose != "ours":
        path.write_bytes(gain_model().SerializeToString())

    @deep
    @given(damages(path.read_bytes()))
    def load(data: bytes) -> None:
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                Stylizer.load(path, "cpu", threads=1)(SMALL)
            except FststyleError as error:
                one_line(error)

    load()
    record_property("found", f"{INPUTS} inputs")


@row("graphs with random names, operators, shapes and attributes")
def test_graphs(tmp_path: Path, record_property: pytest.FixtureRequest) -> None:
    path = tmp_path / "m.onnx"
    operators = st.sampled_from(["Mul", "Conv", "Resize", "Reshape", "Pad", "Concat", "Slice", "Tile", "Loop"])
    names = st.sampled_from(["content", "gain", "a", "b", "", "stylized"])
    numbers = st.integers(-(2**31), 2**31) | st.integers(-3, 9)
    attributes = st.dictionaries(
        st.sampled_from(["axis", "mode", "pads", "strides", "kernel_shape", "group"]),
        numbers | st.lists(numbers, max_size=5) | st.text(max_size=5),
        max_size=3,
    )
    nodes = st.lists(
        st.tuples(operators, st.lists(names, max_size=4), st.lists(names, max_size=2), attributes), max_size=4
    )

    @deep
    @given(nodes, st.lists(st.integers(-2, 5) | st.text(max_size=3), max_size=5))
    def load(drawn: list[tuple[str, list[str], list[str], dict[str, object]]], shape: list[int | str]) -> None:
        model = gain_model()
        for operator, inputs, outputs, extra in drawn:
            extra = {key: value for key, value in extra.items() if value != []}
            try:
                model.graph.node.append(onnx.helper.make_node(operator, inputs, outputs, **extra))
            except (TypeError, ValueError, OverflowError):
                continue  # it cannot be written down
        if shape:
            model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("stylized", 1, shape))
        path.write_bytes(model.SerializeToString())
        try:
            read_model(path)
        except ModelFileError as error:
            one_line(error)

    load()
    record_property("found", f"{INPUTS} inputs")
