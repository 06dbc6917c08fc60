"""Steadiness by values: an identity that does not flicker, occlusion by its formula, clips."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle.errors import DataError
from fststyle.pictures.files import resize, write_picture
from fststyle.training.cost.motion import inside, random_flow
from fststyle.training.judge.flicker import flicker, judge_clip, occluded, read_frames

Pixels = NDArray[np.uint8]


def same(picture: Pixels) -> Pixels:
    return picture


def shift(height: int, width: int, x: float, y: float) -> NDArray[np.float32]:
    return np.full((height, width, 2), (x, y), np.float32)


@pytest.fixture
def scene() -> Pixels:
    """Something for a flow to hold on to, (120, 160, 3)."""
    small = np.random.default_rng(5).integers(0, 256, (16, 20, 3), np.uint8)
    return resize(small, 120, 160)


def test_the_identity_does_not_flicker(photo: Pixels) -> None:
    assert inside(random_flow(*photo.shape[:2], np.random.default_rng(0))).any()
    assert flicker(photo, same, np.random.default_rng(0), noise=0) == 0


def test_of_the_identity_the_noise_remains() -> None:
    gray = np.full((128, 128, 3), 128, np.uint8)
    found = flicker(gray, same, np.random.default_rng(0), noise=0.02)
    assert found == pytest.approx(np.hypot(0.02 * 255, np.sqrt(1 / 12)), rel=0.02)  # and the rounding's


def test_a_network_that_paints_by_place_flickers(scene: Pixels) -> None:
    """A checkerboard of ±10 that stays where it is: as much as two independent ones differ, less the blur of moving."""
    y, x = np.indices(scene.shape[:2])
    board = np.where((y // 8 + x // 8) % 2, 10, -10)[..., None]

    def stylize(picture: Pixels) -> Pixels:
        return (picture // 2 + 60 + board).astype(np.uint8)

    assert 5 < flicker(scene, stylize, np.random.default_rng(0), noise=0) < 20


def test_occlusion_by_ruders_formula() -> None:
    backward, forward = shift(10, 10, 4, 0), shift(10, 10, -4, 0)
    assert not occluded(backward, forward).any()
    # A gap of d² against 0.01 (16 + (4 − d)²) + 0.5: equal between d = 0.8 and d = 0.9.
    assert not occluded(backward, shift(10, 10, -3.2, 0)).any()
    assert occluded(backward, shift(10, 10, -3.1, 0)).all()


def clip_of(scene: Pixels, frames: int) -> list[Pixels]:
    """A camera that pans 2 pixels a frame."""
    return [np.ascontiguousarray(scene[:, 2 * n : 2 * n + 130]) for n in range(frames)]


def test_a_pan_that_is_kept_and_one_that_flickers(scene: Pixels) -> None:
    calls = 0

    def pumping(picture: Pixels) -> Pixels:
        nonlocal calls
        calls += 1
        return (picture // 2 + 30 * (calls % 2)).astype(np.uint8)

    done: list[int] = []
    scores = judge_clip(iter(clip_of(scene, 4)), [same, pumping], advanced=done.append)
    assert (scores.frames, scores.width, scores.height) == (4, 130, 120)
    assert scores.visible > 0.8
    assert scores.own == scores.stylized[0] < 1e-3
    assert scores.stylized[1] == pytest.approx((30 / 255) ** 2, rel=0.05)
    assert done == [2, 3, 4]


def test_only_two_frames_are_held(scene: Pixels) -> None:
    read = 0

    def frames():  # type: ignore[no-untyped-def]
        nonlocal read
        for frame in clip_of(scene, 5):
            read += 1
            yield frame

    judge_clip(frames(), [same], advanced=lambda done: pytest.fail("read ahead") if read > done else None)


@pytest.mark.parametrize("count", [0, 1])
def test_a_clip_needs_two_frames(scene: Pixels, count: int) -> None:
    with pytest.raises(DataError, match="at least two frames"):
        judge_clip(iter([scene] * count), [same])


def test_frames_of_one_size(scene: Pixels) -> None:
    with pytest.raises(DataError, match="frame 2 has another size"):
        judge_clip(iter([scene, scene[:100]]), [same])


def test_a_folder_and_a_file(scene: Pixels, tmp_path: Path) -> None:
    for number, frame in enumerate(clip_of(scene, 4)):
        write_picture(tmp_path / "frames" / f"{number:03}.png", frame)
    from_folder = list(read_frames(tmp_path / "frames", limit=3, max_side=1000))
    np.testing.assert_array_equal(from_folder, clip_of(scene, 3))
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 130, 120, "yuv420p"
        for frame in clip_of(scene, 4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    from_file = list(read_frames(tmp_path / "clip.mp4", limit=10, max_side=65))
    assert [frame.shape for frame in from_file] == [(60, 65, 3)] * 4


def test_clips_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist; check the path"):
        list(read_frames(tmp_path / "none.mp4", limit=2, max_side=100))
    (tmp_path / "text.mp4").write_text("no")
    with pytest.raises(DataError, match="give another file"):
        list(read_frames(tmp_path / "text.mp4", limit=2, max_side=100))
