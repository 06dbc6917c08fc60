"""How steadily a network paints while its input moves: one photo under a known motion, or the frames of a clip.

The motion itself is in `cost/motion.py`, which training uses too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from fststyle.errors import DataError
from fststyle.pictures.files import find_images, fit_longer_side, read_picture
from fststyle.training.cost.motion import NOISE, Floats, Mask, Pixels, inside, random_flow, warp

Stylize = Callable[[Pixels], Pixels]


def flicker(photo: Pixels, stylize: Stylize, rng: np.random.Generator, *, noise: float = NOISE) -> float:
    """Root mean square of warp(S(x)) − S(warp(x) + noise) over the visible pixels, in gray levels of 0..255.

    If a network's painting moves with the photo, only the noise is left. For the identity the result is the noise
    itself. Both sides are rounded to whole gray levels, as saved frames are.

    Args:
        photo: x, (H, W, 3).
        stylize: S, the network.
        rng: Decides motion and noise.
        noise: Standard deviation as a fraction of the range.
    """
    flow = random_flow(photo.shape[0], photo.shape[1], rng)
    moved = warp(photo, flow)
    if noise:
        noisy = moved + rng.normal(0, 255 * noise, moved.shape)
        moved = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    difference = warp(stylize(photo), flow).astype(np.float32) - stylize(moved)
    visible = inside(flow)
    return float(np.sqrt(np.square(difference[visible]).mean())) if visible.any() else 0.0


@dataclass(frozen=True)
class ClipScores:
    """Warped-frame errors of a clip (Lai 2018, section 4.2): mean squared errors on a range of 0..1, 0 for no flicker.

    Attributes:
        frames: How many frames were read.
        width: Of the frames as they were judged, in pixels.
        height: Likewise.
        visible: Share of the pixels that counted.
        own: Of the clip itself: errors of the flow, and what really changes.
        stylized: Of each network's clip, in the order of the networks.
    """

    frames: int
    width: int
    height: int
    visible: float
    own: float
    stylized: list[float]


def judge_clip(
    frames: Iterator[Pixels], networks: list[Stylize], *, advanced: Callable[[int], None] = lambda _: None
) -> ClipScores:
    """Stylize a clip frame by frame and compare each frame with the one before it, moved along.

    The flow is that of the unstylized frames, by DIS (Kroeger 2016). Only two frames are held at a time.

    Args:
        frames: (H, W, 3), all of one size.
        networks: The networks to judge.
        advanced: Called with the number of frames done.

    Raises:
        DataError: There are fewer than two frames, or they differ in size.
    """
    estimator: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    errors: list[list[float]] = []
    shares: list[float] = []
    size = (0, 0)
    versions = ((frame, *(network(frame) for network in networks)) for frame in frames)
    for number, (before, after) in enumerate(pairwise(versions), 2):
        size = after[0].shape[:2]
        if size != before[0].shape[:2]:
            raise DataError(f"frame {number} has another size than the one before; give frames of one size")
        backward, forward = _flows(estimator, before[0], after[0])
        visible = inside(backward) & ~occluded(backward, forward)
        shares.append(float(visible.mean()))
        if visible.any():
            errors.append([_error(*pair, backward, visible) for pair in zip(before, after, strict=True)])
        advanced(number)
    if not errors:
        raise DataError("the clip has no two frames that show the same; give one with at least two frames of a scene")
    own, *stylized = np.mean(errors, axis=0).tolist()
    return ClipScores(len(shares) + 1, size[1], size[0], float(np.mean(shares)), own, stylized)


def occluded(backward: Floats, forward: Floats) -> Mask:
    """(H, W): where the backward and the forward flow do not cancel (Sundaram 2010; Ruder 2016, eq. 5)."""
    there = warp(forward, backward)
    gap = np.square(there + backward).sum(axis=2)
    lengths = np.square(there).sum(axis=2) + np.square(backward).sum(axis=2)
    hidden: Mask = gap >= 0.01 * lengths + 0.5
    return hidden


def read_frames(clip: Path, *, limit: int, max_side: int) -> Iterator[Pixels]:
    """The first frames of a video file, or the pictures of a folder in the order of their names.

    Args:
        clip: A file that ffmpeg reads, or a folder.
        limit: No more than this many.
        max_side: Frames are shrunk so that no side is longer.

    Raises:
        DataError: It is missing, or cannot be read as a video.
        ImageError: A picture in the folder is broken.
    """
    frames = (read_picture(path).to_paint() for path in find_images(clip)) if clip.is_dir() else _decoded(clip)
    for frame in islice(frames, limit):
        yield np.ascontiguousarray(fit_longer_side(frame, max_side))


def _decoded(clip: Path) -> Iterator[Pixels]:
    try:
        with av.open(str(clip)) as container:
            if not container.streams.video:
                raise DataError(f"{clip} holds no pictures; give a video file or a folder of frames")
            for frame in container.decode(container.streams.video[0]):
                yield np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
    except FileNotFoundError as error:
        raise DataError(f"{clip} does not exist; check the path") from error
    except av.FFmpegError as error:
        raise DataError(f"{clip} cannot be read as a video ({error.strerror}); give another file") from error


def _flows(estimator: Any, before: Pixels, after: Pixels) -> tuple[Floats, Floats]:
    """From the later frame back to the earlier one, and forth."""
    gray_before, gray_after = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after))
    backward: Floats = estimator.calc(gray_after, gray_before, None)
    forward: Floats = estimator.calc(gray_before, gray_after, None)
    return backward, forward


def _error(before: Pixels, after: Pixels, backward: Floats, visible: Mask) -> float:
    difference = (warp(before.astype(np.float32), backward) - after)[visible] / 255
    return float(np.square(difference).mean())
