import hashlib
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from fststyle.errors import ModelFileError
from fststyle.model import file as model_file
from fststyle.model.file import read_model, weights_sha256, write_model

Assets = dict[str, Any]
Save = Callable[..., Path]


def test_the_committed_identity(identity: Path, assets: Assets) -> None:
    found = read_model(identity)
    assert found.data == identity.read_bytes()
    assert replace(found.card, weights_sha256="") == assets["CARD"]
    assert (found.input_name, found.input_shape) == ("content", (None, 3, None, None))
    assert (found.output_name, found.opset) == ("stylized", 18)


def test_the_committed_identity_is_what_its_script_makes(identity: Path, assets: Assets, tmp_path: Path) -> None:
    write_model(tmp_path / "again.onnx", assets["gain_model"](), assets["CARD"])
    again = onnx.load(tmp_path / "again.onnx")
    assert again == onnx.load(identity)


def test_a_card_that_onnxruntime_can_read(identity: Path) -> None:
    session = onnxruntime.InferenceSession(identity, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["fststyle.style"] == "identity"
    assert metadata["fststyle.costs"] == '{"content": 0.0, "style": 1.5}'


def test_writing_twice_gives_the_same_bytes_and_leaves_the_model_alone(assets: Assets, tmp_path: Path) -> None:
    model = assets["gain_model"](2.0)
    model.metadata_props.add(key="author", value="somebody")
    model.metadata_props.add(key="fststyle.style", value="an older one")
    before = model.SerializeToString()
    paths = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    cards = [write_model(path, model, assets["CARD"]) for path in paths]
    assert model.SerializeToString() == before
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert read_model(paths[0]).card == cards[0]
    metadata = {entry.key: entry.value for entry in onnx.load(paths[0]).metadata_props}
    assert (metadata["author"], metadata["fststyle.style"]) == ("somebody", "identity")


def test_a_file_of_somebody_else_has_no_card(assets: Assets, save: Save) -> None:
    assert read_model(save(assets["gain_model"]())).card is None


def test_the_fingerprint_is_of_values_not_of_storage(assets: Assets) -> None:
    expected = hashlib.sha256(b"gain\x001\x00[1, 3, 1, 1]\x00" + struct.pack("<3f", 1, 1, 1)).hexdigest()
    raw, typed = assets["gain_model"](), assets["gain_model"]()
    typed.graph.initializer[0].CopyFrom(helper.make_tensor("gain", 1, [1, 3, 1, 1], [1.0, 1.0, 1.0]))
    assert typed.graph.initializer[0].raw_data == b""
    assert weights_sha256(raw) == weights_sha256(typed)
    assert weights_sha256(raw) == expected
    first, second = (numpy_helper.from_array(np.arange(3), name) for name in "ab")
    raw.graph.initializer.extend([second, first])
    typed.graph.initializer.extend([first, second])
    assert weights_sha256(raw) == weights_sha256(typed)
    first.name, second.name = "b", "c"
    raw.graph.initializer[1].name = "c"
    assert weights_sha256(raw) != weights_sha256(typed)


def test_a_flipped_bit_in_the_weights_is_found(assets: Assets, save: Save) -> None:
    path = save(assets["gain_model"](), card={})
    data = bytearray(path.read_bytes())
    data[data.index(np.float32(1).tobytes() * 3) + 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="other weights than its card was written for; download or export"):
        read_model(path)


def test_weights_of_the_wrong_length_are_found(assets: Assets, save: Save) -> None:
    model = onnx.load(save(assets["gain_model"](), card={}))
    model.graph.initializer[0].raw_data = b"1234"
    with pytest.raises(ModelFileError, match="other weights"):
        read_model(save(model))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "does not exist; check the path"),
        (b"", "is empty; download"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG picture, not an ONNX file; the network comes first"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "is a picture, not an ONNX file; the network comes first"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "is a video, not an ONNX file; the network comes first"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81", "is a video, not an ONNX file; the network comes first"),
        (b"\xff\xd8\xff\xe0", "is a JPEG picture"),
        (b"PK\x03\x04", "is a torch checkpoint or zip archive, not an ONNX file; export it"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer, not an ONNX file; run `git lfs pull`"),
        (b"<!doctype html>", "is a web page"),
        (b"hello, world", "is not an ONNX file, or is cut off; download"),
        (b"\x08\x08", "holds no network, or is cut off; download"),
    ],
)
def test_what_is_not_onnx(tmp_path: Path, data: bytes | None, message: str) -> None:
    path = tmp_path / "network.onnx"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message) as caught:
        read_model(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.fault("Models in", "a network cut off after each of its bytes", "refused each time", ())
def test_every_truncation_is_found(identity: Path, tmp_path: Path) -> None:
    data = identity.read_bytes()
    path = tmp_path / "cut.onnx"
    card_from = data.index(b"fststyle.") - 4  # two tags, two lengths
    for length in range(1, card_from):
        path.write_bytes(data[:length])
        with pytest.raises(ModelFileError):
            read_model(path)


def test_too_large_a_file_is_not_read(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "_MAX_BYTES", 100)
    with pytest.raises(ModelFileError, match="far more than a style network; check"):
        read_model(identity)


def test_neither_a_folder_nor_a_fifo(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"is a folder.*; name an ONNX file"):
        read_model(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.onnx")
        with pytest.raises(ModelFileError, match=r"not a regular file.*; name an ONNX file"):
            read_model(tmp_path / "fifo.onnx")


@pytest.mark.parametrize(
    "change",
    [{"opset": 17}, {"sides": ("batch", 3, 8, 8)}, {"sides": (1, 3, "height", "width")}],
    ids=["opset", "fixed sides", "fixed batch"],
)
def test_only_the_contract_is_written(assets: Assets, tmp_path: Path, change: dict[str, Any]) -> None:
    node = helper.make_node("Relu", ["content"], ["stylized"])
    with pytest.raises(ModelFileError, match="export it as"):
        write_model(tmp_path / "a.onnx", assets["picture_model"]([node], **change), assets["CARD"])
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_graph_is_not_written(assets: Assets, tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["nowhere"], ["stylized"])
    with pytest.raises(ModelFileError, match=r"is not valid ONNX .*; export it again"):
        write_model(tmp_path / "a.onnx", assets["picture_model"]([node]), assets["CARD"])


@pytest.mark.fault("Models out", "target unwritable", "named with the remedy, no file written", ())
def test_an_unwritable_place(assets: Assets, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"cannot write .*; choose another place"):
        write_model(tmp_path / "file" / "a.onnx", assets["gain_model"](), assets["CARD"])


def test_a_strength_with_a_default_is_taken_and_one_without_is_refused(assets: Assets, save: Save) -> None:
    def model(default: list[float] | None) -> onnx.ModelProto:
        weights = {} if default is None else {"strength": np.float32(default)}
        made = assets["picture_model"]([helper.make_node("Mul", ["content", "strength"], ["stylized"])], weights)
        made.graph.input.append(helper.make_tensor_value_info("strength", onnx.TensorProto.FLOAT, [1]))
        return made

    assert read_model(save(model([1.0]), card={})).takes_strength
    assert not read_model(save(assets["gain_model"](), card={})).takes_strength
    assert not read_model(save(model([1.0]))).takes_strength  # somebody else's, which may mean anything by it
    with pytest.raises(ModelFileError, match="takes 2 inputs"):
        save(model(None), card={})


def test_a_trainings_folder_leads_to_export(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ModelFileError, match=r"is a folder.*; name an ONNX file"):
        read_model(tmp_path / "mine")
    (tmp_path / "mine" / "last.ckpt").touch()
    with pytest.raises(ModelFileError, match=r"is a folder.*export that first, fststyle export .*mine"):
        read_model(tmp_path / "mine")
