import gc
import io
import os
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.errors import ImageError, ModelFileError
from fststyle.jobs import run as batch
from fststyle.jobs.run import Job, Result, Settings, parse_shard, plan, run, shard
from fststyle.paint.controls import Controls
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import encode_picture, format_of, read_picture, write_picture
from fststyle.pictures.picture import Picture

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Pixels) -> Path:
    """The current folder, with a.png, b.jpg, c.gif and sub/a.png in `in`."""
    monkeypatch.chdir(tmp_path)
    write_picture(Path("in/a.png"), photo)
    write_picture(Path("in/b.jpg"), photo)
    Path("in/c.ppm").write_bytes(b"P6 1 1 255\n\x01\x02\x03")
    write_picture(Path("in/sub/a.png"), photo)
    Path("in/noted").write_bytes(b"")
    return tmp_path


def targets(inputs: Sequence[str], output: str | None, suffix: str | None = None) -> list[str | None]:
    jobs = plan(inputs, output, style="wave", suffix=suffix)
    assert all(job.problem is None for job in jobs)
    return [None if job.target is None else job.target.as_posix() for job in jobs]


def test_one_picture_into_a_file_or_a_folder() -> None:
    assert targets(["in/a.png"], "out/x.jpg") == ["out/x.jpg"]
    assert targets(["in/a.png"], "out/") == ["out/a.png"]
    assert targets(["in/a.png"], "out") == ["out/a.png"]
    Path("v1.2").mkdir()
    assert targets(["in/a.png"], "v1.2") == ["v1.2/a.png"]
    assert targets(["in/c.ppm"], "out") == ["out/c.png"]
    assert targets(["in/a.png"], "out", ".webp") == ["out/a.webp"]
    assert targets(["in/a.png"], "out/x.jpeg", ".jpg") == ["out/x.jpeg"]


def test_without_an_output_the_style_names_it() -> None:
    assert targets(["in/a.png", "in/b.jpg"], None) == ["a_wave.png", "b_wave.jpg"]
    assert targets(["in"], None) == ["in_wave/a.png", "in_wave/b.jpg", "in_wave/c.png", "in_wave/sub/a.png"]


def test_a_style_cannot_lead_out_of_the_folder() -> None:
    (job,) = plan(["in/a.png"], None, style="../../etc/x y", suffix=None)
    assert job.target == Path("a_etc_x_y.png")
    (job,) = plan(["in/a.png"], None, style="..")
    assert job.target == Path("a_stylized.png")


def test_a_folder_keeps_its_tree() -> None:
    assert targets(["in"], "out", ".jpg") == ["out/a.jpg", "out/b.jpg", "out/c.jpg", "out/sub/a.jpg"]


def test_a_second_run_does_not_take_up_the_first_ones_results(photo: Pixels) -> None:
    write_picture(Path("in/out/a.png"), photo)
    assert targets(["in"], "in/out") == ["in/out/a.png", "in/out/b.jpg", "in/out/c.png", "in/out/sub/a.png"]


def test_the_output_may_lie_around_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("photos/a.png").touch()
    assert [job.target for job in plan(["photos"], ".", style="wave")] == [Path("a.png")]


@pytest.mark.parametrize("named", [".", "../in"])
def test_nor_in_the_folder_that_the_style_names(named: str, photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("in")
    first = targets([named], None)
    write_picture(Path("in_wave/a.png"), photo)
    assert targets([named], None) == first == [f"in_wave/{name}" for name in ("a.png", "b.jpg", "c.png", "sub/a.png")]


def test_a_name_that_is_too_long_is_a_problem_of_its_own(identity: Path) -> None:
    name = "x" * 300
    for source in (name, f"in/{name}.png"):
        (result,), _ = work(plan([source], f"{name}.jpg", style="wave"), identity)
        assert "File name too long" in str(result.error)
    with pytest.raises(ImageError, match="no file matches"):
        plan([f"{name}/a*.png"], name, style="wave")


def test_patterns() -> None:
    assert targets(["in/*.png", "in/[b].jpg"], "out") == ["out/a.png", "out/b.jpg"]
    with pytest.raises(ImageError, match="no file matches in/x"):
        plan(["in/x*"], "out", style="wave")


@pytest.mark.skipif(os.name == "nt", reason="no * in names on Windows")
def test_a_name_that_looks_like_a_pattern(photo: Pixels) -> None:
    write_picture(Path("in/[1].png"), photo)
    assert targets(["in/[1].png"], "out") == ["out/[1].png"]


def test_no_input_is_overwritten() -> None:
    jobs = plan(["in/a.png", "in/b.jpg", "in/c.ppm"], "in", style="wave")
    assert [job.problem is None for job in jobs] == [False, False, True]
    assert "would overwrite the input in/a.png; choose another output" in str(jobs[0].problem)
    (job,) = plan(["in/a.png"], "in/../in/a.png", style="wave")
    assert job.problem is not None
    # The output of one would be the input of the next.
    jobs = plan(["in/sub/a.png", "in/a.png"], "in", style="wave")
    assert [job.problem is None for job in jobs] == [False, False]


def test_nor_is_what_is_read_besides() -> None:
    for inputs in (["in/b.jpg"], ["-"]):
        (job,) = plan(inputs, "in/a.png", style="wave", also_read=[Path("in/a.png")])
        assert "would overwrite the input in/a.png; choose another output" in str(job.problem)


def test_no_output_is_written_twice() -> None:
    jobs = plan(["in/a.png", "in/sub/a.png"], "out", style="wave")
    assert jobs[0].problem is None
    assert "in/sub/a.png and in/a.png would both become out/a.png; stylize them separately" in str(jobs[1].problem)


def test_standard_input_and_output() -> None:
    assert plan(["-"], None, style="wave") == [Job(None, None, ".png")]
    assert plan(["-"], "-", style="wave", suffix=".jpg") == [Job(None, None, ".jpg")]
    assert plan(["-"], "x.webp", style="wave") == [Job(None, Path("x.webp"), ".webp")]
    assert plan(["in/a.png"], "-", style="wave") == [Job(Path("in/a.png"), None, ".png")]


@pytest.mark.parametrize(
    ("inputs", "output", "suffix", "message"),
    [
        (["-", "in/a.png"], None, None, "name a single input"),
        (["in/a.png", "in/b.jpg"], "-", None, "name a single input"),
        (["-"], "out/", None, "has no name to use in the folder out; name a file"),
        (["in/a.png", "in/b.jpg"], "x.png", None, "2 pictures cannot go into the one file x.png; name a folder"),
        ([""], "out", None, "empty name"),
        (["in/a.png", ""], "out", None, "empty name"),
        (["in/a.png"], "", None, "empty name"),
        (["in/a.png"], "/dev/null", None, "neither a file nor a folder; .* -o -"),
        (["in/a.png"], "in/noted", None, "does not say a format; name a folder"),
        (["in"], "in/b.jpg", None, "4 pictures cannot go into the one file"),
        (["in/a.png"], "x.png", ".jpg", "x.png is not a .jpg file"),
        (["-"], "x.jpg", ".png", "x.jpg is not a .png file; drop the format or change the name"),
        (["in/a.png"], "out", ".xyz", "format must be one of png, jpg, .* not 'xyz'"),
    ],
)
def test_what_does_not_fit_together(inputs: list[str], output: str | None, suffix: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(inputs, output, style="wave", suffix=suffix)


def test_a_folder_may_be_called_like_a_picture() -> None:
    Path("x.png").mkdir()
    for inputs in (["in/a.png"], ["in/a.png", "in/b.jpg"]):
        jobs = plan(inputs, "x.png", style="wave")
        assert [job.target for job in jobs] == [Path("x.png") / Path(name).name for name in inputs]
        assert not any(job.problem for job in jobs)


def test_an_unknown_format_is_refused_before_the_work() -> None:
    for inputs in (["in/a.png"], ["-"]):
        with pytest.raises(ImageError, match=r"'\*\.xyz'; use one of"):
            plan(inputs, "x.xyz", style="wave")


def test_one_of_several_inputs_without_pictures_does_not_stop_the_others(identity: Path) -> None:
    Path("empty").mkdir()
    results, stdout = work(plan(["empty", "in/a.png", "x*.png", "https://a.org/b.jpg"], "out", style="x"), identity)
    assert stdout == b""
    assert [str(result.error).split(";")[0] for result in results] == [
        "None",
        "empty holds no pictures",
        "no file matches x*.png",
        "https://a.org/b.jpg is a web address",
    ]
    assert Path("out/a.png").is_file()


def test_a_web_address_is_called_so() -> None:
    with pytest.raises(ImageError, match=r"https://a\.org/b\.jpg is a web address; download"):
        plan(["https://a.org/b.jpg"], None, style="wave")


def test_a_folder_without_pictures() -> None:
    Path("empty").mkdir()
    with pytest.raises(ImageError, match=r"empty holds no pictures; .*\.png"):
        plan(["empty"], "out", style="wave")
    Path("empty/a").mkdir()
    Path("empty/a/b.MP4").touch()
    with pytest.raises(ImageError, match=r"empty holds no pictures; .*fststyle video"):
        plan(["empty"], "out", style="wave")


def test_only_files_were_there_already(identity: Path, photo: Pixels) -> None:
    Path("out/a.png").mkdir(parents=True)
    done = CliRunner().invoke(app, ["stylize", str(identity), "in/a.png", "-o", "out", "--skip-existing"])
    assert done.exit_code == 1
    assert "a.png is a folder" in done.stderr


def work(
    jobs: list[Job], identity: Path, settings: Settings | None = None, stdin: bytes = b""
) -> tuple[list[Result], bytes]:
    stdout = io.BytesIO()
    results = run(jobs, Stylizer.load(identity), settings or Settings(), stdin=io.BytesIO(stdin), stdout=stdout)
    return list(results), stdout.getvalue()


def test_a_bad_file_does_not_stop_the_others(identity: Path, photo: Pixels) -> None:
    Path("in/bad.png").write_bytes(b"not a picture")
    results, _ = work(plan(["in/a.png", "in/bad.png", "in/missing.png", "in/sub/a.png"], "out", style="x"), identity)
    errors = [str(result.error) for result in results]
    assert errors[0] == "None"
    assert "in/bad.png is broken" in errors[1]
    assert "in/missing.png does not exist" in errors[2]
    assert "would both become" in errors[3]
    np.testing.assert_array_equal(read_picture(Path("out/a.png")).rgb, photo)
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png"]


def test_alpha_is_put_back_and_shrunk_along(identity: Path, photo: Pixels) -> None:
    alpha = np.full(photo.shape[:2], 77, np.uint8)
    write_picture(Path("in/glass.png"), photo, alpha)
    work(plan(["in/glass.png"], "whole.png", style="x"), identity)
    whole = read_picture(Path("whole.png"))
    np.testing.assert_array_equal(whole.rgb, photo)
    np.testing.assert_array_equal(whole.alpha, alpha)
    work(plan(["in/glass.png"], "small.png", style="x"), identity, Settings(max_side=20))
    small = read_picture(Path("small.png"))
    assert small.rgb.shape == (14, 20, 3)
    assert small.alpha is not None
    assert (small.alpha == 77).all()


def test_strength_and_quality_arrive(identity: Path, photo: Pixels) -> None:
    for quality in (10, 95):
        work(plan(["in/a.png"], f"{quality}.jpg", style="x"), identity, Settings(quality=quality))
        wanted = encode_picture(photo, None, ".jpg", quality=quality, painting=True)
        assert Path(f"{quality}.jpg").read_bytes() == wanted
    with pytest.raises(ValueError, match="strength"):
        work(plan(["in/a.png"], "x.png", style="x"), identity, Settings(controls=Controls(strength=2)))


def test_from_standard_input_to_standard_output(identity: Path, photo: Pixels) -> None:
    (result,), data = work(plan(["-"], "-", style="x"), identity, stdin=encode_picture(photo, None, ".bmp"))
    assert result.error is None
    np.testing.assert_array_equal(read_picture(io.BytesIO(data)).rgb, photo)


def test_a_closed_standard_output(identity: Path) -> None:
    class Closed(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    jobs = plan(["in/a.png"], "-", style="x")
    (result,) = run(jobs, Stylizer.load(identity), Settings(), stdin=io.BytesIO(), stdout=Closed())
    assert "Broken pipe" in str(result.error)


def test_shards_do_everything_once() -> None:
    jobs = plan(["in"], "out", style="x")
    parts = [shard(jobs, number, 2) for number in (1, 2)]
    assert [len(part) for part in parts] == [2, 2]
    assert sorted(jobs, key=str) == sorted([*parts[0], *parts[1]], key=str)
    assert shard(jobs, 5, 9) == []
    assert parse_shard("2/8") == (2, 8)
    for number, of in ((0, 2), (3, 2)):
        with pytest.raises(ValueError, match=f"i/n with i from 1 to n, not {number}/{of}"):
            shard(jobs, number, of)
    for bad in ("2", "a/b", "1/2/3", "-1/2"):
        with pytest.raises(ValueError, match="a shard reads like 2/8"):
            parse_shard(bad)


def test_the_next_is_read_while_one_is_painted(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    second_read = threading.Event()

    def read(source: Path, **_: object) -> Picture:
        reads.append(source)
        if len(reads) == 2:
            second_read.set()
        return Picture(photo, None)

    def paint(rgb: Pixels, _: object) -> Pixels:
        # Without reading ahead, the first would wait here in vain.
        assert second_read.wait(10)
        return rgb

    monkeypatch.setattr(batch, "read_picture", read)
    jobs = plan(["in/a.png", "in/b.jpg", "in/c.ppm"], "out", style="x")
    results = list(run(jobs, paint, Settings(), stdin=io.BytesIO(), stdout=io.BytesIO()))
    assert [result.job for result in results] == jobs
    assert [result.error for result in results] == [None] * 3


def test_large_pictures_are_not_read_ahead(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_READ_AHEAD_PIXELS", 10)
    reads: list[Path] = []
    monkeypatch.setattr(batch, "read_picture", lambda source, **_: reads.append(source) or Picture(photo, None))
    counts: list[int] = []

    def paint(rgb: Pixels, _: object) -> Pixels:
        time.sleep(0.05)
        counts.append(len(reads))
        return rgb

    list(run(plan(["in"], "out", style="x"), paint, Settings(), stdin=io.BytesIO(), stdout=io.BytesIO()))
    assert counts == [1, 2, 3, 4]


def test_no_jobs_no_results(identity: Path) -> None:
    assert work([], identity)[0] == []


RAISED = [RuntimeError("Failed to encode image"), MemoryError(), OSError(5, "Input/output error"), ValueError("no")]


@pytest.mark.parametrize("raised", [*RAISED, IndexError("list index")], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["read_picture", "write_picture", "paint"])
def test_whatever_is_raised_the_others_are_painted(
    raised: Exception, where: str, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(3))

    def second_fails(function: Any) -> Any:
        def called(*arguments: Any, **named: Any) -> Any:
            if next(calls) == 1:
                raise raised
            return function(*arguments, **named)

        return called

    paint = lambda rgb, _: rgb  # noqa: E731
    if where == "paint":
        paint = second_fails(paint)
    else:
        monkeypatch.setattr(batch, where, second_fails(getattr(batch, where)))
    jobs = plan(["in/a.png", "in/b.jpg", "in/c.ppm"], "out", style="x")
    results = list(run(jobs, paint, Settings(), stdin=io.BytesIO(), stdout=io.BytesIO()))
    assert [result.error is None for result in results] == [True, False, True]
    said = str(results[1].error)
    assert said.startswith("in/b.jpg could not be ")
    assert "\n" not in said
    assert ("--memory" if isinstance(raised, MemoryError) else type(raised).__name__) in said
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]


def test_the_picture_is_named_whoever_refuses_it() -> None:
    def paint(rgb: Pixels, _: object) -> Pixels:
        raise ModelFileError("wave.onnx fails on 3×4 pixels; try a smaller picture")

    jobs = plan(["in/a.png"], "out", style="x")
    (result,) = run(jobs, paint, Settings(), stdin=io.BytesIO(), stdout=io.BytesIO())
    assert isinstance(result.error, ModelFileError)
    assert str(result.error) == "in/a.png: wave.onnx fails on 3×4 pixels; try a smaller picture"


def test_failed_pictures_do_not_stay_in_memory(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def paint(rgb: Pixels, _: object) -> Pixels:
        painted = rgb[::-1].copy()
        seen.extend((weakref.ref(rgb), weakref.ref(painted)))
        raise MemoryError

    jobs = plan(["in/a.png", "in/b.jpg"], "out", style="x")
    results = list(run(jobs, paint, Settings(), stdin=io.BytesIO(), stdout=io.BytesIO()))
    gc.collect()
    assert [result.error is None for result in results] == [False, False]
    assert [link() is None for link in seen] == [True] * 4


@pytest.mark.parametrize(
    ("suffix", "longest"), [(".jpg", 65_500), (".jpeg", 65_500), (".webp", 16_383), (".avif", 65_536)]
)
def test_a_size_that_the_format_cannot_hold_is_refused_before_painting(suffix: str, longest: int) -> None:
    write_picture(Path("long.png"), np.zeros((1, longest + 1, 3), np.uint8))
    write_picture(Path("just.png"), np.zeros((longest, 1, 3), np.uint8))
    painted: list[tuple[int, ...]] = []

    def paint(rgb: Pixels, _: object) -> Pixels:
        painted.append(rgb.shape)
        return rgb[:1, :1]

    jobs = plan(["long.png", "just.png"], "out", style="x", suffix=suffix)
    results = list(run(jobs, paint, Settings(), stdin=io.BytesIO(), stdout=io.BytesIO()))
    assert f"long.png: {format_of(suffix)} cannot hold {longest + 1}×1 pixels" in str(results[0].error)
    assert results[1].error is None
    assert painted == [(longest, 1, 3)]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif", ".tif", ".bmp"])
def test_what_an_earlier_run_of_any_style_painted_is_left_out(suffix: str, identity: Path) -> None:
    work(plan(["in"], "in", style="first", suffix=suffix if suffix not in {".png", ".jpg"} else ".tiff"), identity)
    work(plan(["in/a.png"], f"in/a_first{suffix}", style="first"), identity)
    work(plan(["in/a.png"], f"in/first/sub/a{suffix}", style="first"), identity)
    with pytest.warns(UserWarning, match=r"in: \d paintings of earlier runs are left out; to paint .* name it"):
        jobs = plan(["in"], "out", style="second")
    assert [str(job.source) for job in jobs] == ["in/a.png", "in/b.jpg", "in/c.ppm", "in/sub/a.png"]
    with pytest.warns(UserWarning, match="left out"):
        jobs = plan(["in/a*"], "out", style="second")
    assert [str(job.source) for job in jobs] == ["in/a.png"]


def test_a_painting_is_painted_where_it_is_named_or_there_is_nothing_else(identity: Path) -> None:
    work(plan(["in"], "out", style="first"), identity)
    assert targets(["out"], "again") == ["again/a.png", "again/b.jpg", "again/c.png", "again/sub/a.png"]
    assert targets(["in/a.png", "out/b.jpg"], "again") == ["again/a.png", "again/b.jpg"]


def test_a_painting_is_left_out_where_the_shell_named_its_photo_too(identity: Path, photo: Pixels) -> None:
    work(plan(["in/a.png", "in/b.jpg"], None, style="first"), identity)
    for name in ("a.png", "b_7.jpg", "b_7_x.jpg"):
        write_picture(Path(name), photo)
    assert targets(["a_first.png"], None) == ["a_first_wave.png"]
    with pytest.warns(UserWarning, match="1 painting of an earlier run is left out; .* name it alone"):
        assert targets(["a.png", "a_first.png", "b_first.jpg"], None) == ["a_wave.png", "b_first_wave.jpg"]
    assert targets(["b_7.jpg", "b_7_x.jpg"], None) == ["b_7_wave.jpg", "b_7_x_wave.jpg"]
