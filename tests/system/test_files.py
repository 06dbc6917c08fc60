import os
from pathlib import Path

import pytest

from fststyle.errors import FststyleError, ModelFileError
from fststyle.system.file_kinds import Kind
from fststyle.system.files import (
    atomic_write,
    is_file,
    is_folder,
    is_there,
    named_twice,
    place_of,
    reason_of,
    refuse_inputs,
    refuse_other_kind,
    remove_leftovers,
    replace_marked,
    require_regular_file,
    write_result,
)


def test_writes_new_and_replaces_old(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.bin"
    atomic_write(path, b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.fault("Models out", "disk full in any atomic write", "the old file whole, no half file beside it", ())
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "a.bin", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    target.write_bytes(b"old")
    link.symlink_to(target)
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".png")
    atomic_write(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "photo.jpg"
    os.mkfifo(fifo)
    with pytest.raises(OSError, match="not a regular file"):
        require_regular_file(fifo)
    with pytest.raises(OSError, match="not a regular file"):
        atomic_write(fifo, b"")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        require_regular_file(tmp_path)


def test_leftovers_go_and_nothing_else(tmp_path: Path) -> None:
    for name in (".0123456789abcdef.tmp", ".mine.tmp", "a.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.tmp", "a.tmp"]


def test_a_full_disk_is_called_so() -> None:
    assert reason_of(OSError(28, "No space left on device")) == "disk full: No space left on device"
    assert reason_of(OSError(13, "Permission denied")) == "Permission denied"
    assert reason_of(OSError("plain")) == "plain"


def test_what_stands_between_two_marks_is_replaced_and_nothing_else() -> None:
    page = "top <a> old <b> bottom <b>"
    assert replace_marked(page, "<a>", "<b>", " new ") == "top <a> new <b> bottom <b>"
    assert replace_marked(page, "<c>", "<b>", " new ") == page
    assert replace_marked("<a> old", "<a>", "<b>", " new ") == "<a> old"


def test_an_input_is_refused_by_whatever_name(tmp_path: Path) -> None:
    path, other = tmp_path / "a.jpg", tmp_path / "other.jpg"
    refuse_inputs(path, path, None)  # its reader says that there is nothing
    for each in (path, other):
        each.touch()
    refuse_inputs(path, None, other, tmp_path / "missing.jpg")
    (tmp_path / "hard.jpg").hardlink_to(path)
    for name in ("a.jpg", "hard.jpg", f"../{tmp_path.name}/a.jpg"):
        with pytest.raises(FststyleError, match=r"a\.jpg would overwrite the input .*\.jpg; choose another output"):
            refuse_inputs(path, None, other, tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_place_is_where_links_lead(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert place_of(tmp_path / "link" / "a.jpg") == place_of(tmp_path / "folder" / "a.jpg")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.jpg").touch()
    assert place_of(tmp_path / "link" / "a.jpg") == place_of(tmp_path / "folder" / "a.jpg")


def test_what_cannot_be_looked_at_is_not_there() -> None:
    path = Path("x" * 300)
    assert [look(path) for look in (is_there, is_folder, is_file)] == [False] * 3


HEADS = {
    Kind.NETWORK: b"\x08\x08\x12\x04mine",
    Kind.PICTURE: b"\x89PNG\r\n\x1a\n....",
    Kind.VIDEO: b"\0\0\0\x20ftypisom",
    Kind.PAGE: b"<!doctype html>",
    Kind.JSON: b'{\n  "a": 1\n}\n',
    Kind.JSON_LINES: b'{"a": 1}\n{"a": 2}\n',
    Kind.CHECKPOINT: b"PK\x03\x04",
}


@pytest.mark.parametrize("there", HEADS)
@pytest.mark.parametrize("wanted", HEADS)
def test_a_file_of_another_kind_is_never_replaced(there: Kind, wanted: Kind, tmp_path: Path) -> None:
    path = tmp_path / ("a.onnx" if wanted is Kind.NETWORK else "a")
    path.write_bytes(HEADS[there])
    if there is wanted:
        write_result(path, b"new", wanted)
        assert path.read_bytes() == b"new"
    else:
        with pytest.raises(ModelFileError, match=rf"a exists and is {there.value}|a\.onnx exists and is {there.value}"):
            write_result(path, b"new", wanted, ModelFileError)
        assert path.read_bytes() == HEADS[there]


def test_a_text_is_not_replaced_either_but_an_empty_file_is(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_text("my notes")
    with pytest.raises(
        FststyleError, match=r"a\.onnx exists and is something else.*choose another output, or delete it"
    ):
        refuse_other_kind(path, Kind.NETWORK)
    path.write_bytes(b"")
    refuse_other_kind(path, Kind.NETWORK)


@pytest.mark.parametrize("name", ["keep.jpg", "x.txt", "x", ".onnx", "x.json", "x.onnx.png"])
def test_a_network_goes_into_onnx_only(name: str, tmp_path: Path) -> None:
    with pytest.raises(FststyleError, match=r"is written to a file named \*\.onnx, not to .*; use .*\.onnx"):
        refuse_other_kind(tmp_path / name, Kind.NETWORK)
    refuse_other_kind(tmp_path / "X.ONNX", Kind.NETWORK)


def test_a_name_of_another_kind_is_refused_before_there_is_a_file(tmp_path: Path) -> None:
    for name, kind in (
        ("a.jpg", Kind.PAGE),
        ("a.png", Kind.JSON),
        ("a.html", Kind.JSON_LINES),
        ("a.mp4", Kind.PICTURE),
    ):
        with pytest.raises(FststyleError, match=rf"{name} is the name of an? .*; choose another name"):
            refuse_other_kind(tmp_path / name, kind)
    for name, kind in (("report", Kind.PAGE), ("log.txt", Kind.JSON_LINES), ("a.json", Kind.JSON_LINES)):
        refuse_other_kind(tmp_path / name, kind)


def test_what_is_named_twice(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    one, two = tmp_path / "one", tmp_path / "sub" / "one"
    one.write_text("1")
    two.write_text("1")
    (tmp_path / "link").symlink_to(one)
    assert named_twice([one, two, tmp_path / "link"]) is None
    again = tmp_path / "sub" / ".." / "one"
    assert named_twice([one, two, again]) is again
