"""What is written: whole, or not at all, wherever it cannot be."""

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from case import Case, fault
from rotten import PHOTO, png
from video_clips import make_clip

from fststyle.pictures.files import write_picture

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits and links of POSIX")


def row(fed: str, outcome: str, *says: str) -> pytest.MarkDecorator:
    return fault(Case("Pictures out", fed, outcome, says))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_picture(tmp_path / "photos" / "a.png", PHOTO)
    write_picture(tmp_path / "photos" / "b.png", PHOTO[:4, :4])
    return tmp_path / "photos"


@row("a file below a file as output", "named, nothing written, exit 1", "cannot write", "choose another place")
def test_below_a_file(case: Case, photos: Path, identity: Path, fststyle: Callable[..., Any]) -> None:
    photos.with_name("file").touch()
    ended = fststyle("stylize", identity, "photos/a.png", "-o", "file/out.png")
    assert ended.status == 1
    case.assert_said(ended.errors)


@row("an output that is a FIFO", "named, not opened, exit 1", "is not a regular file", "choose another place")
def test_a_fifo(case: Case, photos: Path, identity: Path, fststyle: Callable[..., Any]) -> None:
    os.mkfifo(photos.with_name("out.png"))
    ended = fststyle("stylize", identity, "photos/a.png", "-o", "out.png")
    assert ended.status == 1
    case.assert_said(ended.errors)


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


@row(
    "disk full (a limit on the size of files) at one of two pictures",
    "the old picture stays whole, the other is painted, exit 1",
    *("cannot write", "disk full", "choose another place"),
)
def test_disk_full(
    case: Case, photos: Path, identity: Path, fststyle_process: Callable[..., Any], tmp_path: Path
) -> None:
    write_picture(tmp_path / "out" / "a.png", PHOTO[::-1])
    before = (tmp_path / "out" / "a.png").read_bytes()
    ended = fststyle_process("stylize", identity, "photos", "-o", "out", limit=limit)
    assert ended.status == 1
    case.assert_said(ended.errors)
    assert (tmp_path / "out" / "a.png").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]


@row("a picture named as its own output", "refused, untouched, exit 1", "would overwrite", "choose another output")
def test_onto_itself(case: Case, photos: Path, identity: Path, fststyle: Callable[..., Any]) -> None:
    before = (photos / "a.png").read_bytes()
    ended = fststyle("stylize", identity, "photos/a.png", "-o", "photos/a.png")
    assert ended.status == 1
    case.assert_said(ended.errors)
    assert (photos / "a.png").read_bytes() == before


NETWORK_OVER = "is written to a file named *.onnx"
OVER = "choose another output"
OTHERS = {
    "a network onto a photo": (["quantize", "NET", "keep.jpg"], "keep.jpg", NETWORK_OVER),
    "a network to a name without .onnx": (["quantize", "NET", "keep.txt"], "keep.txt", NETWORK_OVER),
    "a network onto a text named .onnx": (["quantize", "NET", "text.onnx"], "text.onnx", OVER),
    "a picture onto a network named .png": (["stylize", "NET", "photos/a.png", "-o", "net.png"], "net.png", OVER),
    "a picture of a folder onto a text": (["stylize", "NET", "photos", "-o", "out"], "out/a.png", OVER),
    "a manifest onto a picture": (["stylize", "NET", "photos", "-o", "o", "--manifest", "keep"], "keep", OVER),
    "a manifest onto other JSON": (["stylize", "NET", "photos", "-o", "o", "--manifest", "a.json"], "a.json", OVER),
    "a video onto a picture named .mp4": (["video", "NET", "clip.mp4", "keep.mp4"], "keep.mp4", OVER),
    "a page onto a picture": (["explain", "--style", "photos/a.png", "-o", "keep.jpg"], "keep.jpg", "another name"),
    "numbers onto a page": (
        ["evaluate", "NET", "--style", "photos/a.png", "--json", "page"],
        "page",
        OVER,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
@row("an output that is another kind of file already", "refused, the file untouched, exit 1", "choose another")
def test_a_file_of_another_kind(
    name: str, case: Case, photos: Path, identity: Path, fststyle: Callable[..., Any], tmp_path: Path
) -> None:
    if name == "numbers onto a page":
        pytest.importorskip("torch")
    picture = (photos / "a.png").read_bytes()
    make_clip(tmp_path / "clip.mp4", times=range(3), audio=0)
    kept = {
        **dict.fromkeys(("keep.jpg", "keep.txt", "keep", "keep.mp4"), picture),
        "net.png": identity.read_bytes(),
        **dict.fromkeys(("text.onnx", "out/a.png"), b"what I never want to lose"),
        "a.json": b'{\n  "mine": 1\n}\n',
        "page": b"<!doctype html>",
    }
    for file, data in kept.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(data)
    arguments, file, says = OTHERS[name]
    ended = fststyle(*(identity if word == "NET" else word for word in arguments))
    assert ended.status == 1
    Case(case.room, case.fed, case.outcome, (file, says)).assert_said(ended.errors)
    assert (tmp_path / file).read_bytes() == kept[file]
    if "manifest" in name:
        assert not (tmp_path / "o").exists()


def statuses(manifest: Path) -> list[str]:
    return [json.loads(line)["status"] for line in manifest.read_text("utf-8").splitlines()]


@row(
    "a picture among others that its format cannot hold",
    "named, the others painted, all in the manifest, exit 1",
    *("long.png", "AVIF cannot hold 66000×4 pixels", "use .png"),
)
def test_too_long(case: Case, photos: Path, identity: Path, fststyle: Callable[..., Any], tmp_path: Path) -> None:
    write_picture(photos / "long.png", np.zeros((4, 66_000, 3), np.uint8))
    write_picture(photos / "z.png", PHOTO)
    ended = fststyle("stylize", identity, "photos", "-o", "out", "--format", "avif", "--manifest", "m.jsonl")
    assert ended.status == 1
    case.assert_said(ended.errors)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.avif", "b.avif", "z.avif"]
    assert statuses(tmp_path / "m.jsonl") == ["done", "done", "failed", "done"]


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))


@pytest.mark.skipif(sys.platform != "linux", reason="a Mac does not keep to this limit")
@row(
    "a picture among others that takes more memory than there is (a limit on it)",
    "named, the others painted, all in the manifest, exit 1",
    *("large.png", "memory", "--max-side"),
)
def test_too_large(
    case: Case, photos: Path, identity: Path, fststyle_process: Callable[..., Any], tmp_path: Path
) -> None:
    (photos / "large.png").write_bytes(png(16_000, 15_000, 1, 0, bytes((15_000 // 8 + 1) * 16_000)))
    write_picture(photos / "z.png", PHOTO)
    ended = fststyle_process("stylize", identity, "photos", "-o", "out", "--manifest", "m.jsonl", limit=limit_memory)
    assert ended.status == 1, ended.errors
    case.assert_said(ended.errors)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "z.png"]
    assert statuses(tmp_path / "m.jsonl") == ["done", "done", "failed", "done"]
