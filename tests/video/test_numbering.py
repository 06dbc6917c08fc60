"""Folders and patterns of frames as videos: order, gaps, sizes, transparency, broken files."""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from test_video import Keeper, run
from video_clips import make_clip

from fststyle.errors import ImageError, VideoError
from fststyle.pictures.files import read_picture
from fststyle.video.clip import Cut
from fststyle.video.convert import Job
from fststyle.video.numbering import find_pictures, missing

SIZE = (16, 12)


@pytest.fixture(autouse=True)
def no_other_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def make_frames(folder: Path, names: list[str], size: tuple[int, int] = SIZE) -> Path:
    """A frame for each name, whose brightness is its place in the list."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (number, number, number)).save(path)
    return folder


def painted(source: object, size: tuple[int, int] = SIZE, **options: Any) -> NDArray[np.uint8]:
    """The frames as bytes of RGB."""
    pipe = io.BytesIO()
    run(source, "-", Keeper(), stdout=pipe, raw_output=True, **options)
    return np.frombuffer(pipe.getvalue(), np.uint8).reshape(-1, size[1], size[0], 3)


@pytest.mark.parametrize(
    "names",
    [
        ["f1.png", "F2.png", "f3.PNG", "F10.png", "f11.png"],
        ["Frame_008.png", "frame_009.jpg", "FRAME_010.png", "frame_100.webp"],
        ["shot1/f2.png", "shot1/f10.png", "Shot2/f1.png", "shot10/f1.png"],
        ["0.png", "1.png", "2.png", "10.png"],
        ["a²1.png", "a²2.png"],
    ],
)
def test_frames_come_in_the_order_that_people_mean(tmp_path: Path, names: list[str]) -> None:
    folder = make_frames(tmp_path / "Frames", names)
    assert [str(path.relative_to(folder)) for path in find_pictures(str(folder))] == names


def test_a_numbered_pattern_as_ffmpeg_writes_it(tmp_path: Path) -> None:
    folder = make_frames(tmp_path / "f[1]", ["f1.png", "f2.png", "f10.png"])
    make_frames(folder, ["fx.png", "cover.png"])
    assert [path.name for path in find_pictures(f"{folder}/f%d.png")] == ["f1.png", "f2.png", "f10.png"]
    with pytest.warns(UserWarning, match="lacks the numbers 3-9"):
        assert painted(f"{folder}/f%02d.png")[:, 0, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["f[12]", "f?", "f%d", "100 %d [a]"])
def test_the_name_of_a_folder_is_no_pattern(tmp_path: Path, name: str) -> None:
    folder = make_frames(tmp_path / name, ["f1.png", "f2.png", "f10.png"])
    make_frames(tmp_path, ["f1/f1.png", "f2/f2.png", "f3/f3.png"])
    for pattern in ("*.png", "f*.png", "f%d.png", "f[0-9]*.png"):
        assert [path.name for path in find_pictures(f"{folder}/{pattern}")] == ["f1.png", "f2.png", "f10.png"]
        assert all(path.parent == folder for path in find_pictures(f"{folder}/{pattern}"))


@pytest.mark.parametrize(
    ("numbers", "gaps"),
    [
        ([1, 2, 3, 4], None),
        ([1, 2, 4, 5, 6], "3"),
        ([7, 8, 9, 20, 21, 25, 26, 27], "10-19, 22-24"),
        ([0, 10, 20, 30], None),
        ([0, 10, 20, 40, 50, 60], "30"),
        ([1, 5, 6, 21, 30], None),
        ([1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 15, 16, 17, 18], "3, 6, 9 and more"),
        ([5], None),
        ([1, 2, 4], "3"),
        ([2, 5, 6], "3-4"),
        ([3, 9], None),
    ],
)
def test_gaps_are_found(numbers: list[int], gaps: str | None) -> None:
    assert missing([Path(f"a/F{number:03}.png") for number in numbers]) == gaps


def test_names_without_numbers_or_of_several_kinds_have_no_gaps() -> None:
    assert missing([Path("a.png"), Path("b.png"), Path("c.png")]) is None
    assert missing([Path("a1.png"), Path("a2.png"), Path("b7.png"), Path("b8.png")]) is None


def test_gaps_are_named_and_only_in_what_is_painted(tmp_path: Path) -> None:
    folder = make_frames(tmp_path / "frames", ["f1.png", "f2.png", "f3.png", "f6.png", "f7.png"])
    with pytest.warns(UserWarning, match=r"frames lacks the numbers 4-5"):
        assert painted(folder)[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert len(painted(folder, cut=Cut(rate=1, end=3))) == 3


def test_another_shape_is_fitted_with_bars_and_a_word(tmp_path: Path) -> None:
    folder = make_frames(tmp_path / "frames", ["f1.png", "f2.png", "f3.png"])
    Image.new("RGB", (24, 6), (200, 100, 50)).save(folder / "f2.png")
    Image.new("RGB", (32, 24), (9, 9, 9)).save(folder / "f3.png")
    with pytest.warns(UserWarning, match=r"f2\.png has 24×6 pixels, the first frame 16×12") as told:
        frames = painted(folder)
    assert len(told) == 1
    assert (frames[1, 4:8] == (200, 100, 50)).all()
    assert not frames[1, :4].any()
    assert not frames[1, 8:].any()
    assert (frames[2] == 9).all()


def test_transparent_frames_are_painted_without_what_they_hide_and_laid_over_white(tmp_path: Path) -> None:
    values = np.zeros((12, 16, 4), np.uint8)
    values[:] = (10, 200, 30, 255)
    values[:, 8:] = (255, 0, 255, 0)
    values[:2] = (10, 200, 30, 128)
    Image.fromarray(values).save(tmp_path / "f1.png")
    seen = []

    class Looker(Keeper):
        def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
            seen.append(rgb.copy())
            return rgb

    pipe = io.BytesIO()
    run(tmp_path, "-", Looker(), stdout=pipe, raw_output=True)
    frame = np.frombuffer(pipe.getvalue(), np.uint8).reshape(12, 16, 3)
    assert (np.abs(seen[0].astype(int) - (10, 200, 30)) <= 1).all()
    assert (frame[4:, :8] == (10, 200, 30)).all()
    assert (frame[4:, 8:] == 255).all()
    assert (np.abs(frame[0].astype(int) - (132, 227, 142)) <= 1).all()


def test_a_broken_frame_is_named_and_the_one_before_it_stays(tmp_path: Path) -> None:
    folder = make_frames(tmp_path / "frames", ["f1.png", "f2.png", "f3.png"])
    (folder / "f2.png").write_bytes((folder / "f2.png").read_bytes()[:40])
    with pytest.warns(UserWarning, match=r"f2\.png .*frame before it is shown again"):
        assert painted(folder)[:, 0, 0, 0].tolist() == [0, 0, 2]
    (folder / "f1.png").write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"f1\.png"):
        painted(folder)


def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path) -> None:
    for pattern in ("*.png", "f%03d.png"):
        with pytest.raises(VideoError, match="holds no pictures"):
            painted(tmp_path / pattern)


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "avi", "flv", "asf", "ts", "mpg"])
def test_a_video_among_the_pictures_leads_to_its_command(tmp_path: Path, container: str) -> None:
    codec = {"mpg": "mpeg2video", "flv": "flv1"}.get(container, "mpeg4")
    clip = make_clip(tmp_path / f"a.{container}", times=range(3), audio=0, codec=codec, options={"qscale": "2"})
    with pytest.raises(ImageError, match=rf"a\.{container} is a video; .*fststyle video"):
        read_picture(clip)
    if container not in {"ts"}:
        with pytest.raises(ImageError, match=r"photo\.jpg is a video"):
            read_picture(clip.rename(tmp_path / "photo.jpg"))


def test_a_picture_as_the_output_of_a_video_leads_to_its_command() -> None:
    with pytest.raises(ValueError, match=r"\.png.*\.mp4.*fststyle stylize"):
        Job("a.jpg", "b.png")
