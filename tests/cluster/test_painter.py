"""What a worker paints is what this process paints, wherever it lies."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.cluster.painter import Outcome, PicturePainter, Recipe
from fststyle.cluster.places import read_object, write_object
from fststyle.cluster.tasks import Task
from fststyle.jobs.files import paint_files
from fststyle.jobs.run import Settings
from fststyle.paint.controls import Controls
from fststyle.pictures.files import encode_picture, read_picture, write_picture

pytest.importorskip("fsspec")


@pytest.fixture
def darker(save: Callable[..., Path], assets: dict[str, Any]) -> Path:
    return save(assets["gain_model"](0.5), {"min_side": 16})


def recipe(*models: Path, weights: tuple[float, ...] = (), controls: Controls | None = None) -> Recipe:
    return Recipe(
        tuple(model.read_bytes() for model in models),
        tuple(map(str, models)),
        weights,
        "cpu",
        {"threads": 1},
        Settings(controls=controls or Controls()),
    )


def painted(worker: PicturePainter, *tasks: Task) -> list[Outcome]:
    return [outcome for said in worker.paint(list(enumerate(tasks)), 0.0) for outcome in said]


def test_a_store_gets_the_bytes_that_a_folder_gets(
    store: Any, darker: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    controls = Controls(strength=0.5, keep_color=True)
    for number in range(11):
        write_object(f"memory://in/{number}.png", encode_picture(photo[number:], None, ".png"))
        write_picture(tmp_path / "in" / f"{number}.png", photo[number:])
    worker = PicturePainter(recipe(darker, controls=controls))
    tasks = [Task(f"memory:///in/{number}.png", f"memory:///out/{number}.png", ".png") for number in range(11)]
    outcomes = painted(worker, *tasks)
    assert sorted(outcome.number for outcome in outcomes) == list(range(11))
    assert {outcome.error for outcome in outcomes} == {None}
    paint_files(darker, tmp_path / "in", tmp_path / "out", controls)
    for number in range(11):
        assert read_object(f"memory://out/{number}.png") == (tmp_path / "out" / f"{number}.png").read_bytes()


def test_what_fails_is_named_as_the_user_knows_it(
    store: Any, identity: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    write_object("memory://in/rotten.png", b"junk")
    write_object("memory://in/empty.png", b"")
    write_object("memory://in/good.png", encode_picture(photo, None, ".png"))
    tasks = [
        *(
            Task(f"memory:///in/{name}.png", f"memory:///out/{name}.png", ".png")
            for name in ("rotten", "empty", "lost")
        ),
        Task("memory:///in/good.png", None, ".png", "no room for it"),
        Task("memory:///in/good.png", f"{tmp_path}/good.png", ".png"),
    ]
    outcomes = sorted(painted(PicturePainter(recipe(identity)), *tasks), key=lambda outcome: outcome.number)
    errors = [outcome.error for outcome in outcomes]
    assert str(errors[0]).startswith("memory:///in/rotten.png is broken")
    assert str(errors[1]).startswith("memory:///in/empty.png is broken")
    assert str(errors[2]).startswith("memory:///in/lost.png does not exist")
    assert errors[3:] == ["no room for it", None]
    np.testing.assert_array_equal(read_picture(tmp_path / "good.png").rgb, photo)
    assert store.find("/out") == []


def test_a_blend_needs_no_files(darker: Path, identity: Path, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", photo)
    worker = PicturePainter(recipe(identity, darker, weights=(1.0, 3.0)))
    (outcome,) = painted(worker, Task(str(tmp_path / "a.png"), str(tmp_path / "b.png"), ".png"))
    assert outcome.error is None
    paint_files({identity: 1.0, darker: 3.0}, tmp_path / "a.png", tmp_path / "c.png")
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "c.png").read_bytes()


def test_warnings_come_along(identity: Path, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    (outcome,) = painted(
        PicturePainter(recipe(identity)), Task(str(tmp_path / "two.gif"), str(tmp_path / "b.png"), ".png")
    )
    assert outcome.error is None
    assert [f"{tmp_path / 'two.gif'} holds several frames" in said for said in outcome.warnings] == [True]


def test_reports_can_wait(identity: Path, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", photo)
    tasks = [(number, Task(str(tmp_path / "a.png"), str(tmp_path / f"{number}.bmp"), ".bmp")) for number in range(5)]
    worker = PicturePainter(recipe(identity))
    assert [len(said) for said in worker.paint(tasks, 0.0)] == [1] * 5
    assert [len(said) for said in worker.paint(tasks, 3600.0)] == [5]


def test_auto_takes_no_gpu_that_is_not_reserved(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fststyle.model.devices.installed_devices", lambda: ["cuda", "cpu"])
    assert replace(recipe(identity), device="auto").open().device == "cpu"
