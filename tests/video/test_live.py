"""A camera that is painted live: the newest picture counts, and the clock is kept."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from video_clips import make_clip, picture

from fststyle.errors import VideoError
from fststyle.video import camera as cameras
from fststyle.video.camera import Camera
from fststyle.video.live import Counts, run_live
from fststyle.video.virtual_camera import ReaderGoneError, VirtualCamera, sink_for

Pixels = NDArray[np.uint8]
Python = Callable[..., CompletedProcess[bytes]]
ROOT = Path(__file__).parents[2]
IDENTITY = ROOT / "tests" / "assets" / "identity.onnx"


class Clock:
    """Time that passes only where somebody waits or works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class FakeCamera:
    """A picture every `period` seconds; its number is in its pixels."""

    def __init__(self, clock: Clock, period: float, pictures: int) -> None:
        self._clock, self._period, self._pictures = clock, period, pictures
        self._start = clock()
        self._given = -1
        self.taken = 0

    def next(self, stop: Callable[[], bool] = lambda: False) -> Pixels | None:
        newest = int((self._clock() - self._start) / self._period + 1e-9)
        if newest <= self._given:
            newest = self._given + 1
            self._clock.sleep(max(0.0, self._start + newest * self._period - self._clock()))
        if newest >= self._pictures or stop():
            return None
        self._given, self.taken = newest, newest + 1
        return np.full((2, 2, 3), newest % 256, np.uint8)


class Sink:
    def __init__(self, *, holds: bool = False, breaks_at: int | None = None) -> None:
        self.name, self.holds, self.closed = "sink", holds, False
        self.shown: list[int] = []
        self._breaks_at = breaks_at

    def send(self, rgb: Pixels) -> None:
        if len(self.shown) == self._breaks_at:
            raise ReaderGoneError
        self.shown.append(int(rgb[0, 0, 0]))

    def close(self) -> None:
        self.closed = True


def go(sink: Sink, *, paints: float, pictures: int = 50, rate: int = 25, **options: Any) -> Counts:
    clock = Clock()
    camera = FakeCamera(clock, 1 / 25, pictures)

    def paint(rgb: Pixels) -> Pixels:
        clock.sleep(paints)
        return rgb

    return run_live(camera, paint, sink, Fraction(rate), clock=clock, sleep=clock.sleep, **options)


def test_who_is_fast_enough_paints_every_picture_once() -> None:
    sink = Sink()
    counts = go(sink, paints=0.01)
    assert sink.shown == list(range(50))
    assert (counts.painted, counts.dropped, counts.gone) == (50, 0, False)
    assert counts.fps == pytest.approx(25, abs=1)
    assert counts.delay == pytest.approx(0.01)
    assert sink.closed


def test_who_is_slow_drops_pictures_and_keeps_the_clock() -> None:
    """Ten paintings a second of 25 pictures: each stands for two or three ticks, as long as it is the newest."""
    sink = Sink()
    counts = go(sink, paints=0.1)
    assert counts.painted == pytest.approx(20, abs=2)
    assert counts.dropped == pytest.approx(30, abs=3)
    assert len(sink.shown) == pytest.approx(50, abs=3)  # two seconds are two seconds
    assert sink.shown == sorted(sink.shown)
    assert max(np.bincount(sink.shown)) <= 3


def test_a_camera_that_holds_its_picture_gets_it_once() -> None:
    sink = Sink(holds=True)
    counts = go(sink, paints=0.1)
    assert len(sink.shown) == len(set(sink.shown)) == counts.painted


def test_a_faster_output_repeats_pictures() -> None:
    sink = Sink()
    go(sink, paints=0.001, rate=50)
    assert len(sink.shown) == pytest.approx(100, abs=3)


def test_after_a_long_gap_the_clock_begins_anew() -> None:
    clock, sink = Clock(), Sink()
    camera = FakeCamera(clock, 1 / 25, 2000)
    waits = iter([0.01] * 10 + [60.0] + [0.01] * 10)

    def paint(rgb: Pixels) -> Pixels:
        clock.sleep(next(waits))
        return rgb

    counts = run_live(
        camera,
        paint,
        sink,
        Fraction(25),
        clock=clock,
        sleep=clock.sleep,
        stop=lambda: len(sink.shown) >= 15,
    )
    assert len(sink.shown) <= 16
    assert counts.dropped > 1400


def test_a_slow_network_keeps_the_clock() -> None:
    clock, sink = Clock(), Sink()

    def paint(rgb: Pixels) -> Pixels:
        clock.sleep(3.0)
        return rgb

    run_live(FakeCamera(clock, 1 / 25, 2000), paint, sink, Fraction(25), clock=clock, sleep=clock.sleep, seconds=30)
    assert 25 * 24 <= len(sink.shown) <= 25 * 30


def test_it_ends_when_it_is_told_to() -> None:
    sink = Sink()
    assert go(sink, paints=0.01, pictures=10**6, seconds=1.0).seconds == pytest.approx(1.0, abs=0.1)
    assert sink.closed
    told: list[Counts] = []
    counts = go(Sink(), paints=0.01, stop=lambda: len(told) == 3, told=told.append)
    assert counts.painted == 3
    assert [each.painted for each in told] == [1, 2, 3]


def test_a_reader_that_goes_is_no_error() -> None:
    counts = go(Sink(breaks_at=5), paints=0.01)
    assert counts.gone
    assert counts.painted == 6


def test_a_file_plays_like_a_camera(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", times=range(8), audio=0)
    with Camera(str(path)) as camera:
        assert (camera.width, camera.height, camera.rate) == (64, 48, 25)
        seen = []
        while (rgb := camera.next()) is not None:
            seen.append(rgb)
        assert camera.taken == 8
    assert 1 <= len(seen) <= 8
    assert np.abs(seen[-1].astype(int) - picture(7)).mean() < 8


def test_sides_are_even_and_a_mirror_is_one(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", times=range(1), size=(65, 49), codec="ffv1", pixel_format="bgr0", options={})
    with (
        Camera(str(path)) as plain,
        Camera(str(path), mirror=True) as mirrored,
        Camera(str(path), max_side=33) as small,
    ):
        assert (plain.width, plain.height) == (64, 48)
        assert (small.width, small.height) == (32, 24)
        one, other = plain.next(), mirrored.next()
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one, other[:, ::-1])


def test_there_is_no_such_camera(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(VideoError, match="there is no camera 97, or it may not be used; plug one in"):
        Camera("97")
    with pytest.raises(VideoError, match="there is no /dev/video97; list the cameras"):
        Camera("/dev/video97")
    with pytest.raises(VideoError, match=r"a\.mp4 does not exist"):
        Camera(str(tmp_path / "a.mp4"))
    (tmp_path / "b.mp4").write_bytes(b"junk")
    with pytest.raises(VideoError, match=r"b\.mp4 cannot be read as a video"):
        Camera(str(tmp_path / "b.mp4"))
    assert capfd.readouterr().err == ""


class Capture:
    """What OpenCV gives for a camera; it vanishes after some pictures."""

    asked: dict[int, float]

    def __init__(self, _: object, pictures: int = 3) -> None:
        self._left = pictures
        Capture.asked = {}

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def get(self, _: int) -> float:
        return 0.0

    def set(self, key: int, value: float) -> None:
        Capture.asked[key] = value

    def read(self) -> tuple[bool, Any]:
        self._left -= 1
        return (True, np.full((480, 640, 3), (10, 20, 30), np.uint8)) if self._left >= 0 else (False, None)

    def release(self) -> None: ...


def test_a_camera_that_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    with Camera("0", (640, 480)) as camera:
        assert Capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 640
        assert camera.rate == 30
        rgb = camera.next()
        assert rgb is not None
        assert tuple(rgb[0, 0]) == (30, 20, 10)
        with pytest.raises(VideoError, match="camera 0 has gone after 3 pictures; check its cable"):
            [camera.next() for _ in range(4)]


def test_a_camera_that_hangs_or_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Capture(_, 0))
    with pytest.raises(VideoError, match="camera 0 gives no picture; check that no other program uses it"):
        Camera("0")
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(cameras, "_PATIENCE", 0.1)
    camera = Camera("0")  # its thread does not run
    assert camera.next() is not None
    with pytest.raises(VideoError, match="camera 0 gives no pictures any more"):
        camera.next()
    assert camera.next(lambda: True) is None


class Memory:
    """A backend of pyvirtualcam that keeps what is sent."""

    sent: list[tuple[int, ...]]

    def __init__(self, *, width: int, height: int, device: str | None, **_: Any) -> None:
        self.size, self._device = (width, height), device
        Memory.sent = []

    def send(self, frame: Pixels) -> None:
        Memory.sent.append(frame.shape)

    def device(self) -> str:
        return self._device or "memory"

    def native_fourcc(self) -> None:
        return None

    def close(self) -> None: ...


def test_a_virtual_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """By pyvirtualcam itself, with a backend that needs no driver."""
    with pytest.raises(VideoError, match=r"a file is no virtual camera; to record: .* ffmpeg -i - out\.mp4"):
        sink_for("out.mp4", sys.stdout.buffer, 64, 48, Fraction(30))
    pyvirtualcam: Any = pytest.importorskip("pyvirtualcam.camera")
    monkeypatch.setattr(pyvirtualcam, "BACKENDS", {"memory": Memory})
    sink = sink_for("/dev/video10", sys.stdout.buffer, 64, 48, Fraction(30))
    assert (sink.name, sink.holds) == ("/dev/video10", True)
    sink.send(np.zeros((48, 64, 3), np.uint8))
    sink.close()
    assert [int(np.prod(shape)) for shape in Memory.sent] == [48 * 64 * 3]
    monkeypatch.setattr(pyvirtualcam, "BACKENDS", {})
    with pytest.raises(
        VideoError, match=r"there is no virtual camera .*modprobe v4l2loopback.*; or write y4m .* -o -$"
    ):
        VirtualCamera(64, 48, Fraction(30))


def test_as_y4m(tmp_path: Path, run_python: Python) -> None:
    make_clip(tmp_path / "a.mp4", times=range(10), audio=0)
    arguments = ("-m", "fststyle", "live", IDENTITY, "--camera", "a.mp4", "-o", "-", "--carry", "0", "--json")
    done = run_python(*arguments)
    assert done.returncode == 0, done.stderr
    begin, *_, end = [json.loads(line) for line in done.stderr.splitlines()]
    assert begin == {"event": "begin", "width": 64, "height": 48, "fps": 25.0, "output": "standard output"}
    assert end["painted"] + end["dropped"] == 10
    (tmp_path / "out.y4m").write_bytes(done.stdout)
    with av.open(str(tmp_path / "out.y4m")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (64, 48, 25)
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(frames) >= end["painted"]
    assert np.abs(frames[-1].astype(int) - picture(9)).mean() < 8


def start(tmp_path: Path) -> subprocess.Popen[bytes]:
    make_clip(tmp_path / "long.mp4", times=range(500), audio=0)
    command = [sys.executable, "-m", "fststyle", "live", IDENTITY, "--camera", "long.mp4", "-o", "-", "--carry", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.skipif(os.name != "posix", reason="signals of Unix")
def test_ctrl_c_is_the_way_to_end_it(tmp_path: Path) -> None:
    with start(tmp_path) as running:
        assert running.stdout is not None
        running.stdout.read(20_000)  # it has begun
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 0, told
    last = told.decode().splitlines()[-1]
    assert " pictures in " in last
    assert last.endswith(" dropped")


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    with start(tmp_path) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(20_000)
        running.stdout.close()
        told = running.stderr.read().decode()
    assert running.returncode == 0, told
    assert told.splitlines()[-1].endswith("; the reader has gone")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--camera", "98"], "there is no camera 98"),
        (["--size", "big"], "--size takes WIDTHxHEIGHT"),
        (["--fps", "fast"], "fast"),
        (["--camera", "nowhere.mp4"], "nowhere.mp4 does not exist"),
    ],
)
def test_mistakes_are_one_line(run_python: Python, options: list[str], words: str) -> None:
    done = run_python("-m", "fststyle", "live", IDENTITY, "-o", "-", *options)
    assert (done.returncode, done.stdout) == (1, b"")
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
