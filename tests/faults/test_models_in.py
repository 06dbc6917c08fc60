"""ONNX files and checkpoints as strangers send them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from case import ModelCase, marked
from make_models import CARD, gain_model, picture_model
from onnx import TensorProto, helper, numpy_helper
from rotten import PHOTO, encoded

from fststyle.model.file import write_model
from fststyle.pictures.files import write_picture

REFUSED = "refused before it runs, exit 1"
DOWNLOAD = ("download or export it again",)
SECRET = np.ones((1, 3, 1, 1), np.float32).tobytes()


def refused(fed: str, make: Callable[[Path], Any] | onnx.ModelProto | bytes, *says: str) -> ModelCase:
    content = make.SerializeToString() if isinstance(make, onnx.ModelProto) else make
    writer = content if callable(content) else lambda path: path.write_bytes(content)
    return ModelCase("Models in", fed, REFUSED, says, make=writer)


def node(operator: str, *inputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs or ["content"], ["stylized"], **attributes)


def body(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    out = helper.make_tensor_value_info("on", TensorProto.BOOL, [])
    return helper.make_graph(list(nodes), "body", [], [out])


ON = helper.make_node("Constant", [], ["on"], value=numpy_helper.from_array(np.array(True)))


def with_function() -> onnx.ModelProto:
    model = gain_model()
    relu = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(helper.make_function("", "F", ["x"], ["y"], [relu], model.opset_import))
    return model


def pointing_at(location: str, prepare: Callable[[Path], Any] = lambda _: None) -> Callable[[Path], Any]:
    """A network whose weights lie in another file, which is really there."""

    def make(path: Path) -> None:
        (path.parent.parent / "secret.bin").write_bytes(SECRET)
        prepare(path.parent)
        model = gain_model()
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location.format(root=path.parent.parent))
        path.write_bytes(model.SerializeToString())

    return make


def flipped_weight(path: Path) -> None:
    write_model(path, gain_model(), CARD)
    data = bytearray(path.read_bytes())
    data[data.index(np.float32(1).tobytes())] ^= 1
    path.write_bytes(data)


def two_gigabytes(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\x08\x08")
        file.truncate(2 * 2**30)


def grown(operator: str, *numbers: int, **attributes: Any) -> onnx.ModelProto:
    """Makes a terabyte of one number, adds it to the picture."""
    shape = np.array(numbers, np.int64)
    value = [] if operator == "ConstantOfShape" else ["one"]
    grow = helper.make_node(operator, [*value, "shape"], ["huge"], **attributes)
    return picture_model(
        [grow, helper.make_node("ReduceMax", ["huge"], ["top"], keepdims=0), node("Add", "content", "top")],
        {"shape": shape, "one": np.ones([1] * len(shape), np.float32)},
    )


def sized_as(*sides: Any, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    model = picture_model([node("Relu")], sides=sides)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = kind
    return model


def ranged() -> onnx.ModelProto:
    numbers = {"first": np.float32(0), "last": np.float32(2**40), "step": np.float32(1)}
    return picture_model(
        [
            helper.make_node("Range", ["first", "last", "step"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["top"], keepdims=0),
            node("Add", "content", "top"),
        ],
        {name: np.array(value) for name, value in numbers.items()},
    )


WHOLE = gain_model().SerializeToString()

CASES = [
    refused("empty file", b"", "is empty", *DOWNLOAD),
    refused("truncated file", WHOLE[: len(WHOLE) // 2], "is cut off", *DOWNLOAD),
    refused("PNG named .onnx", encoded(PHOTO, "PNG"), "is a PNG picture", "the network comes first"),
    refused("web page named .onnx", b"<html>404</html>", "is a web page", "download the file itself"),
    refused("random bytes", np.random.default_rng(0).bytes(5000), "onnx", "again"),
    refused("input of three dimensions", sized_as(3, 8, 8), "not one picture of 1×3×height×width", "export it"),
    refused("four channels", sized_as(1, 4, 8, 8), "takes float of 1×4×8×8", "export it again in this form"),
    refused("eight pictures at a time", sized_as(8, 3, 8, 8), "takes float of 8×3×8×8", "export it again in this form"),
    refused("float64 in and out", sized_as(1, 3, 8, 8, kind=TensorProto.DOUBLE), "takes double", "export it again"),
    refused("text in and out", sized_as(1, 3, 8, 8, kind=TensorProto.STRING), "takes string", "export it again"),
    refused("weights at ../", pointing_at("../secret.bin"), "another file", "save_as_external_data=False"),
    refused("weights at an absolute path", pointing_at("{root}/secret.bin"), "another file", "save_as_external_data"),
    refused(
        "weights behind a symbolic link",
        pointing_at("w.bin", lambda folder: (folder / "w.bin").symlink_to(folder.parent / "secret.bin")),
        *("another file", "save_as_external_data=False"),
    ),
    refused(
        "weights behind a hard link",
        pointing_at("w.bin", lambda folder: (folder / "w.bin").hardlink_to(folder.parent / "secret.bin")),
        *("another file", "save_as_external_data=False"),
    ),
    refused(
        "Loop",
        picture_model([node("Loop", "", "", body=body(ON))]),
        *("graph within its graph (Loop)", "without loops or branches"),
    ),
    refused(
        "If",
        picture_model([ON, node("If", "on", then_branch=body(ON), else_branch=body(ON))]),
        *("graph within its graph (If)", "without loops or branches"),
    ),
    refused("functions of its own", with_function(), "functions of its own", "export it again with them inlined"),
    refused(
        "operators of another domain",
        picture_model([node("Relu", domain="com.example")]),
        *("operators from com.example", "standard ONNX operators only"),
    ),
    refused("random numbers", picture_model([node("RandomNormalLike")]), "RandomNormalLike", "from someone you trust"),
    refused("ConstantOfShape of 2^40 numbers", grown("ConstantOfShape", 2**20, 2**20), "1,099,511,627,776", "trust"),
    refused("Expand to 2^40 numbers", grown("Expand", 2**20, 2**20), "1,099,511,627,776", "trust"),
    refused("Tile to 2^40 numbers", grown("Tile", 2**20, 2**20), "1,099,511,627,776", "trust"),
    refused("Range of 2^40 numbers", ranged(), "1,099,511,627,776", "trust"),
    refused("one bit of a weight turned over", flipped_weight, "other weights than its card", *DOWNLOAD),
    refused("2 GB", two_gigabytes, "2,147,483,648 bytes", "check that it is the right file"),
    refused("a folder", Path.mkdir, "cannot be read", "name an ONNX file"),
    refused("FIFO", os.mkfifo, "cannot be read", "name an ONNX file"),
    refused("missing", lambda _: None, "does not exist; check the path"),
]


@pytest.mark.parametrize("case", list(map(marked, CASES)))
@pytest.mark.skipif(os.name != "posix", reason="links and FIFOs of POSIX")
def test_a_strangers_model(case: ModelCase, tmp_path: Path, fststyle: Callable[..., Any]) -> None:
    model = tmp_path / "models" / "m.onnx"
    model.parent.mkdir()
    case.make(model)
    write_picture(tmp_path / "photo.png", PHOTO)
    ended = fststyle("stylize", model, "photo.png", "-o", "out.png")
    assert ended.status == 1
    case.assert_said(ended.errors)
    assert len(ended.errors.splitlines()) == 1
    assert not (tmp_path / "out.png").exists()
