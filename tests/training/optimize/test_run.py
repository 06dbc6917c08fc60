import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fststyle.errors import FststyleError
from fststyle.pictures.files import read_picture
from fststyle.training.cost.objective import Cost
from fststyle.training.optimize.request import Request
from fststyle.training.optimize.run import OptimizeRun

CPU = torch.device("cpu")


@pytest.fixture
def request_(shallow_cost: Callable[..., Cost], painting: Path, tmp_path: Path) -> Request:
    content = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (36, 48, 3), np.uint8)).save(content)
    cost = shallow_cost()
    return Request(
        tmp_path / "out.png", cost, content=content, styles=(painting,), size=32, style_size=32, iterations=(3, 2)
    )


def go(run: OptimizeRun, steps: int | None = None) -> OptimizeRun:
    for count, _ in enumerate(run.steps(), 1):
        if count == steps:
            run.suspend()
            return run
    run.finish()
    return run


def test_a_run_writes_its_picture_and_cleans_up(request_: Request) -> None:
    trajectory = request_.output.parent / "cost.jsonl"
    run = go(OptimizeRun(replace(request_, trajectory=trajectory, snapshot_every=2), CPU))
    picture = read_picture(request_.output).rgb
    assert picture.shape == (24, 32, 3)
    np.testing.assert_array_equal(picture, run.picture)
    assert not run.state_file.exists()
    records = [json.loads(line) for line in trajectory.read_text().splitlines()]
    assert [record["iteration"] for record in records] == list(range(6))
    assert [record["scale"] for record in records] == [0, 0, 0, 0, 1, 1]
    assert all(
        record["total_loss"] == record["total"] and record["seconds"] > 0 and "style_loss_relu1_2" in record
        for record in records
    )
    snapshots = sorted((request_.output.parent / "out_snapshots").iterdir())
    assert [path.name for path in snapshots] == ["00002.png", "00004.png"]
    assert read_picture(snapshots[0]).rgb.shape == (12, 16, 3)


@pytest.mark.parametrize("broken_at", [1, 3, 4])
def test_an_interrupted_run_ends_as_the_unbroken_one(request_: Request, broken_at: int) -> None:
    trajectory = request_.output.parent / "cost.jsonl"
    request_ = replace(request_, trajectory=trajectory)
    go(OptimizeRun(request_, CPU))
    picture, costs = request_.output.read_bytes(), [json.loads(line)["total"] for line in trajectory.open()]
    broken = go(OptimizeRun(request_, CPU), broken_at)
    assert broken.state_file.exists()
    assert len(trajectory.read_text().splitlines()) == broken_at + 1
    go(OptimizeRun(request_, CPU, resume=True))
    assert request_.output.read_bytes() == picture
    assert [json.loads(line)["total"] for line in trajectory.open()] == costs


def test_state_is_saved_on_the_way(request_: Request) -> None:
    run = OptimizeRun(replace(request_, save_seconds=0), CPU)
    next(iter(run.steps()))
    assert run.state_file.exists()
    assert not request_.output.exists()


def test_an_unfinished_run_is_not_overwritten(request_: Request) -> None:
    go(OptimizeRun(request_, CPU), 1)
    with pytest.raises(FststyleError, match=r"go on with --resume, or delete it"):
        OptimizeRun(request_, CPU)


@pytest.mark.parametrize("change", [{"style_size": 40}, {"seed": 1}, {"iterations": (3, 3)}, {"size": 30}])
def test_another_run_is_not_resumed(request_: Request, change: dict[str, object]) -> None:
    go(OptimizeRun(request_, CPU), 1)
    with pytest.raises(FststyleError, match="other pictures or settings"):
        OptimizeRun(replace(request_, **change), CPU, resume=True)


def test_another_photo_is_not_resumed(request_: Request) -> None:
    go(OptimizeRun(request_, CPU), 1)
    assert request_.content is not None
    Image.new("RGB", (48, 36), "teal").save(request_.content)
    with pytest.raises(FststyleError, match="other pictures or settings"):
        OptimizeRun(request_, CPU, resume=True)


def test_a_broken_state_is_named(request_: Request) -> None:
    run = go(OptimizeRun(request_, CPU), 1)
    run.state_file.write_bytes(run.state_file.read_bytes()[:-50])
    with pytest.raises(FststyleError, match=r"out\.png\.state is broken; delete it"):
        OptimizeRun(request_, CPU, resume=True)


def test_without_a_photo_it_makes_a_texture(request_: Request) -> None:
    run = go(OptimizeRun(replace(request_, content=None, size=(40, 20)), CPU))
    assert read_picture(request_.output).rgb.shape == (20, 40, 3)
    assert run.work.last.terms["content_loss"] == 0
    assert run.work.last.terms["style_loss"] > 0


def test_without_a_painting_it_brings_the_photo_back(request_: Request) -> None:
    assert request_.content is not None
    cost = replace(request_.cost, content_layers=("relu1_2",), tv_weight=0)
    run = go(OptimizeRun(replace(request_, cost=cost, styles=(), start="noise", iterations=(40,)), CPU))
    photo = np.asarray(Image.open(request_.content).resize((32, 24), Image.Resampling.LANCZOS)).astype(float)
    noise = OptimizeRun(replace(request_, styles=(), start="noise", iterations=(1,)), CPU).picture
    assert np.abs(run.picture - photo).mean() < 0.5 * np.abs(noise - photo).mean()
    assert run.work.last.terms["style_loss"] == 0


def test_it_starts_from_what_a_network_makes_of_the_photo(request_: Request, identity: Path) -> None:
    of_photo = OptimizeRun(replace(request_, start="content"), CPU)
    of_network = OptimizeRun(replace(request_, start=identity), CPU)
    assert of_network.work.last.total == of_photo.work.last.total


def test_keep_color_keeps_the_photo_s_color(request_: Request) -> None:
    plain, colored = (OptimizeRun(replace(request_, keep_color=keep), CPU) for keep in (False, True))
    for run in (plain, colored):
        list(run.steps())
    assert request_.content is not None
    photo = np.asarray(Image.open(request_.content).resize((32, 24), Image.Resampling.LANCZOS))

    def color(rgb: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(rgb).convert("YCbCr"))[..., 1:].astype(float)

    assert np.abs(color(colored.picture) - color(photo)).mean() < np.abs(color(plain.picture) - color(photo)).mean() / 2


def test_a_folder_is_all_its_paintings(request_: Request, painting: Path) -> None:
    assert len(OptimizeRun(replace(request_, styles=(painting.parent, painting)), CPU).work.task.styles) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: {"styles": (r.output.parent / "empty",)}, "no pictures under .*empty; give a painting"),
        (lambda r: {"styles": (r.output.parent / "gone.jpg",)}, "gone.jpg"),
        (lambda _: {"content": None, "styles": ()}, "nothing to optimize for"),
        (lambda _: {"size": (640, 480)}, "one number"),
        (lambda r: {"output": r.output.with_suffix(".xyz")}, "xyz"),
        (lambda _: {"style_mix": (1.0, 2.0)}, "does not fit 1 paintings"),
        (lambda r: {"cost": replace(r.cost, style_layers=("relu9_9",))}, "no layer 'relu9_9'"),
        (lambda r: {"cost": replace(r.cost, style_layers=("relu5_1",))}, "use layers up to relu2_2"),
        (lambda r: {"cost": replace(r.cost, weights=Path("gone.pth"))}, "no weights file at gone.pth"),
        (lambda _: {"size": 2}, "too small for relu2_2, which needs 2"),
        (lambda r: {"content": None, "start": r.styles[0].with_suffix(".onnx")}, "give one as --photos"),
        (lambda r: {"output": r.content}, "photo.png would overwrite the input"),
        (lambda r: {"output": r.styles[0], "styles": (r.styles[0].parent,)}, "would overwrite the input"),
        (lambda r: {"trajectory": r.cost.weights}, "would overwrite the input"),
        (lambda r: {"output": r.content, "content": None, "start": str(r.content)}, "would overwrite the input"),
    ],
)
def test_what_cannot_be_done_is_named(
    request_: Request, change: Callable[[Request], dict[str, object]], message: str
) -> None:
    (request_.output.parent / "empty").mkdir()
    with pytest.raises((FststyleError, ValueError), match=message):
        OptimizeRun(replace(request_, **change(request_)), CPU)


def test_a_folder_that_cannot_be_written_is_named(request_: Request) -> None:
    run = OptimizeRun(request_, CPU)
    run.state_file.mkdir()
    next(iter(run.steps()))
    with pytest.raises(FststyleError, match=r"cannot write .*out\.png\.state .*; make room or choose another folder"):
        run.suspend()
