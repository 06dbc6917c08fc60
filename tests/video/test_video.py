"""`fststyle video` on what people have: times, sound, colors, rotation, damage, interruption."""

import errno
import fcntl
import inspect
import io
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner
from video_clips import make_clip, packets, picture, rgb_frames, times_of

from fststyle.cli import app
from fststyle.commands.video import video
from fststyle.errors import FststyleError, VideoError
from fststyle.paint.blend import Blend
from fststyle.paint.controls import Controls
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.paint.morph import parse_morph
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import write_picture
from fststyle.runtime.styles import export_styles
from fststyle.video.clip import Cut
from fststyle.video.codecs import CODECS
from fststyle.video.convert import Done, Job, convert
from fststyle.video.partial import Partial
from fststyle.video.reader import VideoReader
from fststyle.video.source import opened

ROOT = Path(__file__).parents[2]


class Painter:
    """Brightens a little more with every frame, so that a frame tells how many came before it."""

    def __init__(
        self,
        *,
        stop_after: int | None = None,
        fail_after: int | None = None,
        failure: Exception | None = None,
    ) -> None:
        self.count = 0
        self._stop_after = stop_after
        self._fail_after = fail_after
        self._failure = failure or VideoError("it broke; mend it")

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.count += 1
        if self._fail_after is not None and self.count > self._fail_after:
            raise self._failure
        return rgb // 2 + np.uint8(self.count % 100)

    def stopped(self) -> bool:
        return self._stop_after is not None and self.count >= self._stop_after

    def state(self) -> Mapping[str, NDArray[Any]]:
        return {"count": np.array(self.count)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.count = int(state["count"])


class Keeper(Painter):
    """Gives back what it gets."""

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return rgb


def run(source: object, target: object, painter: Painter | None = None, **options: Any) -> Done:
    painter = painter or Keeper()
    stdin, stdout = options.pop("stdin", io.BytesIO()), options.pop("stdout", io.BytesIO())
    job = Job(str(source), str(target), **options)
    return convert(job, painter, stdin=stdin, stdout=stdout, stop=painter.stopped)


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_variable_times_sound_and_aspect_are_kept(tmp_path: Path, suffix: str, no_warnings: None) -> None:
    times = np.cumsum([0, *np.random.default_rng(1).integers(1, 90, 39)]).tolist()
    source = make_clip(
        tmp_path / f"in.{suffix}", times=times, time_base=Fraction(1, 1000), audio=2, aspect=Fraction(16, 11)
    )
    out = tmp_path / f"out.{suffix}"
    done = run(source, out)
    assert (done.frames, done.whole, done.path) == (40, True, out)
    assert times_of(out) == [Fraction(time, 1000) for time in times]
    for number in (0, 1):
        assert packets(out, "audio", number) == packets(source, "audio", number)
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert stream.sample_aspect_ratio == Fraction(16, 11)
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({source.name, out.name})


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_every_picture_keeps_its_time_and_a_cut_begins_at_its_own(tmp_path: Path, suffix: str) -> None:
    def squares(path: Path) -> list[int]:
        """Where in each frame the square of `picture` begins."""
        return [int(np.argmax(rgb[14, :, 1] > 160)) for rgb in rgb_frames(path)]

    times = np.cumsum([0, *np.random.default_rng(1).integers(20, 90, 59)]).tolist()
    source = make_clip(
        tmp_path / f"in.{suffix}",
        times=times,
        time_base=Fraction(1, 1000),
        audio=0,
        options={"crf": "1", "preset": "veryfast", "bf": "3", "g": "12"},  # frames that are stored out of order
    )
    out, cut = tmp_path / f"out.{suffix}", tmp_path / f"cut.{suffix}"
    run(source, out, crf=1)
    shown = times_of(source)
    assert times_of(out) == shown
    assert squares(out) == [2 * number % 52 for number in range(60)]
    run(source, cut, cut=Cut(start=shown[40] - shown[0]), crf=1)
    assert squares(cut) == [2 * number % 52 for number in range(40, 60)]


def test_damage_in_the_middle_costs_what_it_hits(tmp_path: Path) -> None:
    options = {"crf": "1", "preset": "ultrafast", "g": "10"}
    source = make_clip(tmp_path / "in.ts", times=range(60), audio=0, options=options)
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    source.write_bytes(data)
    with warnings.catch_warnings(record=True):
        assert 30 < run(source, tmp_path / "out.mp4").frames <= 60


def test_television_rates_stay_fractions(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", rate=Fraction(24000, 1001), audio=0)
    run(source, tmp_path / "out.mp4")
    assert times_of(tmp_path / "out.mp4") == [number * Fraction(1001, 24000) for number in range(30)]


def test_subtitles_are_kept(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", subtitles=True)
    run(source, tmp_path / "out.mkv")
    assert packets(tmp_path / "out.mkv", "subtitles") == packets(source, "subtitles")


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv444p10le"])
def test_colors_are_right(tmp_path: Path, matrix: int, full: bool, pixel_format: str) -> None:
    color = np.array([[[200, 40, 90]], [[20, 160, 220]]], np.uint8)
    flat = np.repeat(np.repeat(color, 24, axis=0), 64, axis=1)
    source = make_clip(
        tmp_path / "in.mkv",
        times=range(3),
        pictures=[flat] * 3,
        pixel_format=pixel_format,
        matrix=matrix,
        full=full,
        audio=0,
        options={"qp": "0", "preset": "ultrafast"},
    )
    run(source, tmp_path / "out.mp4", crf=1)
    shown = rgb_frames(tmp_path / "out.mp4")[1]
    for row in (10, 38):
        assert np.abs(shown[row, 30].astype(int) - flat[row, 30]).max() <= 3


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_applied_once(tmp_path: Path, rotation: int, no_warnings: None) -> None:
    aspect = Fraction(4, 3)
    source = make_clip(tmp_path / "in.mp4", rotation=rotation, audio=0, aspect=aspect)
    run(source, tmp_path / "out.mp4", crf=1)
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert frame.rotation == 0
        assert container.streams.video[0].sample_aspect_ratio == (aspect if rotation == 180 else 1 / aspect)
    with av.open(str(source)) as container:
        turned = next(container.decode(video=0)).rotation
    wanted = np.rot90(picture(0), turned // 90).astype(int)
    shown = rgb_frames(tmp_path / "out.mp4")[0]
    assert shown.shape == wanted.shape
    assert np.abs(shown - wanted).mean() < 6


def test_odd_sides_keep_their_pixels(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", size=(47, 33), pixel_format="yuv444p", audio=0)
    run(source, tmp_path / "out.mp4")
    shown = rgb_frames(tmp_path / "out.mp4")[0]
    assert shown.shape == (34, 48, 3)
    assert np.abs(shown[:33, :47].astype(int) - picture(0, 47, 33)).mean() < 6
    run(source, tmp_path / "out.mkv", codec="ffv1")
    assert rgb_frames(tmp_path / "out.mkv")[0].shape == (33, 47, 3)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_by_name(tmp_path: Path, transfer: int, name: str) -> None:
    source = make_clip(tmp_path / "in.mp4", transfer=transfer, audio=0, pixel_format="yuv420p10le")
    with pytest.raises(VideoError, match=rf"HDR \({name}\)"):
        run(source, tmp_path / "out.mp4")


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.mp4\n")
    (tmp_path / "text.mp4").write_text("hello" * 500)
    (tmp_path / "empty.mp4").touch()
    with av.open(str(tmp_path / "only.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    make_clip(tmp_path / "whole.mp4")
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:-3000])
    for name, reason in {
        "list.mp4": "is a playlist, not a video",
        "text.mp4": "cannot be read as a video",
        "empty.mp4": "is empty",
        "only.m4a": "holds audio but no moving pictures",
        "cut.mp4": "cut off",
        "none.mp4": "does not exist",
    }.items():
        with pytest.raises(VideoError, match=reason):
            run(tmp_path / name, tmp_path / "out.mp4")
    assert not list(tmp_path.glob("out*"))


def test_a_video_without_frames_is_refused(tmp_path: Path) -> None:
    make_clip(tmp_path / "whole.mkv", audio=0)
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "head.mkv").write_bytes(data[: data.index(b"\x1f\x43\xb6\x75")])  # up to the first cluster
    with pytest.raises(VideoError, match=r"no frame|cut off"):
        run(tmp_path / "head.mkv", tmp_path / "out.mp4")
    assert not list(tmp_path.glob("out*"))


def test_a_cut_off_mkv_is_painted_as_far_as_it_goes(tmp_path: Path) -> None:
    make_clip(tmp_path / "whole.mkv", times=range(60))
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) * 2 // 3])
    with pytest.warns(UserWarning, match="cut off"):
        done = run(tmp_path / "cut.mkv", tmp_path / "out.mp4")
    assert done.whole
    assert 20 < done.frames == len(times_of(tmp_path / "out.mp4")) < 60


def test_frames_that_change_their_size_get_the_first_ones(tmp_path: Path) -> None:
    small = make_clip(tmp_path / "a.ts", times=range(10), audio=0)
    large = make_clip(tmp_path / "b.ts", times=range(10, 20), audio=0, size=(96, 80))
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.warns(UserWarning, match="96×80; they are scaled"):
        done = run(tmp_path / "both.ts", tmp_path / "out.mp4")
    assert done.frames == 20
    assert {frame.shape for frame in rgb_frames(tmp_path / "out.mp4")} == {(48, 64, 3)}


def test_times_that_run_backwards_are_mended(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "a.ts", times=range(100, 110), audio=0)
    second = make_clip(tmp_path / "b.ts", times=range(10), audio=0)
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.warns(UserWarning, match="mended"):
        done = run(tmp_path / "both.ts", tmp_path / "out.mp4")
    assert done.frames == 20
    shown = times_of(tmp_path / "out.mp4")
    assert shown == sorted(set(shown))


def test_a_part_at_another_rate_and_size(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(75))
    cut = Cut(start=Fraction(1), end=Fraction(2), max_side=32, rate=Fraction(10))
    done = run(source, tmp_path / "out.mp4", cut=cut)
    assert done.frames == 10
    assert times_of(tmp_path / "out.mp4") == [Fraction(number, 10) for number in range(10)]
    assert rgb_frames(tmp_path / "out.mp4")[0].shape == (24, 32, 3)
    sound = [time for time, _ in packets(tmp_path / "out.mp4", "audio")]
    assert 0 <= sound[0] < Fraction(1, 10)
    assert Fraction(9, 10) < sound[-1] < 1


@pytest.mark.filterwarnings("ignore:.*lacks the numbers")
def test_a_folder_of_frames_and_pipes(tmp_path: Path) -> None:
    for number in (1, 2, 9, 10, 11):
        write_picture(tmp_path / f"frames/f{number}.png", picture(number))
    done = run(tmp_path / "frames", tmp_path / "out.mkv", codec="ffv1", cut=Cut(rate=Fraction(5)))
    assert done.frames == 5
    assert times_of(tmp_path / "out.mkv")[-1] == Fraction(4, 5)
    pipe = io.BytesIO()
    run(tmp_path / "frames/*.png", "-", stdout=pipe, raw_output=True)
    wanted = np.stack([picture(number) for number in (1, 2, 9, 10, 11)])
    np.testing.assert_array_equal(np.frombuffer(pipe.getvalue(), np.uint8).reshape(wanted.shape), wanted)
    y4m = io.BytesIO()
    run("-", "-", stdin=io.BytesIO(pipe.getvalue()), stdout=y4m, raw=(64, 48))
    assert y4m.getvalue().startswith(b"YUV4MPEG2 W64 H48")
    done = run("-", tmp_path / "piped.mkv", stdin=io.BytesIO(y4m.getvalue()), codec="ffv1")
    assert done.frames == 5
    shown = np.stack(rgb_frames(tmp_path / "piped.mkv")).astype(int)
    assert np.abs(shown - wanted).max() <= 6  # two roundings in YUV


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4")
    (tmp_path / "link.mp4").symlink_to(source)
    with pytest.raises(FststyleError, match="would overwrite the input"):
        run(source, tmp_path / "link.mp4")


@pytest.mark.parametrize("name", ["out.part.mp4", "out.part.old.mp4", "out.part.mp4.state"])
def test_the_input_is_never_removed(tmp_path: Path, name: str) -> None:
    source = make_clip(tmp_path / "in.mp4").rename(tmp_path / name)
    with pytest.raises(FststyleError, match=f"would overwrite the input .*{name}; choose another output"):
        run(source, tmp_path / "out.mp4", restart=True)
    assert source.exists()


class Breaking:
    """A container that cannot be read beyond its fortieth packet."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def demux(self, *streams: Any) -> Iterator[Any]:
        yield from islice(self._container.demux(*streams), 40)
        raise av.error.OSError(errno.EIO, "Input/output error")

    def seek(self, *_: object, **__: object) -> None:
        raise av.error.PermissionError(errno.EPERM, "Operation not permitted")


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def broken(path: Path) -> Iterator[Any]:
        with opened(path) as container:
            yield Breaking(container)

    monkeypatch.setattr("fststyle.video.reader.opened", broken)


def test_what_cannot_be_read_is_cut_off_there(tmp_path: Path, breaking: None) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(60), audio=0)
    with pytest.warns(UserWarning, match=r"in\.mp4 is cut off at 1\.6 s \(Input/output error\)"):
        done = run(source, tmp_path / "out.mp4")
    assert (done.whole, done.frames, len(times_of(tmp_path / "out.mp4"))) == (True, 40, 40)


def test_what_cannot_be_sought_is_read_from_its_beginning(tmp_path: Path, breaking: None) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(60), audio=0)
    with pytest.warns(UserWarning, match="cut off"):
        assert run(source, tmp_path / "out.mp4", cut=Cut(start=Fraction(1))).frames == 15


def test_standard_input_that_is_cut_off(tmp_path: Path) -> None:
    size = 64 * 48 * 3
    with pytest.warns(UserWarning, match=r"standard input is cut off at 0\.1 s"):
        done = run("-", tmp_path / "out.mp4", stdin=io.BytesIO(bytes(2 * size + 500)), raw=(64, 48))
    assert (done.whole, done.frames) == (True, 2)
    with pytest.raises(VideoError, match="not one whole frame"):
        run("-", tmp_path / "none.mp4", stdin=io.BytesIO(), raw=(64, 48))
    assert not list(tmp_path.glob("none*"))


def test_an_encoder_that_fails_is_named(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", size=(8, 8), audio=0, pictures=[np.zeros((8, 8, 3), np.uint8)] * 30)
    with pytest.raises(VideoError, match=r"libx265 fails at 8×8 .*; choose another --codec"):
        run(source, tmp_path / "out.mp4", codec="hevc")
    with pytest.raises(VideoError, match=r"FFmpeg cannot convert .*in\.mp4 \(lost\); make an H\.264 video"):
        run(source, tmp_path / "out.mp4", Painter(fail_after=0, failure=av.error.ExternalError(-542398533, "lost")))
    assert not list(tmp_path.glob("out*"))


def test_names_with_a_colon_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_clip(tmp_path / "in.mp4").rename(tmp_path / "2024-11-28T12:30.mp4")
    monkeypatch.chdir(tmp_path)
    assert run("2024-11-28T12:30.mp4", "28T12:31.mp4").whole
    assert len(times_of(tmp_path / "28T12:31.mp4")) == 30


def test_windows_writes_through_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY

    def finish(partial: Partial) -> None:
        assert inspect.getgeneratorstate(handed[-1]) == inspect.GEN_CLOSED
        real(partial)

    source, handed, real, earlier = make_clip(tmp_path / "in.mp4", times=range(80)), [], Partial.finish, Partial.earlier
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Partial, "finish", finish)
    monkeypatch.setattr(Partial, "earlier", lambda partial: handed.append(earlier(partial)) or handed[-1])
    run(source, tmp_path / "out.mp4", Painter(stop_after=60))
    assert (tmp_path / "out.part.mp4").stat().st_ino in synced
    assert run(source, tmp_path / "out.mp4", Painter(), resume=True).resumed == 50
    assert (tmp_path / "out.mp4").stat().st_ino in synced
    assert len(handed) == 2


def test_options_that_would_do_nothing_are_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4")
    with pytest.raises(VideoError, match=r"at 64×48 pixels, not 32×24; say --raw 64x48"):
        run(source, "-", raw=(32, 24), raw_output=True)
    run(source, "-", raw=(32, 24), raw_output=True, cut=Cut(max_side=32))
    with pytest.raises(ValueError, match="leave --raw out"):
        Job("in.mp4", "out.mp4", raw=(64, 48))
    for unheard in ({"resume": True}, {"restart": True}):
        with pytest.raises(ValueError, match="leave --resume and --restart out"):
            Job("in.mp4", "-", **unheard)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="--resume goes on with what --restart throws away; leave one of them out"):
        Job("in.mp4", "out.mp4", resume=True, restart=True)
    with pytest.raises(ValueError, match="ffv1 loses nothing"):
        Job("in.mp4", "out.mkv", codec="ffv1", crf=20)


def test_a_cut_that_leaves_nothing_says_so(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4")
    with pytest.raises(VideoError, match=r"in\.mp4 ends at 1\.2 s, before --start"):
        run(source, tmp_path / "out.mp4", cut=Cut(start=Fraction(120)))
    with pytest.raises(VideoError, match="no frame between --start and --end"):
        run(source, tmp_path / "out.mp4", cut=Cut(start=Fraction(501, 1000), end=Fraction(502, 1000)))
    with pytest.raises(VideoError, match=r"standard input ends at 0\.1 s, before --start"):
        run("-", tmp_path / "out.mp4", stdin=io.BytesIO(bytes(3 * 192)), raw=(8, 8), cut=Cut(start=Fraction(9)))


def test_an_interrupted_run_from_standard_input_is_told_to_begin_again(tmp_path: Path) -> None:
    pixels = bytes(60 * 64 * 48 * 3)
    done = run("-", tmp_path / "out.mp4", Painter(stop_after=55), stdin=io.BytesIO(pixels), raw=(64, 48))
    assert not done.whole
    with pytest.raises(VideoError, match=r"interrupted run; send everything again, with --restart$"):
        run("-", tmp_path / "out.mp4", stdin=io.BytesIO(pixels), raw=(64, 48))
    assert run("-", tmp_path / "out.mp4", stdin=io.BytesIO(pixels), raw=(64, 48), restart=True).frames == 60


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_an_interrupted_run_plays_and_goes_on_to_the_same_frames(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(130), audio=2)
    run(source, tmp_path / f"unbroken.{suffix}", Painter())
    out = tmp_path / f"out.{suffix}"
    done = run(source, out, Painter(stop_after=60))
    assert (done.whole, done.frames, done.path) == (False, 60, tmp_path / f"out.part.{suffix}")
    assert len(times_of(tmp_path / f"out.part.{suffix}")) == 60
    assert not out.exists()
    with pytest.raises(VideoError, match="--resume"):
        run(source, out, Painter())
    with pytest.raises(VideoError, match="was made with crf 19, not 30;"):
        run(source, out, Painter(), resume=True, crf=30)
    done = run(source, out, Painter(stop_after=90), resume=True)
    assert (done.resumed, done.frames, done.whole) == (50, 90, False)
    done = run(source, out, Painter(), resume=True)
    assert (done.resumed, done.frames, done.whole) == (75, 130, True)
    assert packets(out, "video") == packets(tmp_path / f"unbroken.{suffix}", "video")
    for number in (0, 1):
        assert packets(out, "audio", number) == packets(tmp_path / f"unbroken.{suffix}", "audio", number)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", f"unbroken.{suffix}", out.name}


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_what_an_encoder_with_other_options_made_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    source, out = make_clip(tmp_path / "in.mp4", times=range(60)), tmp_path / f"out.{suffix}"
    now = CODECS["h264"]
    older = replace(now, options=(("preset", "veryfast"), *now.options[1:]))
    for before, said in ((older, "another encoder"), (replace(now, crf=18), "crf 18, not 19")):
        monkeypatch.setitem(CODECS, "h264", before)
        run(source, out, Painter(stop_after=55), restart=True)
        monkeypatch.undo()
        with pytest.raises(
            VideoError, match=f"was made with {said}; give the same again, or start anew with --restart$"
        ):
            run(source, out, Painter(), resume=True)
    run(source, out, Painter(), restart=True)
    run(source, tmp_path / f"unbroken.{suffix}", Painter())
    assert packets(out, "video") == packets(tmp_path / f"unbroken.{suffix}", "video")


def test_what_was_painted_before_an_error_is_kept(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(60))
    with pytest.raises(VideoError, match="it broke"):
        run(source, tmp_path / "out.mp4", Painter(fail_after=40))
    assert len(times_of(tmp_path / "out.part.mp4")) == 40


def test_the_help_names_the_default_qualities() -> None:
    said = inspect.signature(video).parameters["crf"].annotation.__metadata__[0].help
    assert said.endswith(f"Default: {CODECS['h264'].crf}, for hevc {CODECS['hevc'].crf}.")


def start(*arguments: object, cwd: Path, **options: Any) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fststyle", "video", *map(str, arguments)]
    return subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, **options)


def test_the_command_tells_events_and_stops_at_a_signal(identity: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(2000))
    process = start(identity, source, "out.mp4", "--json", cwd=tmp_path)
    assert process.stderr is not None
    begin = json.loads(process.stderr.readline())
    assert (begin["event"], begin["frames"], begin["resumed"]) == ("begin", 2000, 0)
    json.loads(process.stderr.readline())
    process.send_signal(signal.SIGTERM)
    last = json.loads(process.stderr.read().splitlines()[-1])
    assert process.wait(60) == 128 + signal.SIGTERM
    assert last["event"] == "interrupted"
    assert len(times_of(tmp_path / "out.part.mp4")) == last["frames"] > 0


def test_errors_are_events_too_and_options_arrive(
    identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []
    functions: list[Any] = []

    def fail(job: Job, function: Any, **_: object) -> None:
        jobs.append(job)
        functions.append(function)
        raise VideoError("it broke; mend it")

    monkeypatch.setattr("fststyle.video.convert.convert", fail)
    arguments = ["video", str(identity), "in.mp4", "out.mp4", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, jobs[0].identity["layout"]) == (1, "rgb1")
    assert json.loads(result.stderr) == {"event": "error", "message": "it broke; mend it"}
    result = CliRunner().invoke(app, [*arguments, "--start", "soon"])
    assert (result.exit_code, json.loads(result.stderr)["event"]) == (1, "error")
    options = "--start 1 --end 2 --max-side 32 --fps 10 --codec hevc --crf 30 --follow 0.1 --carry 0"
    CliRunner().invoke(app, [*arguments, *options.split(), "--strength", "0.5", "--keep-color"])
    assert jobs[-1].cut == Cut(Fraction(1), Fraction(2), 32, Fraction(10))
    assert (jobs[-1].codec, jobs[-1].crf) == ("hevc", 30)
    assert functions[-1].steadiness == Steadiness(0.1, 0)
    assert functions[-1].controls == Controls(strength=0.5, keep_color=True, grain=0, passes=1)
    write_picture(tmp_path / "mask.png", np.full((4, 6, 3), 51, np.uint8))
    options = f"--scale 2 --grain 5 --mask {tmp_path / 'mask.png'}"
    CliRunner().invoke(app, [*arguments, *options.split()])
    controls = functions[-1].controls
    assert (controls.scale, controls.grain) == (2, 5)
    np.testing.assert_array_equal(controls.mask, np.full((4, 6), 51))
    assert [jobs[-1].identity[name] for name in ("scale", "grain")] == [2, 5]
    assert jobs[-1].identity["mask"] != jobs[0].identity["mask"] is None


def test_a_masked_clip_is_painted_where_the_mask_is_white_and_goes_on_with_that_mask(
    assets: dict[str, Any], save: Callable[..., Path], tmp_path: Path
) -> None:
    black = save(assets["gain_model"](0.0), name="black.onnx")
    source = make_clip(tmp_path / "in.mp4", times=range(60), audio=0)
    sides = rgb_frames(source)[0].shape[:2]
    left = np.zeros((*sides, 3), np.uint8)
    left[:, : sides[1] // 2] = 255
    for name, mask in (("left", left), ("right", 255 - left)):
        write_picture(tmp_path / f"{name}.png", mask)
    arguments = ["video", str(black), str(source), str(tmp_path / "out.mkv"), "--codec", "ffv1"]
    result = CliRunner().invoke(app, [*arguments, "--mask", str(tmp_path / "left.png")])
    assert result.exit_code == 0, result.output
    painted, frames = (np.array(rgb_frames(path)).astype(int) for path in (tmp_path / "out.mkv", source))
    half = sides[1] // 2
    assert painted[:, :, : half - 2].max() <= 3
    assert np.abs(painted[:, :, half + 2 :] - frames[:, :, half + 2 :]).mean() < 3
    turned = make_clip(tmp_path / "turned.mp4", times=range(2), audio=0, rotation=90)
    result = CliRunner().invoke(
        app, ["video", str(black), str(turned), *arguments[3:], "--mask", str(tmp_path / "left.png")]
    )
    assert result.exit_code == 0, result.output
    shown = rgb_frames(tmp_path / "out.mkv")[0]
    assert shown.shape[:2] == sides[::-1]
    assert shown[:, : sides[0] // 2 - 2].max() <= 3 < shown[:, sides[0] // 2 + 2 :].mean()
    Partial(tmp_path / "out.mkv", {"mask": "another"}).remember(1, {})
    result = CliRunner().invoke(app, [*arguments, "--mask", str(tmp_path / "right.png"), "--resume"])
    assert result.exit_code == 1
    assert " mask " in result.output


def test_a_full_disk_is_one_line_and_what_is_there_plays(identity: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    pictures = (noise.integers(0, 256, (120, 160, 3), np.uint8) for _ in range(150))
    source = make_clip(
        tmp_path / "in.mp4", times=range(150), size=(160, 120), pictures=pictures, audio=0, options={"crf": "30"}
    )
    limit = source.stat().st_size
    process = start(
        identity,
        source,
        "out.mp4",
        "--crf",
        "30",
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit // 2, limit // 2)),
    )
    _, message = process.communicate(timeout=120)
    assert process.returncode == 1
    assert message.decode().startswith("error: the disk is full: ")
    assert message.count(b"\n") == 1
    assert len(times_of(tmp_path / "out.part.mp4")) >= 25
    process = start(identity, source, "out.mp4", "--crf", "30", "--resume", cwd=tmp_path)
    _, message = process.communicate(timeout=120)
    assert process.returncode == 0, message.decode()
    assert len(times_of(tmp_path / "out.mp4")) == 150


@pytest.mark.slow
def test_kill_minus_9_at_twenty_moments(identity: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(1500), size=(320, 240))
    process = start(identity, source, "unbroken.mp4", cwd=tmp_path)
    begun = time.monotonic()
    process.communicate(timeout=600)
    whole = time.monotonic() - begun
    moments = random.Random(0)
    for _ in range(20):
        events = start(identity, source, "out.mp4", "--json", cwd=tmp_path)
        time.sleep(moments.uniform(0.1, 0.95) * whole)
        events.kill()
        _, said = events.communicate()
        told = [json.loads(line) for line in said.splitlines()]
        frames = max((event.get("frames", 0) for event in told if event["event"] == "progress"), default=0)
        if (tmp_path / "out.part.mp4").exists() and frames > 100:
            assert len(times_of(tmp_path / "out.part.mp4")) >= frames - 75
        resumed = start(identity, source, "out.mp4", "--resume", cwd=tmp_path)
        _, message = resumed.communicate(timeout=600)
        assert resumed.returncode == 0, message.decode()
        assert packets(tmp_path / "out.mp4", "video") == packets(tmp_path / "unbroken.mp4", "video")
        assert packets(tmp_path / "out.mp4", "audio") == packets(source, "audio")
        (tmp_path / "out.mp4").unlink()


def test_frames_are_read_with_their_pixels_only_where_wanted(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(5), audio=0)
    with VideoReader(source, Cut()) as reader:
        frames = list(reader.items(lambda number: number >= 3))
    assert [frame.rgb is None for frame in frames] == [True] * 3 + [False] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize("other", ["two.onnx", "great_wave_tiny"])
def test_a_blend_paints_a_clip(sibling: Callable[..., Path], tmp_path: Path, other: str) -> None:
    """Of one body as one network, of others by their pixels; what was begun with other weights is not continued."""
    one, two = sibling(1, "one"), sibling(2, "two")
    assert two.name == "two.onnx"
    network = str(two) if other == two.name else other
    source = make_clip(tmp_path / "in.mp4", times=range(3), audio=0)
    target = tmp_path / "out.mkv"
    options = [str(source), "-o", str(target), "--codec", "ffv1", "--carry", "0"]
    result = CliRunner().invoke(app, ["video", "--blend", f"{one}:1,{network}:3", *options])
    assert result.exit_code == 0, result.output
    blend = Blend.load({one: 1, network: 3})
    expected = [blend(frame, passes=1).astype(int) for frame in rgb_frames(source)]
    assert np.abs(np.array(rgb_frames(target)) - expected).mean() < 3
    Partial(target, {"network": "another"}).remember(1, {})
    result = CliRunner().invoke(app, ["video", "--blend", f"{one}:2,{network}:3", *options, "--resume"])
    assert (result.exit_code, " network " in result.output) == (1, True)


def test_words_beside_a_blend(sibling: Callable[..., Path], tmp_path: Path) -> None:
    both = f"{sibling(1, 'one')}:1,{sibling(2, 'two')}:1"
    for words, said in (
        (["udnie", "in.mp4"], "--blend names the networks already; leave udnie out"),
        (["in.mp4", "out.mp4", "more.mp4"], "leave more.mp4 out"),
        (["in.mp4"], "-o painted.mp4"),
    ):
        result = CliRunner().invoke(app, ["video", "--blend", both, *words])
        assert result.exit_code in (1, 2)
        assert said in result.stderr
    result = CliRunner().invoke(app, ["video", "udnie"])
    assert (result.exit_code, "name the video after the network" in result.stderr) == (2, True)


@pytest.mark.parametrize("morph", ["one,two", "one:0.4,two:1.6"])
def test_a_morph_goes_on_where_it_was_interrupted(sibling: Callable[..., Path], tmp_path: Path, morph: str) -> None:
    """By the time of each frame, to the same bytes as in one run; another morph is another run."""
    export_styles([sibling(seed, name) for seed, name in enumerate(("one", "two"))], tmp_path / "many.onnx")
    source = make_clip(tmp_path / "in.mp4", times=sorted(random.Random(2).sample(range(600), 60)), audio=0)
    stylizer, changes = Stylizer(tmp_path / "many.onnx", threads=1), parse_morph(morph)
    identity = {"morph": morph}

    def painter() -> FrameStylizer:
        return FrameStylizer(stylizer, Steadiness(carry=0.2), Controls(passes=1), changes)

    def go(target: str, stop_after: int = 999, **more: Any) -> Done:
        count = iter(range(999))
        job = Job(str(source), str(tmp_path / target), identity=more.pop("identity", identity), **more)
        stop = lambda: next(count) >= stop_after  # noqa: E731
        return convert(job, painter(), stdin=io.BytesIO(), stdout=io.BytesIO(), stop=stop)

    assert go("whole.mp4").whole
    assert not go("out.mp4", 40).whole
    with pytest.raises(VideoError, match=r"was made with morph .*, not two,one;"):
        go("out.mp4", resume=True, identity={"morph": "two,one"})
    assert go("out.mp4", resume=True).resumed > 0
    assert packets(tmp_path / "out.mp4", "video") == packets(tmp_path / "whole.mp4", "video")
    frames, painted = rgb_frames(source), rgb_frames(tmp_path / "whole.mp4")
    for number, name in ((0, "one"), (-1, "two")):
        near, far = (
            np.abs(painted[number].astype(int) - stylizer(frames[number], mix=mix, passes=1)).mean()
            for mix in (name, {"one": "two", "two": "one"}[name])
        )
        assert near < far / 2


def test_a_morph_at_the_command_line(sibling: Callable[..., Path], tmp_path: Path) -> None:
    one = sibling(0, "one")
    export_styles([one, sibling(1, "two")], tmp_path / "many.onnx")
    source = make_clip(tmp_path / "in.mp4", times=range(3), audio=0)
    target = tmp_path / "out.mp4"
    for network, options, said in (
        (one, ["--morph", "one,two"], "has one style, so there is nothing to mix"),
        (tmp_path / "many.onnx", ["--morph", "one,three"], "it has one, two"),
        (tmp_path / "many.onnx", ["--morph", "one"], "a morph reads like wave,udnie"),
        (tmp_path / "many.onnx", ["--morph", "one,two", "--mix", "one"], "leave the mix out"),
    ):
        result = CliRunner().invoke(app, ["video", str(network), str(source), str(target), *options])
        assert (result.exit_code, said in result.stderr, result.stderr.count("\n")) == (1, True, 1)
        assert not target.exists()
    result = CliRunner().invoke(
        app, ["video", str(tmp_path / "many.onnx"), str(source), str(target), "--morph", "one,two"]
    )
    assert result.exit_code == 0, result.output
    assert len(rgb_frames(target)) == 3
    late = ["video", str(tmp_path / "many.onnx"), str(source), str(target), "--morph", "one:0,two:60"]
    result = CliRunner().invoke(app, late)
    assert (result.exit_code, result.stderr.count("\n")) == (0, 2), result.stderr
    assert re.search(r"warning: the video ends at \S+ s, before the morph reaches two at 60 s", result.stderr)
    piped = [*late[:2], "-", str(tmp_path / "piped.mp4"), "--raw", "64x48", *late[-2:]]
    result = CliRunner().invoke(app, piped, input=bytes(5 * 64 * 48 * 3))  # how long it is comes out at its end
    assert (result.exit_code, result.stderr.count("\n")) == (0, 2), result.stderr
    assert "warning: the video ends at 0.16 s, before the morph reaches two at 60 s" in result.stderr
