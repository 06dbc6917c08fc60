"""Small videos made on the spot, each with one thing that goes wrong in practice."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from fststyle.video.clip import Clip, Cut, Frame
from fststyle.video.reader import VideoReader

CAPTIONS = "1\n00:00:00,000 --> 00:00:00,300\nHello\n\n2\n00:00:00,400 --> 00:00:00,900\nWorld\n"


def picture(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A bright square that walks over a gradient, so that every frame is another."""
    y, x = np.mgrid[:height, :width]
    rgb = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], axis=2).astype(np.uint8)
    left = 2 * number % (width - 12)
    rgb[8:20, left : left + 12] = (250, 240, 40)
    return rgb


def make_clip(
    path: Path,
    *,
    times: Sequence[int] = range(30),
    rate: Fraction = Fraction(25),
    time_base: Fraction | None = None,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    audio: int = 1,
    sound: str = "aac",
    rotation: int = 0,
    aspect: Fraction | None = None,
    matrix: int = 1,
    full: bool = False,
    transfer: int = 1,
    pictures: Iterable[NDArray[np.uint8]] | None = None,
    subtitles: bool = False,
    container_options: dict[str, str] | None = None,
    sound_first: bool = False,
    last: int | None = None,
    chapters: Sequence[Any] = (),
    caption: str = CAPTIONS,
) -> Path:
    """Write a clip; `times` are in units of `time_base`, 1 / rate if not given; the last frame lasts for `last`."""
    width, height = size
    with av.open(str(path), "w", options=container_options or {}) as container:
        sounds = [container.add_stream(sound, rate=16000, layout="mono") for _ in range(audio if sound_first else 0)]
        captions = _captions(container, path.with_suffix(".srt"), caption) if subtitles and sound_first else []
        stream: Any = container.add_stream(codec, rate=rate, options=options or {"crf": "1", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        context.time_base = time_base or 1 / rate
        context.color_range = 2 if full else 1
        context.colorspace, context.color_trc, context.color_primaries = matrix, transfer, 1
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        sounds += [container.add_stream(sound, rate=16000, layout="mono") for _ in range(audio - len(sounds))]
        if subtitles and not sound_first:
            captions = _captions(container, path.with_suffix(".srt"), caption)
        if chapters:
            container.set_chapters(list(chapters))
        container.mux(captions)
        for number, rgb in enumerate(pictures or (picture(number, width, height) for number in range(len(times)))):
            frame = _encoded(rgb, pixel_format, matrix, full)
            frame.pts, frame.time_base = times[number], context.time_base
            container.mux(_lasting(stream.encode(frame), times[-1], last))
        container.mux(_lasting(stream.encode(None), times[-1], last))
        seconds = float((max(times) + 1) * context.time_base)
        for place, sound in enumerate(sounds):
            _sing(container, sound, seconds, 330 * (place + 1))
    return path


def rgb_frames(path: Path) -> list[NDArray[np.uint8]]:
    """What a player shows, unturned."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(
                format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG, dst_color_range=2
            )
            for frame in container.decode(video=0)
        ]


def packets(path: Path, kind: str, number: int = 0) -> list[tuple[Fraction, bytes]]:
    """Times and bytes of a stream's packets."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[number]
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.pts is not None and p.size]


def times_of(path: Path) -> list[Fraction]:
    """When the frames are shown; what cannot be decoded is passed over, as players do."""
    times: list[Fraction] = []
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            with suppress(av.InvalidDataError):
                times += [frame.pts * frame.time_base for frame in packet.decode()]
    return times


def _encoded(rgb: NDArray[np.uint8], pixel_format: str, matrix: int, full: bool) -> av.VideoFrame:
    space = Colorspace.ITU709 if matrix == 1 else Colorspace.ITU601
    return av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(
        format=pixel_format,
        src_colorspace=space,
        dst_colorspace=space,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
    )


def _lasting(packets: list[Any], time: int, duration: int | None) -> list[Any]:
    for packet in packets:
        if duration is not None and packet.pts == time:
            packet.duration = duration
    return packets


def _captions(container: Any, path: Path, text: str) -> list[Any]:
    """Subtitles for a stream that is added here."""
    path.write_text(text)
    with av.open(str(path)) as source:
        stream = container.add_stream_from_template(source.streams.subtitles[0])
        packets = [packet for packet in source.demux() if packet.pts is not None]
    for packet in packets:
        packet.stream = stream
    return packets


def _sing(container: Any, stream: Any, seconds: float, pitch: int) -> None:
    for start in range(0, int(16000 * seconds), 1024):
        wave = 0.3 * np.sin(2 * np.pi * pitch * np.arange(start, start + 1024) / 16000)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


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
