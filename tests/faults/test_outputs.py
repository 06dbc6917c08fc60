"""What is written: whole, or not at all, wherever it cannot be."""

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from case import Case, fault
from rotten import PHOTO

from fststyle.images import write_picture

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
