"""The shape of pixels, through every codec into every container."""

import zlib
from fractions import Fraction
from pathlib import Path

import av
import pytest
from test_video import Painter, run
from video_clips import make_clip, rgb_frames

from fststyle.video.codecs import CODECS
from fststyle.video.display_size import say_pixel_aspect

TARGETS = [(codec, suffix) for codec in CODECS for suffix in ("mp4", "m4v", "mov", "mkv") if codec != "ffv1"]


def aspect_of(path: Path) -> Fraction | None:
    with av.open(str(path)) as container:
        return container.streams.video[0].sample_aspect_ratio


@pytest.mark.parametrize(("codec", "suffix"), [*TARGETS, ("ffv1", "mkv")])
@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(8, 9), Fraction(10, 11), Fraction(2)])
def test_the_shape_of_pixels_is_kept(tmp_path: Path, codec: str, suffix: str, aspect: Fraction) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(3), audio=0, aspect=aspect)
    out = tmp_path / f"out.{suffix}"
    run(source, out, codec=codec)
    assert aspect_of(out) == aspect
    assert len(rgb_frames(out)) == 3


@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(101, 100), Fraction(1, 3)])
@pytest.mark.parametrize("size", [(64, 48), (720, 576), (47, 33)])
def test_a_matroska_file_stays_whole(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    source = make_clip(
        tmp_path / "in.mkv", times=range(3), aspect=aspect, size=size, pixel_format="yuv444p", subtitles=True
    )
    run(source, tmp_path / "out.mkv", codec="ffv1")
    assert aspect_of(tmp_path / "out.mkv") == aspect
    data = (tmp_path / "out.mkv").read_bytes()
    tracks = bytes.fromhex("1654AE6B")
    begin = data.index(tracks, data.index(tracks) + 4) + 4  # the first only says where the second is
    content = data.index(b"\xbf\x84", begin)
    end = content + (int.from_bytes(data[begin:content], "big") & ((1 << 7 * (content - begin)) - 1))
    assert zlib.crc32(data[content + 6 : end]) == int.from_bytes(data[content + 2 : content + 6], "little")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "subtitle"]


def test_a_checksum_is_no_track(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "in.mkv", times=range(3), aspect=Fraction(101, 100), size=(720, 576))
    run(path, tmp_path / "out.mkv", codec="ffv1")
    data = bytearray((tmp_path / "out.mkv").read_bytes())
    checksum = data.index(b"\xbf\x84", data.rindex(bytes.fromhex("1654AE6B"))) + 2
    data[checksum : checksum + 4] = bytes.fromhex("E0CF5B1F")  # it may begin as the description of a video does
    (tmp_path / "out.mkv").write_bytes(data)
    say_pixel_aspect(tmp_path / "out.mkv", 720, 576, Fraction(64, 45))
    assert aspect_of(tmp_path / "out.mkv") == Fraction(64, 45)


def test_the_shape_is_there_after_an_interruption(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(60), audio=0, aspect=Fraction(16, 11))
    done = run(source, tmp_path / "out.mkv", Painter(stop_after=30), codec="ffv1")
    assert done.path is not None
    assert aspect_of(done.path) == Fraction(16, 11)
    run(source, tmp_path / "out.mkv", codec="ffv1", resume=True)
    assert aspect_of(tmp_path / "out.mkv") == Fraction(16, 11)
