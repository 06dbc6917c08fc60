"""Animations and bare pictures behind each other as videos; transparency; single pictures."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from video_clips import frames, picture, squares, times

from fststyle.errors import VideoError
from fststyle.video import convert
from fststyle.video.clip import Cut, Frame
from fststyle.video.convert import Job


def walk(count: int) -> list[Image.Image]:
    return [Image.fromarray(picture(number)) for number in range(count)]


def save(path: Path, pictures: list[Image.Image], **options: Any) -> Path:
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


@pytest.mark.parametrize("suffix", ["webp", "gif", "png", "avif"])
@pytest.mark.filterwarnings("error")
def test_animations_are_videos(tmp_path: Path, suffix: str) -> None:
    durations = [40, 80, 40, 120, 200] * 2
    options: dict[str, Any] = {"duration": durations} | ({"lossless": True} if suffix == "webp" else {})
    source = save(tmp_path / f"in.{suffix}", walk(10), **options)

    def shown(**cut: Any) -> list[tuple[Fraction, int]]:
        with convert.open_reader(Job(str(source), "out.mkv", Cut(**cut)), io.BytesIO()) as reader:
            found = [frame for frame in reader.items() if isinstance(frame, Frame)]
            return [
                (frame.pts * reader.clip.time_base, place) for frame, place in zip(found, squares(found), strict=True)
            ]

    begins = [Fraction(int(sum(durations[:number])), 1000) for number in range(10)]
    whole = [(time, 2 * number) for number, time in enumerate(begins)]
    assert shown() == whole
    assert shown(start=Fraction(1, 2), end=Fraction(3, 5)) == [(time - Fraction(1, 2), at) for time, at in whole[6:7]]
    assert shown(start=Fraction(3, 10), end=Fraction(1, 2)) == [(0, 8), (Fraction(9, 50), 10)]
    assert shown(start=Fraction(1, 10), end=Fraction(1, 5), rate=Fraction(20)) == [(0, 2), (Fraction(1, 20), 4)]
    assert len(shown(rate=Fraction(25))) == sum(durations) // 40
    assert len(shown(rate=Fraction(25), end=Fraction(2, 5))) == 10


def test_pictures_are_sent_to_the_command_for_pictures(tmp_path: Path) -> None:
    for suffix in ("webp", "jpg", "png", "tif", "bmp"):
        source = tmp_path / f"photo.{suffix}"
        walk(1)[0].save(source)
        with pytest.raises(VideoError, match="picture; paint it with fststyle stylize"):
            convert.open_reader(Job(str(source), "out.mp4"), io.BytesIO())


@pytest.mark.filterwarnings("error")
def test_bare_jpegs_behind_each_other_are_a_video(tmp_path: Path) -> None:
    source = tmp_path / "in.mjpeg"
    with source.open("wb") as file:
        for image in walk(12):
            image.save(file, "JPEG", quality=95)
    assert squares(frames(source)) == [2 * number for number in range(12)]
    assert times(source) == [Fraction(number, 25) for number in range(12)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_bare_jpegs_are_turned_as_their_exif_says(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    source = tmp_path / "in.mjpeg"
    with source.open("wb") as file:
        for image in walk(3):
            image.save(file, "JPEG", quality=95, exif=exif)
    for number, frame in enumerate(frames(source)):
        image = walk(3)[number]
        image.getexif()[ExifTags.Base.Orientation] = orientation
        upright = np.asarray(ImageOps.exif_transpose(image)).astype(int)
        assert frame.rgb is not None
        assert frame.rgb.shape == upright.shape
        assert np.abs(frame.rgb - upright).mean() < 6


CODECS_WITH_ALPHA = {
    "qtrle": ("qtrle", "argb", "mov"),
    "prores": ("prores_ks", "yuva444p10le", "mov"),
    "vp9": ("libvpx-vp9", "yuva420p", "webm"),
    "ffv1": ("ffv1", "yuva420p", "mkv"),
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
        convert.open_reader(Job(str(source), "out.mp4"), io.BytesIO()) as reader,
    ):
        assert len(list(reader.items())) == 3
    assert len(told) == 1
