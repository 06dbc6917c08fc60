"""Where the colors of a video lie: a stream's own samples come back, wherever the stream says that they are."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray
from test_video import run
from video_clips import make_clip

from fststyle.video.chroma import _weights, halved
from fststyle.video.color import FromRgb, ToRgb

EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP


def planes(path: Path) -> list[NDArray[np.uint8]]:
    """Y, Cb and Cr of the second frame."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        values = frames[1].to_ndarray(format="yuv420p")
        height, width = frames[1].height, frames[1].width
    return [values[:height], *values[height:].reshape(2, height // 2, width // 2)]


def shown(path: Path) -> NDArray[np.uint8]:
    """The second frame as FFmpeg shows it, which heeds where the stream says that its colors are."""
    with av.open(str(path)) as container:
        frame = list(container.decode(video=0))[1]
        rgb: NDArray[np.uint8] = frame.to_ndarray(
            format="rgb24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=EXACT,
        )
    return rgb


def decibels(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    error = np.square(one.astype(float) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def clouds(number: int) -> NDArray[np.uint8]:
    """Colors that change within a few pixels and leave none of them outside of what RGB can show."""
    noise = np.random.default_rng(number).standard_normal((64, 96, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 35 * smooth / smooth.std(), 30, 225).astype(np.uint8)


def make_clouds(path: Path, params: str = "") -> Path:
    options = {"qp": "0", "preset": "ultrafast"} | ({"x264-params": params} if params else {})
    pictures = [clouds(number) for number in range(3)]
    return make_clip(path, times=range(3), size=(96, 64), pictures=pictures, options=options, audio=0)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_repainting_again_and_again_loses_no_color(tmp_path: Path, codec: str) -> None:
    first = last = make_clouds(tmp_path / "0.mp4")
    for number in range(1, 6):
        run(last, tmp_path / f"{number}.mp4", codec=codec, crf=1)
        last = tmp_path / f"{number}.mp4"
        losses = [decibels(*both) for both in zip(planes(first), planes(last), strict=True)]
        assert min(losses) > (50 if number == 1 else 45), f"pass {number}: {losses}"  # the encoder costs a little
        assert decibels(shown(first), shown(last)) > 41


@pytest.mark.parametrize("siting", ["", "chromaloc=1", "chromaloc=2"], ids=["left", "center", "topleft"])
def test_colors_stay_where_the_stream_says_they_are(tmp_path: Path, siting: str) -> None:
    source = make_clouds(tmp_path / "in.mp4", siting)
    run(source, tmp_path / "out.mp4", crf=1)
    assert decibels(shown(source), shown(tmp_path / "out.mp4")) > 45
    run(source, tmp_path / "out.mkv", codec="ffv1")
    assert decibels(shown(source), shown(tmp_path / "out.mkv")) > 50


def make_silent(path: Path, codec: str, options: dict[str, str]) -> Path:
    pictures = [clouds(number) for number in range(3)]
    return make_clip(path, times=range(3), size=(96, 64), pictures=pictures, codec=codec, options=options, audio=0)


@pytest.mark.parametrize(
    ("codec", "name", "options"),
    [("libvpx-vp9", "in.webm", {"lossless": "1", "cpu-used": "8"}), ("ffv1", "in.mkv", {})],
)
def test_colors_of_a_stream_that_says_nothing_lie_at_the_left(
    tmp_path: Path, codec: str, name: str, options: dict[str, str]
) -> None:
    source = make_silent(tmp_path / name, codec, options)
    run(source, tmp_path / "out.mp4", crf=1)
    losses = [decibels(*both) for both in zip(planes(source), planes(tmp_path / "out.mp4"), strict=True)]
    assert min(losses) > 50, losses


def test_what_matroska_says_of_colors_counts(tmp_path: Path) -> None:
    source = make_silent(tmp_path / "in.mkv", "ffv1", {"chroma_sample_location": "center"})
    run(source, tmp_path / "out.mp4", crf=1)
    assert decibels(shown(source), shown(tmp_path / "out.mp4")) > 45


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p", "yuv444p"])
def test_other_samplings_keep_their_colors(tmp_path: Path, pixel_format: str) -> None:
    source = make_clip(
        tmp_path / "in.mkv",
        times=range(3),
        size=(96, 64),
        pictures=[clouds(number) for number in range(3)],
        pixel_format=pixel_format,
        options={"qp": "0", "preset": "ultrafast"},
        audio=0,
    )
    run(source, tmp_path / "out.mp4", crf=1)
    assert decibels(shown(source), shown(tmp_path / "out.mp4")) > 45


def test_a_ramp_is_halved_at_the_even_columns_between_two_rows() -> None:
    x, y = np.meshgrid(np.arange(96), np.arange(64))
    samples = halved((256 * (40 + x + y)).astype(np.uint16))
    assert samples.shape == (32, 48)
    wanted = 40.5 + 2 * np.arange(48)[None] + 2 * np.arange(32)[:, None]
    inner = (slice(6, -6), slice(6, -6))
    assert np.abs(samples - wanted)[inner].max() <= 0.5


@pytest.mark.parametrize("form", ["yuv420p", "yuvj422p", "yuv444p10le", "nv12", "gray", "yuva420p", "rgb565le", "bgra"])
@pytest.mark.parametrize("size", [(96, 64), (57, 39)])
def test_frames_become_what_ffmpeg_makes_of_them(form: str, size: tuple[int, int]) -> None:
    frame = av.VideoFrame.from_ndarray(clouds(1), "rgb24").reformat(format=form, dst_colorspace=Colorspace.ITU709)
    frame.colorspace = Colorspace.ITU709
    full = ColorRange.JPEG if form == "yuvj422p" or frame.format.is_rgb else ColorRange.MPEG
    wanted = VideoReformatter().reformat(
        frame,
        *size,
        "rgb24",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=full,
        dst_color_range=ColorRange.JPEG,
        interpolation=EXACT,
    )
    assert np.array_equal(ToRgb()(frame, *size), wanted.to_ndarray())


def test_halves_are_those_of_one_filter_over_all_pixels() -> None:
    plane = np.random.default_rng(2).integers(0, 65536, (130, 66)).astype(np.uint16)
    padded = np.pad(plane.astype(float), 24, "edge")
    across, down = _weights(0.0).astype(float), _weights(0.5).astype(float)
    wide = sum(weight * padded[:, 12 + n : 12 + n + 66] for n, weight in enumerate(across))
    tall = sum(weight * wide[13 + n : 13 + n + 130] for n, weight in enumerate(down))
    wanted = np.clip(np.rint(tall[::2, ::2] / 256), 0, 255)
    assert np.abs(halved(plane) - wanted).max() == 0


@pytest.mark.parametrize(("matrix", "red", "blue"), [("ITU709", 0.2126, 0.0722), ("ITU601", 0.299, 0.114)])
def test_brightness_and_colors_are_those_of_the_standard(matrix: str, red: float, blue: float) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (40, 70, 3), np.uint8)
    flat = np.full((40, 70, 3), (200, 30, 90), np.uint8)
    convert = FromRgb("yuv420p", Colorspace[matrix])
    luma = noise @ (red, 1 - red - blue, blue)
    made = convert(noise).to_ndarray()[:40]
    assert np.abs(made - (16 + luma * 219 / 255)).max() <= 0.5 + 1 / 256
    y = np.dot(flat[0, 0], (red, 1 - red - blue, blue))
    colors = np.rint([128 + 224 / 255 * (90 - y) / (2 - 2 * blue), 128 + 224 / 255 * (200 - y) / (2 - 2 * red)])
    assert [set(plane.flat) for plane in convert(flat).to_ndarray()[40:].reshape(2, -1)] == [
        {value} for value in colors
    ]
