"""What is read of a video: every frame, at its time, upright, from wherever it is to begin."""

import io
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from video_clips import make_clip, picture, times_of

from fststyle.errors import VideoError
from fststyle.video import convert
from fststyle.video.clip import Clip, Cut, Frame
from fststyle.video.convert import Job
from fststyle.video.reader import VideoReader

B_FRAMES = {"crf": "1", "preset": "veryfast", "bf": "3", "g": "50"}
MPEG2 = {"codec": "mpeg2video", "options": {"bf": "2", "g": "50", "b": "4M"}, "sound": "mp2"}


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def read(path: Path, cut: Cut | None = None) -> tuple[Clip, list[Frame], list["av.Packet[Any]"]]:
    with VideoReader(path, cut or Cut()) as reader:
        items = list(reader.items())
    return reader.clip, [i for i in items if isinstance(i, Frame)], [i for i in items if not isinstance(i, Frame)]


def frames(path: Path, cut: Cut | None = None) -> list[Frame]:
    return read(path, cut)[1]


def times(path: Path, cut: Cut | None = None) -> list[Fraction]:
    clip, shown, _ = read(path, cut)
    return [frame.pts * clip.time_base for frame in shown]


def squares(shown: list[Frame]) -> list[int]:
    """Where in each frame the square of `picture` begins."""
    return [int(np.argmax(frame.rgb[14, :, 1] > 160)) for frame in shown if frame.rgb is not None]


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


def test_times_that_only_tell_the_order_of_decoding_are_put_right(tmp_path: Path, no_warnings: None) -> None:
    source = make_clip(tmp_path / "in.avi", audio=0, options=B_FRAMES)
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


def walk(count: int) -> list[Image.Image]:
    return [Image.fromarray(picture(number)) for number in range(count)]


def save(path: Path, pictures: list[Image.Image], **options: Any) -> Path:
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


@pytest.mark.parametrize("suffix", ["webp", "gif", "png", "avif"])
def test_animations_are_videos(tmp_path: Path, suffix: str, no_warnings: None) -> None:
    durations = [40, 80, 40, 120, 200] * 2
    options: dict[str, Any] = {"duration": durations} | ({"lossless": True} if suffix == "webp" else {})
    source = save(tmp_path / f"in.{suffix}", walk(10), **options)

    def shown(**cut: Any) -> list[tuple[Fraction, int]]:
        with convert._reader(Job(str(source), "out.mkv", Cut(**cut)), io.BytesIO()) as reader:
            found = [frame for frame in reader.items() if isinstance(frame, Frame)]
            return [
                (frame.pts * reader.clip.time_base, place) for frame, place in zip(found, squares(found), strict=True)
            ]

    begins = [Fraction(int(sum(durations[:number])), 1000) for number in range(10)]
    whole = [(time, 2 * number) for number, time in enumerate(begins)]
    assert shown() == whole
    assert shown(start=Fraction(1, 2), end=Fraction(3, 5)) == [(time - Fraction(1, 2), at) for time, at in whole[6:7]]
    assert len(shown(rate=Fraction(25))) == sum(durations) // 40
    assert len(shown(rate=Fraction(25), end=Fraction(2, 5))) == 10


def test_pictures_are_sent_to_the_command_for_pictures(tmp_path: Path) -> None:
    for suffix in ("webp", "jpg", "png", "tif", "bmp"):
        source = tmp_path / f"photo.{suffix}"
        walk(1)[0].save(source)
        with pytest.raises(VideoError, match="picture; paint it with fststyle stylize"):
            convert._reader(Job(str(source), "out.mp4"), io.BytesIO())


def test_bare_jpegs_behind_each_other_are_a_video(tmp_path: Path, no_warnings: None) -> None:
    source = tmp_path / "in.mjpeg"
    with source.open("wb") as file:
        for image in walk(12):
            image.save(file, "JPEG", quality=95)
    assert squares(frames(source)) == [2 * number for number in range(12)]
    assert times(source) == [Fraction(number, 25) for number in range(12)]


CODECS_WITH_ALPHA = {
    "qtrle": ("qtrle", "argb", "mov"),
    "prores": ("prores_ks", "yuva444p10le", "mov"),
    "vp9": ("libvpx-vp9", "yuva420p", "webm"),
}


@pytest.mark.parametrize("kind", ["gif", "webp", *CODECS_WITH_ALPHA])
def test_transparency_is_left_out_with_a_word(tmp_path: Path, kind: str) -> None:
    pictures = [Image.fromarray(np.dstack([picture(n), np.full((48, 64), 128, np.uint8)])) for n in range(3)]
    for image in pictures:
        image.putpixel((0, 0), (0, 0, 0, 0))
    if kind in ("gif", "webp"):
        source = save(tmp_path / f"in.{kind}", pictures, duration=40)
    else:
        codec, form, suffix = CODECS_WITH_ALPHA[kind]
        source = tmp_path / f"in.{suffix}"
        with av.open(str(source), "w") as container:
            video = container.add_stream(codec, rate=25)
            video.width, video.height, video.pix_fmt = 64, 48, form
            for image in pictures:
                frame = av.VideoFrame.from_ndarray(np.asarray(image), "rgba").reformat(format=form)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
    with (
        pytest.warns(UserWarning, match="transparency, which is left out") as told,
        convert._reader(Job(str(source), "out.mp4"), io.BytesIO()) as reader,
    ):
        assert len(list(reader.items())) == 3
    assert len(told) == 1
