import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from fststyle.pictures.files import WRITE_SUFFIXES, encode_picture
from fststyle.system.file_kinds import Kind, kind_of_content, kind_of_name

ASSETS = Path(__file__).parents[1] / "assets"


def saved(file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((9, 7, 3), np.uint8)).save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "PPM", "JPEG2000", "MPO"])
def test_pictures(file_format: str) -> None:
    assert kind_of_content(saved(file_format)) is Kind.PICTURE


def test_whatever_we_write_is_known_again() -> None:
    for suffix in WRITE_SUFFIXES:
        assert kind_of_name(Path(f"a{suffix}")) is Kind.PICTURE
        assert kind_of_content(encode_picture(np.zeros((9, 7, 3), np.uint8), None, suffix)) is Kind.PICTURE
    copies = pytest.importorskip("fststyle.video.copies")
    assert {kind_of_name(Path(f"a{suffix}")) for suffix in copies.FORMATS} == {Kind.VIDEO}


@pytest.mark.parametrize(
    "suffix", ["mp4", "mov", "mkv", "webm", "avi", "mpegts", "flv", "mpeg", "h264", "yuv4mpegpipe"]
)
def test_videos(suffix: str) -> None:
    av = pytest.importorskip("av")
    codecs = {"webm": "libvpx", "flv": "flv1", "mpeg": "mpeg1video", "yuv4mpegpipe": "wrapped_avframe", "avi": "mpeg4"}
    buffer = io.BytesIO()
    with av.open(buffer, "w", format={"mkv": "matroska"}.get(suffix, suffix)) as container:
        stream = container.add_stream(codecs.get(suffix, "libx264"), rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode())
    assert kind_of_content(buffer.getvalue()) is Kind.VIDEO


def test_networks(assets: dict[str, Any]) -> None:
    assert kind_of_content((ASSETS / "identity.onnx").read_bytes()) is Kind.NETWORK
    assert kind_of_content(assets["gain_model"]().SerializeToString()) is Kind.NETWORK
    plain = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []), producer_name="somebody")
    assert kind_of_content(plain.SerializeToString()) is Kind.NETWORK


def test_texts() -> None:
    record = json.dumps({"source": "a.png", "error": None}).encode()
    assert kind_of_content(b"\xef\xbb\xbf\n <!DOCTYPE html>\n<html>") is Kind.PAGE
    assert kind_of_content(b"<html lang='en'>") is Kind.PAGE
    assert kind_of_content(record + b"\n" + record + b"\n") is Kind.JSON_LINES
    assert kind_of_content(b'{"name":"pkg","version":1}') is Kind.JSON  # without line breaks
    assert kind_of_content(record[:9]) is Kind.JSON_LINES  # cut by a full disk
    assert kind_of_content(record[:9] + b"\n" + record) is Kind.JSON_LINES
    assert kind_of_content(json.dumps({"a": {"b": 1}, "c": [{}]}, indent=2).encode()) is Kind.JSON
    assert kind_of_content(b"[\n" + record + b",\n" + record + b"\n]") is Kind.JSON
    for other in (b"", b"To do: water the plants\n", b"<svg>", b"%PDF-1.7", b"BMW\n", b"Pictures of 2020", bytes(600)):
        assert kind_of_content(other) is None


def test_names() -> None:
    assert kind_of_name(Path("a/b.ONNX")) is Kind.NETWORK
    assert kind_of_name(Path("photo.HEIC")) is Kind.PICTURE
    assert kind_of_name(Path("notes.txt")) is kind_of_name(Path("network")) is None
