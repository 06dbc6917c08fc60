"""What is read of a video: every frame, at its time, upright, from wherever it is to begin."""

from pathlib import Path

import pytest
from video_clips import make_clip, times_of

from fststyle.video.clip import Cut, Frame
from fststyle.video.reader import VideoReader

B_FRAMES = {"crf": "1", "preset": "veryfast", "bf": "3", "g": "25"}


def frames(path: Path, cut: Cut | None = None) -> list[Frame]:
    with VideoReader(path, cut or Cut()) as reader:
        return [item for item in reader.items() if isinstance(item, Frame)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts", "nut"])
@pytest.mark.parametrize("count", [2, 30])
def test_no_frame_is_lost_behind_sound(tmp_path: Path, suffix: str, count: int) -> None:
    source = make_clip(tmp_path / f"in.{suffix}", times=range(count), sound_first=True, options=B_FRAMES)
    assert len(frames(source)) == count


def test_no_frame_is_lost_behind_subtitles(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", sound_first=True, audio=2, subtitles=True, options=B_FRAMES)
    assert len(frames(source)) == len(times_of(source)) == 30
