"""A video that several painters share has the bytes that one gives it; Ray itself is in the last test only."""

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from video_clips import make_clip, picture

from fststyle.cluster.frames import FramePainter, FrameRecipe
from fststyle.cluster.kept_groups import KeptGroups
from fststyle.cluster.painter import Recipe
from fststyle.cluster.relay import Relay
from fststyle.cluster.video import convert_on_ray
from fststyle.errors import FststyleError, VideoError
from fststyle.jobs.run import Settings
from fststyle.paint import shared as shared_statistics
from fststyle.paint.controls import Controls
from fststyle.paint.frames import Steadiness
from fststyle.paint.morph import parse_morph
from fststyle.pictures.files import write_picture
from fststyle.runtime.styles import export_styles
from fststyle.video.clip import Cut
from fststyle.video.codecs import CODECS
from fststyle.video.convert import Job, convert
from fststyle.video.groups import GroupReader, check_output, join
from fststyle.video.run import Progress


def recipe(network: Path, job: Job, *, controls: Controls | None = None, carry: float = 0.4) -> FrameRecipe:
    settings = Settings(controls=controls or Controls())
    model = Recipe((network.read_bytes(),), (str(network),), (), "cpu", {"threads": 1}, settings)
    return FrameRecipe(job, model, Steadiness(carry=carry))


def shared(given: FrameRecipe, workers: int = 3, *, loses: float = 0.0, most: int | None = None) -> KeptGroups:
    """What the driver does, with painters in this process that work, and die, in a random order."""
    chance = random.Random(1)
    kept = KeptGroups(given.job)
    with GroupReader(given.job) as reader:
        relay = Relay(kept.done, kept.state, reader.group)
    crew = {number: FramePainter(given) for number in range(workers)}
    idle, finishing = list(crew), list[tuple[Any, int, Any]]()
    while not relay.is_over and (most is None or kept.done < most):
        finishing += relay.ready()
        if finishing and (not idle or chance.random() < 0.5):
            worker, _, state = finishing.pop(chance.randrange(len(finishing)))
            said = crew[worker].finish(state)
            relay.reached(worker, next(said))
            if chance.random() >= loses:
                group = next(said)
                assert isinstance(group, list)
                number, after = relay.finished(worker)
                kept.put(number, group, after)
                idle.append(worker)
                continue
        elif idle:
            worker = idle.pop(chance.randrange(len(idle)))
            number = relay.paint(worker)
            if number is None:
                assert finishing or len(idle) < workers
                continue
            if chance.random() >= loses:
                if not relay.painted(worker, crew[worker].paint(number)):
                    idle.append(worker)
                continue
        else:
            pytest.fail("nobody has anything to do")
        relay.lost(worker)
        crew[worker] = FramePainter(given)
        idle.append(worker)
    return kept


def alone(given: FrameRecipe, target: Path) -> bytes:
    job = Job(**{**vars(given.job), "target": str(target)})
    convert(job, given.open(), stdin=io.BytesIO(), stdout=io.BytesIO())
    return target.read_bytes()


def content(path: Path) -> list[tuple[Any, ...]]:
    """Every packet of a file, in its order."""
    with av.open(str(path)) as container:
        return [
            (packet.stream.type, packet.pts, packet.dts, packet.duration, packet.is_keyframe, bytes(packet))
            for packet in container.demux()
            if packet.size
        ]


@pytest.fixture
def painter(save: Callable[..., Path], assets: dict[str, Any]) -> Path:
    return save(assets["gain_model"](0.7), {"min_side": 16})


CLIPS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "plain": ("a.mp4", {"times": range(70)}, {}),
    "variable rate": (
        "a.mkv",
        {"times": sorted(random.Random(2).sample(range(900), 60)), "time_base": Fraction(1, 300)},
        {},
    ),
    "odd key frames": ("a.mp4", {"times": range(70), "options": {"g": "7", "bf": "3", "crf": "5"}}, {}),
    "one key frame": ("a.mkv", {"times": range(70), "options": {"g": "999", "crf": "5"}}, {}),
    "two frames": ("a.mp4", {"times": range(2)}, {}),
    "one frame": ("a.mp4", {"times": range(1)}, {}),
    "one group": ("a.mp4", {"times": range(25)}, {}),
    "two groups": ("a.mp4", {"times": range(50)}, {}),
    "rotated, no sound": ("a.mp4", {"times": range(40), "rotation": 90, "audio": 0}, {}),
    "two sounds, subtitles": ("a.mkv", {"times": range(60), "audio": 2, "subtitles": True}, {}),
    "a constant rate": (
        "a.mkv",
        {"times": [3 * n for n in range(40)], "rate": Fraction(30)},
        {"cut": Cut(rate=Fraction(24))},
    ),
    "a part": ("a.mp4", {"times": range(90)}, {"cut": Cut(Fraction(1), Fraction(3))}),
    "small, hevc": ("a.mp4", {"times": range(30)}, {"cut": Cut(max_side=32), "codec": "hevc"}),
    "lossless": ("a.mkv", {"times": range(30)}, {"codec": "ffv1"}),
}


@pytest.mark.parametrize("name", CLIPS)
def test_the_file_is_the_same_byte_for_byte(name: str, painter: Path, tmp_path: Path) -> None:
    file, clip, more = CLIPS[name]
    source = make_clip(tmp_path / file, **clip)
    target = tmp_path / f"out{source.suffix}"
    given = recipe(painter, Job(str(source), str(target), **more))
    done = join(given.job, iter(shared(given)))
    other = tmp_path / f"alone{source.suffix}"
    expected = alone(given, other)
    assert content(target) == content(other)
    assert source.suffix == ".mkv" or target.read_bytes() == expected  # Matroska gives each file a random name
    assert done.frames == sum(kind == "video" for kind, *_ in content(target))


def interrupted(given: FrameRecipe, target: Path) -> list[tuple[Any, ...]]:
    """Stopped in the third group, and gone on with."""
    painted = 0

    def count(_: Progress) -> None:
        nonlocal painted
        painted += 1

    for resume in (False, True):
        job = Job(**{**vars(given.job), "target": str(target), "resume": resume})
        ends = partial(lambda resume: not resume and painted > 55, resume)
        done = convert(job, given.open(), stdin=io.BytesIO(), stdout=io.BytesIO(), painted=count, stop=ends)
        assert done.whole == resume
    assert done.resumed == 50
    return content(target)


def test_statistics_are_shared_within_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whoever paints a group needs none of the frames before it."""
    source = make_clip(tmp_path / "a.mp4", times=range(60))
    monkeypatch.setattr(shared_statistics, "_LEAST_PIXELS", 0)
    network = Path(__file__).parents[2] / "models" / "udnie.onnx"
    given = recipe(network, Job(str(source), str(tmp_path / "shared.mp4")), carry=0.2)
    join(given.job, iter(shared(given)))
    expected = alone(given, tmp_path / "alone.mp4")
    assert (tmp_path / "shared.mp4").read_bytes() == expected
    # Where sound lies between pictures depends on when the file was begun.
    assert sorted(interrupted(given, tmp_path / "again.mp4")) == sorted(content(tmp_path / "alone.mp4"))
    own = replace(given, steadiness=Steadiness(carry=0.2, measure_every=1))
    assert alone(own, tmp_path / "own.mp4") != expected


def scenes() -> Iterator[Any]:
    """A cut in the middle of a group, so that paint is forgotten there."""
    for number in range(60):
        rgb = picture(number)
        yield rgb if number < 33 else 255 - rgb


def test_paint_is_carried_over_the_borders_of_groups_and_not_over_cuts(painter: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", times=range(60), pictures=scenes())
    controls = Controls(strength=0.8, keep_color=True, mask=np.tile(np.uint8([0, 255]), (4, 4)))
    files = {}
    for carry in (0.0, 0.9):
        target = tmp_path / f"{carry}.mp4"
        given = recipe(painter, Job(str(source), str(target)), controls=controls, carry=carry)
        join(given.job, iter(shared(given)))
        files[carry] = target.read_bytes()
        assert files[carry] == alone(given, tmp_path / "alone.mp4")
    assert files[0.0] != files[0.9]


def test_workers_that_are_lost_change_nothing(painter: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", times=range(200))
    given = recipe(painter, Job(str(source), str(tmp_path / "out.mp4")))
    join(given.job, iter(shared(given, loses=0.2)))
    assert (tmp_path / "out.mp4").read_bytes() == alone(given, tmp_path / "alone.mp4")


def test_frames_in_a_folder_of_which_some_are_broken(painter: Path, tmp_path: Path) -> None:
    for number in range(60):
        write_picture(tmp_path / "frames" / f"{number:03}.png", picture(number))
    for number in (24, 25, 26, 50):
        (tmp_path / "frames" / f"{number:03}.png").write_bytes(b"junk")
    given = recipe(painter, Job(str(tmp_path / "frames"), str(tmp_path / "out.mp4")))
    with pytest.warns(UserWarning, match="the frame before it is shown again"):
        join(given.job, iter(shared(given)))
    with pytest.warns(UserWarning, match="the frame before it is shown again"):
        expected = alone(given, tmp_path / "alone.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == expected


def test_an_interrupted_run_goes_on(painter: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", times=range(150))
    job = Job(str(source), str(tmp_path / "out.mp4"), identity={"strength": 1.0})
    left = shared(recipe(painter, job), most=3)
    assert not (tmp_path / "out.mp4").exists()
    with pytest.raises(VideoError, match="is there from an interrupted run; go on with --resume, or throw it away"):
        KeptGroups(job)
    with pytest.raises(VideoError, match=r"was made with strength 1.0, not 0.5; give the same again, or start anew"):
        KeptGroups(Job(str(source), str(tmp_path / "out.mp4"), resume=True, identity={"strength": 0.5}))
    again = recipe(painter, Job(**{**vars(job), "resume": True}))
    assert KeptGroups(again.job).done == left.done >= 3
    join(again.job, iter(shared(again)))
    assert (tmp_path / "out.mp4").read_bytes() == alone(recipe(painter, job), tmp_path / "alone.mp4")
    assert KeptGroups(Job(**{**vars(job), "restart": True})).done == 0


def test_groups_of_an_encoder_with_other_options_are_not_gone_on_with(
    painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(str(make_clip(tmp_path / "a.mp4", times=range(70))), str(tmp_path / "out.mp4"))
    monkeypatch.setitem(CODECS, "h264", replace(CODECS["h264"], options=(("preset", "veryfast"),)))
    assert shared(recipe(painter, job), most=1).done
    monkeypatch.undo()
    with pytest.raises(
        VideoError, match=r"was made with another encoder; give the same again, or start anew with --restart$"
    ):
        KeptGroups(replace(job, resume=True))
    assert KeptGroups(replace(job, restart=True)).done == 0


def test_a_broken_state_is_named(painter: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", times=range(150))
    job = Job(str(source), str(tmp_path / "out.mp4"))
    kept = shared(recipe(painter, job), most=3)
    (kept.folder / f"state_{kept.done:06}.npz").write_bytes(b"junk")
    with pytest.raises(VideoError, match="is broken; start anew with --restart"):
        KeptGroups(Job(str(source), str(tmp_path / "out.mp4"), resume=True))


def test_an_input_that_changes_meanwhile_is_refused(painter: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", times=range(60))
    given = recipe(painter, Job(str(source), str(tmp_path / "out.mp4")))
    groups = list(shared(given))
    for frames in (40, 90):
        make_clip(source, times=range(frames))
        with pytest.raises(VideoError, match="has changed while it was painted"):
            join(given.job, iter(groups))
    assert not list(tmp_path.glob("out*.mp4"))


def test_a_sound_that_does_not_fit_is_found_before_the_work(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", sound="pcm_f32le")
    job = Job(str(source), str(tmp_path / "out.mp4"))
    with GroupReader(job) as reader, pytest.raises(VideoError, match="cannot hold the sound"):
        check_output(job, reader.clip)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("-", "a.mp4", "no standard input"),
        ("s3://b/a.mp4", "a.mp4", "is in an object store"),
        ("a.mp4", "-", "no standard"),
    ],
)
def test_what_only_one_process_can_do(painter: Path, source: str, target: str, says: str) -> None:
    with pytest.raises((FststyleError, ValueError), match=says):
        convert_on_ray(recipe(painter, Job(source, target)))


def test_held_statistics_are_refused(assets: dict[str, Any], tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", times=range(3))
    network = Path(__file__).parents[2] / "models" / "udnie_tiny.onnx"
    given = recipe(network, Job(str(source), str(tmp_path / "out.mp4")))
    with pytest.raises(ValueError, match="with --follow below 1 each frame needs all before it"):
        convert_on_ray(FrameRecipe(given.job, given.recipe, Steadiness(follow=0.2)))


@pytest.mark.slow
def test_two_workers_of_ray(painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    source = make_clip(tmp_path / "a.mp4", times=range(120))
    given = recipe(painter, Job(str(source), str(tmp_path / "out.mp4")))
    done = convert_on_ray(given, workers=2)
    assert (done.frames, done.whole) == (120, True)
    assert (tmp_path / "out.mp4").read_bytes() == alone(given, tmp_path / "alone.mp4")
    assert not list(tmp_path.glob("out.part*"))


def test_workers_know_the_time(sibling: Callable[..., Path], tmp_path: Path) -> None:
    """A clip that goes from style to style has the bytes that one process gives it."""
    export_styles([sibling(seed, name) for seed, name in enumerate(("one", "two"))], tmp_path / "many.onnx")
    source = make_clip(tmp_path / "in.mp4", times=range(70), audio=0)
    job = Job(str(source), str(tmp_path / "out.mp4"))
    given = replace(recipe(tmp_path / "many.onnx", job), morph=parse_morph("one,two"))
    join(job, iter(shared(given, loses=0.2)))
    assert (tmp_path / "out.mp4").read_bytes() == alone(given, tmp_path / "alone.mp4")
