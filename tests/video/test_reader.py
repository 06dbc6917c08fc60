"""What is read of a video: every frame, at its time, upright, from wherever it is to begin."""

import gc
import subprocess
import sys
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from numpy.typing import NDArray
from video_clips import frames, make_clip, picture, read, squares, times, times_of

from fststyle.errors import VideoError
from fststyle.video.clip import Cut
from fststyle.video.reader import VideoReader
from fststyle.video.span import Span

B_FRAMES = {"crf": "1", "preset": "veryfast", "bf": "3", "g": "50"}
MPEG2 = {"codec": "mpeg2video", "options": {"bf": "2", "g": "50", "b": "4M"}, "sound": "mp2"}


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def begins(packet: "av.Packet[Any]") -> Fraction:
    assert packet.pts is not None
    return Fraction(packet.pts * packet.time_base)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts", "nut"])
@pytest.mark.parametrize("count", [2, 30])
def test_no_frame_is_lost_behind_sound(tmp_path: Path, suffix: str, count: int, no_warnings: None) -> None:
    source = make_clip(tmp_path / f"in.{suffix}", times=range(count), sound_first=True, options=B_FRAMES)
    assert squares(frames(source)) == [2 * number % 52 for number in range(count)]


def test_no_frame_is_lost_behind_subtitles(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", sound_first=True, audio=2, subtitles=True, options=B_FRAMES)
    assert len(frames(source)) == len(times_of(source)) == 30


def test_the_frames_before_a_torn_packet_are_kept(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", times=range(50), audio=0, options=B_FRAMES)
    source.write_bytes(source.read_bytes()[:-1500])  # in the middle of a frame
    with av.open(str(source)) as container:
        whole = sum(1 for packet in container.demux(video=0) if packet.size and not packet.is_corrupt)
    with pytest.warns(UserWarning, match="cut off"):
        assert len(frames(source)) == whole > 30


@pytest.mark.parametrize("start", ["0.5", "1.01", "2.9"])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mkv", {}), ("mp4", {}), ("ts", {}), ("flv", {}), ("nut", {}), ("avi", MPEG2), ("mpg", MPEG2), ("ts", MPEG2)],
)
def test_a_part_is_what_the_whole_has_there(
    tmp_path: Path, suffix: str, codec: dict[str, Any], start: str, no_warnings: None
) -> None:
    source = make_clip(tmp_path / f"in.{suffix}", times=range(100), **({"options": B_FRAMES} | codec))
    clip, whole, sound = read(source)
    cut = Cut(Fraction(start), Fraction("3.5"))
    cut_clip, part, cut_sound = read(source, cut)
    assert cut.start is not None
    wanted = [frame for frame in whole if cut.start <= frame.pts * clip.time_base < Fraction("3.5")]
    shift = Fraction(1, 1000)  # a container may count milliseconds
    for frame, one in zip(part, wanted, strict=True):
        assert abs(frame.pts * cut_clip.time_base + cut.start - one.pts * clip.time_base) <= shift
        np.testing.assert_array_equal(frame.rgb, one.rgb)
    heard = [packet for packet in sound if cut.start <= begins(packet) < Fraction("3.5")]
    assert [bytes(packet) for packet in cut_sound] == [bytes(packet) for packet in heard]
    for packet, same in zip(cut_sound, heard, strict=True):
        assert abs(begins(packet) + cut.start - begins(same)) <= shift


@pytest.mark.parametrize("suffix", ["ts", "mkv", "mp4"])
def test_times_count_from_the_beginning_of_the_file(tmp_path: Path, suffix: str, no_warnings: None) -> None:
    clips = [
        make_clip(tmp_path / f"{name}.{suffix}", container_options=options)
        for name, options in (("plain", {}), ("late", {"output_ts_offset": "5000"}))
    ]
    (plain, plain_frames, plain_sound), (late, late_frames, late_sound) = (read(path) for path in clips)
    assert len(plain_frames) == len(late_frames) == 30
    assert 0 <= late_frames[0].pts * late.time_base < Fraction(1, 10)
    lead = plain_frames[0].pts * plain.time_base - begins(plain_sound[0])
    assert abs(late_frames[0].pts * late.time_base - begins(late_sound[0]) - lead) <= Fraction(1, 500)
    late_part, plain_part = (squares(frames(path, Cut(start=Fraction(1, 2)))) for path in reversed(clips))
    assert abs(len(late_part) - len(plain_part)) <= 2  # sound that leads is counted, where it cannot be told apart


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_the_last_frame_is_shown_as_long_as_the_file_says(tmp_path: Path, suffix: str, no_warnings: None) -> None:
    source = make_clip(
        tmp_path / f"in.{suffix}", times=range(0, 1000, 40), time_base=Fraction(1, 1000), last=3000, audio=0
    )
    clip, shown, _ = read(source)
    assert shown[-1].duration is not None
    assert shown[-1].duration * clip.time_base == 3
    assert len(frames(source, Cut(rate=Fraction(25)))) == 24 + 75
    assert len(frames(source, Cut(end=Fraction(2), rate=Fraction(25)))) == 50


def test_a_part_begins_with_what_is_on_the_screen(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=(0, 3, 6), rate=Fraction(1), last=3, audio=0)

    def seen(cut: Cut) -> list[tuple[float, int]]:
        return list(zip(map(float, times(source, cut)), squares(frames(source, cut)), strict=True))

    assert seen(Cut(Fraction(1))) == [(0, 0), (2, 2), (5, 4)]
    assert seen(Cut(Fraction(1), Fraction(2))) == [(0, 0)]
    assert seen(Cut(Fraction(8), rate=Fraction(2))) == [(0, 4), (0.5, 4)]
    assert seen(Cut(Fraction(1), Fraction(4), rate=Fraction(1))) == [(0, 0), (1, 0), (2, 2)]
    even = make_clip(tmp_path / "even.mp4", times=range(50), audio=0)
    assert squares(frames(even, Cut(Fraction("0.5"), Fraction("1.5"), rate=Fraction(10)))) == [
        2 * number % 52 for number in (12, 15, 17, 20, 22, 25, 27, 30, 32, 35)
    ]
    assert len(frames(even, Cut(Fraction("0.5"), Fraction("1.5")))) == 25


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv"])
def test_one_frame_a_second_is_not_cut_off(tmp_path: Path, suffix: str, no_warnings: None) -> None:
    source = make_clip(tmp_path / f"in.{suffix}", times=range(5), rate=Fraction(1), audio=0)
    assert times(source, Cut(rate=Fraction(2))) == [Fraction(number, 2) for number in range(10)]


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(24000, 1001), Fraction(50)])
@pytest.mark.parametrize(("suffix", "codec"), [("h264", "libx264"), ("hevc", "libx265"), ("m2v", "mpeg2video")])
def test_a_bare_stream_has_the_rate_that_its_codec_says(
    tmp_path: Path, suffix: str, codec: str, rate: Fraction, no_warnings: None
) -> None:
    options = {"x265-params": "log-level=error"} if codec == "libx265" else {"b": "4M"}
    source = make_clip(tmp_path / f"in.{suffix}", codec=codec, rate=rate, audio=0, options=options)
    assert times(source) == [number / rate for number in range(30)]
    assert times(source, Cut(start=10 / rate)) == [number / rate for number in range(20)]


@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_times_that_only_tell_the_order_of_decoding_are_put_right(
    tmp_path: Path, b_frames: str, no_warnings: None
) -> None:
    source = make_clip(tmp_path / "in.avi", audio=0, options=B_FRAMES | {"bf": b_frames})
    assert times(source) == [Fraction(number, 25) for number in range(30)]


MATRICES: dict[str, tuple[tuple[int, int, int, int], Any]] = {
    "as it is": ((1, 0, 0, 1), lambda rgb: rgb),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "flipped": ((1, 0, 0, -1), np.flipud),
    "half a turn": ((-1, 0, 0, -1), lambda rgb: np.rot90(rgb, 2)),
    "clockwise": ((0, 1, -1, 0), lambda rgb: np.rot90(rgb, -1)),
    "counterclockwise": ((0, -1, 1, 0), np.rot90),
    "transposed": ((0, 1, 1, 0), lambda rgb: rgb.swapaxes(0, 1)),
    "transversed": ((0, -1, -1, 0), lambda rgb: np.rot90(rgb.swapaxes(0, 1), 2)),
}


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("way", MATRICES)
def test_frames_are_turned_and_mirrored_as_the_file_says(tmp_path: Path, way: str, suffix: str) -> None:
    (a, b, c, d), turn = MATRICES[way]
    source = make_clip(tmp_path / f"in.{suffix}", times=range(2), audio=0)
    data = source.read_bytes()
    plain = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
    wanted = np.array([a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
    track = data.index(b"tkhd")
    source.write_bytes(data[:track] + data[track:].replace(plain, wanted, 1))
    shown: NDArray[Any] = turn(picture(0)).astype(int)
    rgb = frames(source)[0].rgb
    assert rgb is not None
    assert rgb.shape == shown.shape
    assert np.abs(rgb - shown).mean() < 6


def test_chapters_are_cut_with_the_pictures(tmp_path: Path) -> None:
    chapters = [
        {"id": number, "start": 400 * number, "end": 400 * number + 400, "time_base": Fraction(1, 1000), "metadata": {}}
        for number in range(3)
    ]
    source = make_clip(tmp_path / "in.mkv", chapters=chapters, audio=0)

    def spans(cut: Cut) -> list[tuple[int, float, float]]:
        found = read(source, cut)[0].chapters
        return [(c["id"], *(float(c[edge] * c["time_base"]) for edge in ("start", "end"))) for c in found]

    first = spans(Cut())[0][0]
    assert spans(Cut()) == [(first, 0, 0.4), (first + 1, 0.4, 0.8), (first + 2, 0.8, 1.2)]
    assert spans(Cut(Fraction(1, 2), Fraction(9, 10))) == [(first + 1, 0, 0.3), (first + 2, 0.3, 0.4)]


def test_colors_of_a_matrix_that_is_not_known_are_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(3), matrix=8, audio=0)
    with pytest.raises(VideoError, match=r"in\.mp4 keeps its colors as YCgCo.*zscale=matrix=709"):
        frames(source)


def test_chapters_before_the_beginning_of_a_file_are_left_out() -> None:
    edges = [(0, 2000), (4600, 5400), (5400, 6000)]
    chapters = [{"start": start, "end": end, "time_base": Fraction(1, 1000)} for start, end in edges]
    placed = Span(origin=Fraction(5)).chapters(chapters)
    assert [(chapter["start"], chapter["end"]) for chapter in placed] == [(0, 400), (400, 1000)]


def test_a_file_of_windows_media_that_begins_late_is_not_cut_off(tmp_path: Path) -> None:
    late = {"output_ts_offset": "9"}
    source = make_clip(tmp_path / "in.wmv", codec="wmv2", options={"b": "500k"}, audio=0, container_options=late)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(frames(source)) == 30


def test_a_subtitle_that_is_on_the_screen_at_the_start_is_kept(tmp_path: Path) -> None:
    captions = (
        "1\n00:00:00,100 --> 00:00:00,300\nGone\n\n2\n00:00:00,400 --> 00:00:02,500\nThere\n\n"
        "3\n00:00:02,800 --> 00:00:09,000\nComing\n"
    )
    source = make_clip(tmp_path / "in.mkv", times=range(100), subtitles=True, caption=captions, options=B_FRAMES)
    _, _, packets = read(source, Cut(Fraction(2), Fraction(3)))
    shown = [
        (bytes(packet), begins(packet), Fraction((packet.duration or 0) * packet.time_base))
        for packet in packets
        if bytes(packet) in (b"Gone", b"There", b"Coming")
    ]
    assert shown == [(b"There", 0, Fraction(1, 2)), (b"Coming", Fraction(4, 5), Fraction(1, 5))]


def test_interlaced_frames_are_made_whole(tmp_path: Path) -> None:
    def woven(number: int) -> NDArray[np.uint8]:
        rgb = picture(4 * number)
        rgb[1::2] = picture(4 * number + 2)[1::2]
        return rgb

    options = {"qp": "0", "x264-params": "tff=1", "flags": "+ildct+ilme"}
    source = make_clip(tmp_path / "in.mp4", times=range(10), pictures=map(woven, range(10)), options=options, audio=0)
    with pytest.warns(UserWarning, match=r"in\.mp4 is interlaced; it is deinterlaced"):
        shown = frames(source)
    assert [frame.pts for frame in shown] == list(range(0, 5120, 512))
    for number, frame in enumerate(shown[1:-1], 1):
        assert frame.rgb is not None
        combs = np.abs(frame.rgb[8:19].astype(int) - frame.rgb[9:20]).mean()
        assert combs < np.abs(woven(number)[8:19].astype(int) - woven(number)[9:20]).mean() / 2


def test_frames_are_turned_as_their_codec_says(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.h264", times=range(2), audio=0)
    with (tmp_path / "turned.h264").open("wb") as file, av.open(str(source)) as container:
        stream = container.streams.video[0]
        turning = BitStreamFilterContext("h264_metadata=display_orientation=insert:rotate=90:flip=horizontal", stream)
        for packet in [*container.demux(stream)][:-1]:
            file.writelines(map(bytes, turning.filter(packet)))
    plain, changed = frames(source)[0].rgb, frames(tmp_path / "turned.h264")[0].rgb
    assert plain is not None
    assert changed is not None
    np.testing.assert_array_equal(changed, plain.swapaxes(0, 1))


@pytest.mark.parametrize("rotation", [0, 90])
def test_frames_are_freed_when_they_were_read(tmp_path: Path, rotation: int) -> None:
    # What holds itself in a ring waits for Python's collector, which comes rarely for few and large objects.
    source = make_clip(tmp_path / "in.mp4", times=range(60), audio=0, rotation=rotation)
    gc.collect()
    gc.disable()
    try:
        before = _frames_alive()  # other tests may hold some
        with VideoReader(source, Cut()) as reader:
            there = [_frames_alive() - before for _ in reader.items()]
    finally:
        gc.enable()
    assert len(there) == 60
    assert max(there) < 10


def _frames_alive() -> int:
    return sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())


def test_sound_that_an_edit_list_hides_is_left_out(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(50))
    with av.open(str(source)) as whole:
        options = {"use_editlist": "1", "avoid_negative_ts": "disabled"}
        with av.open(str(tmp_path / "later.mp4"), "w", options=options) as container:
            copies = {stream.index: container.add_stream_from_template(stream) for stream in whole.streams}
            for packet in whole.demux():
                if packet.pts is not None and packet.dts is not None:
                    packet.pts -= round(1 / packet.time_base)
                    packet.dts -= round(1 / packet.time_base)
                    packet.stream = copies[packet.stream.index]
                    container.mux(packet)
    _, _, sound = read(tmp_path / "later.mp4")
    assert times(tmp_path / "later.mp4") == [Fraction(number, 25) for number in range(25)]
    assert -Fraction(1, 5) < begins(sound[0]) <= 0


@pytest.mark.parametrize("gap", [0, 1, 100, 250])
def test_long_subtitles_go_into_mp4(tmp_path: Path, gap: int) -> None:
    captions = f"1\n00:00:00,120 --> 00:00:02,249\nHello\n\n2\n00:00:02,{249 + gap} --> 00:00:03,300\nWorld\n"
    source = make_clip(tmp_path / "in.mkv", times=range(90), subtitles=True, caption=captions)
    code = (
        "import io; from fststyle.video.convert import Job, convert\n"
        "class Keep:\n"
        "    def __call__(self, rgb): return rgb\n"
        "    def state(self): return {}\n"
        "    def restore(self, state): pass\n"
        f"convert(Job({str(source)!r}, {str(tmp_path / 'out.mp4')!r}), Keep(), stdin=io.BytesIO(), stdout=io.BytesIO())"
    )
    # In a process of its own: FFmpeg may end it.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
