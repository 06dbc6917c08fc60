import json
import os
import warnings
from pathlib import Path

import pytest

from fststyle.errors import ImageError
from fststyle.jobs.manifest import Manifest
from fststyle.jobs.run import Job, Result


def test_a_line_a_picture_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "out.jsonl"
    job = Job(Path("a.png"), Path("out/a.png"), ".png")
    with Manifest(path, "wave") as manifest:
        manifest.done(Result(job, 1.23456))
        first = json.loads(path.read_text("utf-8"))  # on the disk at once
        manifest.done(Result(Job(None, None, ".png"), 0.5, ImageError("broken; save it again")))
    with Manifest(path, "wave") as manifest:
        manifest.done(Result(job, 0.0, skipped=True))
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert lines[0] == first
    assert {key: value for key, value in first.items() if key != "time"} == {
        **{"source": "a.png", "target": "out/a.png", "status": "done", "seconds": 1.235, "error": None},
        "style": "wave",
    }
    assert [line["status"] for line in lines] == ["done", "failed", "skipped"]
    assert (lines[1]["source"], lines[1]["error"]) == (None, "broken; save it again")


def test_an_unwritable_place(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot write .*; choose another place"), Manifest(tmp_path, "wave"):
        pass
    with pytest.raises(ValueError, match="within a with block"):
        Manifest(tmp_path / "x", "wave").done(Result(Job(None, None, ".png"), 0.0))


def test_a_full_disk_ends_it_with_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    path, job = tmp_path / "out.jsonl", Job(None, None, ".png")
    with Manifest(path, "wave") as manifest:
        manifest.done(Result(job, 1.0))
        monkeypatch.setattr(os, "fsync", full_disk)
        with pytest.warns(
            UserWarning, match=r"out\.jsonl could not be continued \(disk full: No space .*painting goes on"
        ):
            manifest.done(Result(job, 1.0))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            manifest.done(Result(job, 1.0))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_after_half_a_line_the_next_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"source": "a.p', "utf-8")
    with Manifest(path, "wave") as notes:
        notes.done(Result(Job(Path("b.png"), Path("c.png"), ".png"), 0.0, skipped=True))
    half, whole = path.read_text("utf-8").splitlines()
    assert half == '{"source": "a.p'
    assert json.loads(whole)["source"] == "b.png"


def test_other_json_is_not_added_to(tmp_path: Path) -> None:
    for text in ('{"name": "pkg"}', '{"name": "pkg"}\n', '{"a": 1}\n{"a": 2}\n', '{\n  "a": 1\n}\n'):
        path = tmp_path / "package.json"
        path.write_text(text, "utf-8")
        with pytest.raises(ImageError, match=r"package\.json exists .*delete it"), Manifest(path, "wave"):
            pass
        assert path.read_text("utf-8") == text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.filterwarnings("error")
def test_a_pipe_gets_every_line(tmp_path: Path) -> None:
    path, job = tmp_path / "pipe", Job(Path("a.png"), None, ".png")
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with Manifest(path, "wave") as manifest:
        manifest.done(Result(job, 0.0, skipped=True))
        manifest.done(Result(job, 0.0, skipped=True))
    assert os.read(reading, 10_000).count(b'"source": "a.png"') == 2
    os.close(reading)


def test_nor_is_closing_it_an_error() -> None:
    with Manifest(Path("/dev/full"), "wave") as manifest, pytest.warns(UserWarning, match="disk full"):
        manifest.done(Result(Job(None, None, ".png"), 0.0))
