"""Where pictures of object stores go; fsspec's store in memory stands for all."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.cluster.pictures import paint_on_ray
from fststyle.cluster.places import find_pictures, objects_below, read_object, write_object
from fststyle.cluster.tasks import Task, done_before, plan_tasks
from fststyle.errors import ImageError
from fststyle.jobs.files import paint_files
from fststyle.jobs.plan import plan
from fststyle.pictures.files import write_picture
from fststyle.runtime.styles import export_styles
from tests.bodies import write_sibling

pytest.importorskip("fsspec")


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(buffer, "PNG")
    return buffer.getvalue()


def put(*urls: str) -> None:
    for url in urls:
        write_object(url, png())


def places(tasks: list[Task]) -> dict[str, str | None]:
    return {task.source: task.target for task in tasks}


def test_a_folder_keeps_its_shape(store: Any) -> None:
    put("memory://in/a.png", "memory://in/b/c d é.jpg", "memory://in/notes.txt", "memory://in/.hidden/x.png")
    tasks = plan_tasks(["memory://in"], "memory://out", style="wave")
    assert places(tasks) == {
        "memory:///in/a.png": "memory:///out/a.png",
        "memory:///in/b/c d é.jpg": "memory:///out/b/c d é.jpg",
    }


def test_from_a_store_to_the_file_system_and_back(store: Any, tmp_path: Path) -> None:
    put("memory://in/a.gif")
    assert places(plan_tasks(["memory://in/a.gif"], str(tmp_path), style="")) == {
        "memory://in/a.gif": f"{tmp_path.as_posix()}/a.png"
    }
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "b.png").write_bytes(png())
    (source, target), *_ = places(plan_tasks([str(tmp_path / "cats")], "memory://out", style="")).items()
    assert (source, target) == (str(tmp_path / "cats" / "b.png"), "memory:///out/b.png")


def test_one_picture_into_a_named_object(store: Any) -> None:
    put("memory://in/a.png")
    (task,) = plan_tasks(["memory://in/a.png"], "memory://out/mine.jpg", style="")
    assert (task.target, task.suffix) == ("memory:///out/mine.jpg", ".jpg")
    (task,) = plan_tasks(["memory://in/a.png"], "memory://out/folder.jpg/", style="")
    assert task.target == "memory:///out/folder.jpg/a.png"
    with pytest.raises(ValueError, match="drop the format"):
        plan_tasks(["memory://in/a.png"], "memory://out/mine.jpg", style="", suffix=".png")


def test_two_that_become_one_are_refused(store: Any) -> None:
    put("memory://in/a.png", "memory://in/a.gif", "memory://in/b.png")
    tasks = plan_tasks(["memory://in"], "memory://out", style="")
    assert [task.problem is None for task in tasks] == [True, False, True]
    assert "would both become memory:///out/a.png" in str(tasks[1].problem)


def test_no_input_is_overwritten(store: Any) -> None:
    put("memory://in/a.png")
    (task,) = plan_tasks(["memory://in"], "memory://in", style="")
    assert "would overwrite the input memory:///in/a.png" in str(task.problem)


def test_what_lies_in_the_output_is_left_out(store: Any) -> None:
    put("memory://in/a.png", "memory://in/painted/a.png", "memory://in/painted2/a.png")
    tasks = plan_tasks(["memory://in"], "memory://in/painted", style="")
    assert list(places(tasks)) == ["memory:///in/a.png", "memory:///in/painted2/a.png"]


def test_a_pattern(store: Any) -> None:
    put("memory://in/a.png", "memory://in/b.jpg")
    assert find_pictures("memory://in/*.jpg") == (["memory:///in/b.jpg"], None)
    with pytest.raises(ImageError, match="no picture matches memory://in/x\\*"):
        find_pictures("memory://in/x*")


def test_one_bad_input_of_several_does_not_stop_the_others(store: Any) -> None:
    put("memory://in/a.png")
    tasks = plan_tasks(["memory://nowhere", "memory://in"], "memory://out", style="")
    assert [task.problem for task in tasks] == ["memory://nowhere holds no pictures; check the address", None]
    with pytest.raises(ImageError, match="holds no pictures"):
        plan_tasks(["memory://nowhere"], "memory://out", style="")


def test_what_is_there_is_skipped_but_nothing_empty(store: Any) -> None:
    put("memory://in/a.png", "memory://in/b.png", "memory://in/c.png", "memory://out/a.png")
    write_object("memory://out/b.png", b"")
    tasks = plan_tasks(["memory://in"], "memory://out", style="")
    assert done_before(tasks) == {0}
    assert objects_below("memory://nowhere") == set()


@pytest.mark.parametrize(
    ("inputs", "output", "says"),
    [
        (["-"], "memory://out", "standard input"),
        (["memory://in"], None, "name one with -o"),
        (["memory://in"], "-", "standard input"),
    ],
)
def test_what_does_not_fit(inputs: list[str], output: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        plan_tasks(inputs, output, style="")


def test_a_store_that_nobody_knows() -> None:
    with pytest.raises(ImageError, match=r"nosuch://bucket/a\.png"):
        read_object("nosuch://bucket/a.png")


def test_paths_are_planned_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(png())
    monkeypatch.chdir(tmp_path)
    assert places(plan_tasks(["a.png"], None, style="wave")) == {str(tmp_path / "a.png"): str(tmp_path / "a_wave.png")}


def test_without_a_cluster_a_url_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(png())
    with pytest.raises(ImageError, match=r"s3://b/in is no path; to read from an object store, add --on ray"):
        plan(["s3://b/in"], "out", style="")
    with pytest.raises(ValueError, match=r"s3://b/out is no path; to write to an object store, add --on ray"):
        plan(["a.png"], "s3://b/out", style="")


def test_paintings_have_the_same_names_as_without_a_cluster(
    photo: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_picture(Path("a.png"), photo)
    export_styles([write_sibling(tmp_path, 1, "wave"), write_sibling(tmp_path, 2, "owl")], "many.onnx")
    named: list[str] = []
    for network, mix in (("many.onnx", None), ("many.onnx", "owl"), ("udnie_tiny", None)):
        (here,) = paint_files(network, "a.png", mix=mix)
        (there,) = paint_on_ray(network, ["a.png"], mix=mix, skip_existing=True, manifest=Path("log.jsonl"))
        assert there.skipped
        assert there.target == str(tmp_path / str(here.job.target))
        named.append(str(here.job.target))
    assert named == ["a_many.png", "a_owl.png", "a_udnie.png"]
