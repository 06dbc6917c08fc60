"""Sound and subtitles on their way into another container: kept byte for byte, or made into what it can hold."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from test_video import Painter, run
from video_clips import make_clip, packets, picture, times_of

from fststyle.errors import VideoError
from fststyle.video.clip import Cut
from fststyle.video.convert import Job

RATE = 16000


def make_sounding(path: Path, codec: str, *, rate: int = RATE, pitch: int = 440) -> Path:
    """A second of MPEG-4 pictures, and of a tone in that codec."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("flv1" if path.suffix == ".flv" else "mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = container.add_stream(codec, rate=rate, layout="mono")
        audio.bit_rate = 64000
        for number in range(25):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture(number), "rgb24")))
            wave = 8000 * np.sin(2 * np.pi * pitch * np.arange(number * rate // 25, (number + 1) * rate // 25) / rate)
            frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, number * rate // 25, Fraction(1, rate)
            container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def samples(path: Path) -> NDArray[Any]:
    """What is heard, one channel."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])


def texts(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    """From when to when which subtitle is shown."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        found = []
        for packet in container.demux(stream):
            if packet.size and (shown := packet.decode()):
                start = packet.pts * packet.time_base
                text = b"".join(one.ass.split(b",", 8)[8] for one in shown).decode()
                found.append((start, start + packet.duration * packet.time_base, text))
        return found


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4v", "mkv"])
def test_aac_of_a_transport_stream_fits_everywhere(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "in.ts")
    run(source, tmp_path / f"out.{suffix}")
    np.testing.assert_array_equal(samples(tmp_path / f"out.{suffix}"), samples(source))
    assert len(packets(tmp_path / f"out.{suffix}", "audio")) == len(packets(source, "audio"))


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.asf", "wmav2"), ("a.avi", "adpcm_ms"), ("a.avi", "pcm_mulaw"), ("a.mov", "pcm_alaw"), ("a.mov", "pcm_s16be")],
)
def test_what_matroska_can_hold_is_copied(tmp_path: Path, name: str, codec: str) -> None:
    source = make_sounding(tmp_path / name, codec)
    run(source, tmp_path / "out.mkv")
    assert [data for _, data in packets(tmp_path / "out.mkv", "audio")] == [
        data for _, data in packets(source, "audio")
    ]
    np.testing.assert_array_equal(samples(tmp_path / "out.mkv"), samples(source))


@pytest.mark.parametrize(
    ("name", "codec", "others"),
    [
        ("a.asf", "wmav2", r"\.mkv"),
        ("a.mov", "pcm_mulaw", r"\.mov or \.mkv"),
        ("a.mov", "adpcm_ima_qt", r"\.mov"),
        ("a.mov", "pcm_s24le", r"\.mov or \.mkv"),
    ],
)
def test_sound_that_cannot_be_held_leads_to_what_helps(tmp_path: Path, name: str, codec: str, others: str) -> None:
    source = make_sounding(tmp_path / name, codec)
    with pytest.raises(VideoError, match=rf"\.mp4 .*{name}.*{codec}.*--sound aac.*--sound none.* {others}$"):
        run(source, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(("name", "codec"), [("a.asf", "wmav2"), ("a.mov", "pcm_mulaw"), ("a.flv", "adpcm_swf")])
def test_sound_is_encoded_on_request(tmp_path: Path, name: str, codec: str, suffix: str) -> None:
    rate = 22050
    source = make_sounding(tmp_path / name, codec, rate=rate)
    out = tmp_path / f"out.{suffix}"
    run(source, out, sound="aac")
    with av.open(str(out)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.codec_context.layout.name) == ("aac", rate, "mono")
    heard = samples(out)[2048:-2048]
    loudest = np.argmax(np.abs(np.fft.rfft(heard * np.hanning(heard.size)))) * rate / heard.size
    assert abs(loudest - 440) < 2
    assert abs(np.sqrt(np.mean(np.square(heard))) - 8000 / 32768 / np.sqrt(2)) < 0.01
    assert abs(packets(out, "audio")[0][0] - packets(source, "audio")[0][0]) < Fraction(1, 10)


def test_aac_stays_as_it_is_where_aac_is_asked_for(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4")
    run(source, tmp_path / "out.mp4", sound="aac")
    assert packets(tmp_path / "out.mp4", "audio") == packets(source, "audio")


def test_sound_is_left_out_on_request(tmp_path: Path) -> None:
    source = make_sounding(tmp_path / "a.asf", "wmav2")
    assert run(source, tmp_path / "out.mp4", sound="none").frames == 25
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_resumed_run_has_the_sound_of_an_unbroken_one(tmp_path: Path) -> None:
    source = make_sounding(tmp_path / "a.avi", "adpcm_ms")
    for name in ("whole", "broken"):
        painter = Painter(stop_after=55 if name == "broken" else None)
        run(source, tmp_path / f"{name}.mkv", painter, sound="aac", cut=Cut(rate=Fraction(60)))
    run(source, tmp_path / "broken.mkv", Painter(), sound="aac", cut=Cut(rate=Fraction(60)), resume=True)
    assert packets(tmp_path / "broken.mkv", "audio") == packets(tmp_path / "whole.mkv", "audio")


def test_an_unknown_wish_for_the_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="copy, aac, none"):
        Job("a.mp4", "b.mp4", sound="mp3")


@pytest.mark.filterwarnings("ignore:.*both.ts has times")
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_joined_streams_keep_all_of_their_sound(tmp_path: Path, suffix: str) -> None:
    part = make_clip(tmp_path / "a.ts").read_bytes()
    (tmp_path / "both.ts").write_bytes(part + part)
    with pytest.warns(UserWarning, match="sound.*mended"):
        done = run(tmp_path / "both.ts", tmp_path / f"out.{suffix}")
    times = [time for time, _ in packets(tmp_path / f"out.{suffix}", "audio")]
    assert len(times) == 2 * len(packets(tmp_path / "a.ts", "audio"))
    assert times == sorted(set(times))
    assert abs(times[-1] - times_of(tmp_path / f"out.{suffix}")[-1]) < Fraction(1, 5)
    assert done.frames == 60


def test_two_packets_of_sound_at_the_same_time_do_not_end_the_job(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv")
    with av.open(str(source)) as whole, av.open(str(tmp_path / "same.mkv"), "w") as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in whole.streams}
        last = 0
        for number, packet in enumerate(whole.demux()):
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts = packet.dts = last if number % 5 == 0 else packet.dts
                last = packet.dts
            packet.stream = streams[packet.stream_index]
            container.mux(packet)
    assert len({time for time, _ in packets(tmp_path / "same.mkv", "audio")}) < len(packets(source, "audio"))
    with pytest.warns(UserWarning, match="sound.*mended"):
        run(tmp_path / "same.mkv", tmp_path / "out.mp4")
    assert [data for _, data in packets(tmp_path / "out.mp4", "audio")] == [
        data for _, data in packets(source, "audio")
    ]


def test_damaged_sound_does_not_end_the_job(tmp_path: Path) -> None:
    data = bytearray(make_clip(tmp_path / "in.ts").read_bytes())
    sync = data.find(b"\xff\xf1", len(data) // 2)
    data[sync : sync + 2] = b"\0\0"
    (tmp_path / "broken.ts").write_bytes(data)
    with pytest.warns(UserWarning, match=r"damaged|corrupt|cut off"):
        assert run(tmp_path / "broken.ts", tmp_path / "out.mp4").frames == 30


@pytest.mark.parametrize(("first", "then"), [("mkv", "mp4"), ("mkv", "mov"), ("mp4", "mkv")])
def test_text_takes_the_form_of_its_container(tmp_path: Path, first: str, then: str) -> None:
    source = make_clip(tmp_path / "in.mkv", subtitles=True)
    wanted = [(Fraction(0), Fraction(3, 10), "Hello"), (Fraction(2, 5), Fraction(9, 10), "World")]
    if first != "mkv":
        run(source, tmp_path / f"first.{first}")
        source = tmp_path / f"first.{first}"
    run(source, tmp_path / f"out.{then}")
    assert texts(tmp_path / f"out.{then}") == wanted
    with av.open(str(tmp_path / f"out.{then}")) as container:
        assert container.streams.subtitles[0].codec_context.codec.canonical_name == (
            "subrip" if then == "mkv" else "mov_text"
        )


def test_subtitles_that_are_pictures_are_named_where_they_are_left_out(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv")
    with av.open(str(source)) as whole, av.open(str(tmp_path / "blu.mkv"), "w") as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in whole.streams}
        pictures = container.add_mux_stream("pgssub")
        pictures.time_base = Fraction(1, 1000)
        caption: av.Packet[Any] = av.Packet(b"\x80\0\0")
        caption.stream, caption.pts, caption.dts, caption.time_base = pictures, 100, 100, Fraction(1, 1000)
        container.mux(caption)
        for packet in whole.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    with pytest.warns(UserWarning, match=r"blu\.mkv.*subtitles.*pgs.*left out.*\.mkv can"):
        assert run(tmp_path / "blu.mkv", tmp_path / "out.mp4").frames == 30
    run(tmp_path / "blu.mkv", tmp_path / "out.mkv")
    assert packets(tmp_path / "out.mkv", "subtitles") == packets(tmp_path / "blu.mkv", "subtitles")


@pytest.mark.parametrize("fail_after", [10, 40])
@pytest.mark.parametrize("failure", [VideoError("it broke; mend it"), RuntimeError("no memory")])
def test_a_failure_leaves_what_can_be_continued_or_nothing(tmp_path: Path, failure: Exception, fail_after: int) -> None:
    source = make_clip(tmp_path / "in.mp4", times=range(60))
    with pytest.raises(type(failure), match=str(failure)) as raised:
        run(source, tmp_path / "out.mp4", Painter(fail_after=fail_after, failure=failure))
    left = {path.name for path in tmp_path.iterdir()} - {"in.mp4"}
    if fail_after < 25:
        assert not left
        return
    assert left == {"out.part.mp4", "out.part.mp4.state"}
    if isinstance(failure, VideoError):
        assert "--resume" in str(raised.value)
        assert "out.part.mp4" in str(raised.value)
    assert run(source, tmp_path / "out.mp4", resume=True).frames == 60
