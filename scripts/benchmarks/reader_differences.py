"""What counts as a difference between two readers of the same file; knows no program.

Every tolerance is named here with its reason. What lies outside of them is a difference.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tolerance:
    """How far two decoded pictures may lie apart: the worst pixel may, or the mean may.

    Attributes:
        worst: Levels of 0..255 that any pixel may differ by.
        psnr: dB from which on the worst pixel does not matter; None makes it matter always.
        why: The legitimate cause.
    """

    worst: int
    psnr: float | None
    why: str


EXACT = Tolerance(2, None, "16 bits become 8 by rounding or by cutting off; premultiplied alpha is divided after that")
ALPHA = Tolerance(1, None, "16 bits become 8 by rounding or by cutting off")
LOSSY = Tolerance(4, 45.0, "JPEG and WebP leave the inverse transform's and the upsampling's rounding to the decoder")
AVIF = Tolerance(8, 35.0, "AV1 decoders interpolate subsampled colors by different filters")
PROFILE = Tolerance(3, 38.0, "color engines differ in rendering intent, table size and rounding")
PRINT = Tolerance(3, 30.0, "CMYK and L*a*b* hold colors that no screen shows; engines cut them off each in its way")
FRAME = Tolerance(4, 50.0, "colors are interpolated, and rounded to YUV once more on the way out")
HALVED = Tolerance(
    4, 28.0, "as for frames; H.264 and HEVC keep colors at half the resolution: the test picture is all edges"
)
FIELDS = Tolerance(4, 40.0, "as for frames; FFmpeg's versions round otherwise when they make a picture of two fields")
FIRST_FIELDS = Tolerance(4, 20.0, "the first picture has none before it, for which FFmpeg's versions take another each")

TIME = Fraction(11, 10_000)  # s: Matroska counts in ms, so that a time is rounded to one
DELAY = Fraction(1, 10)  # s: all streams may begin together by an encoder's delay later; players start at the first
ASPECT = 0.01  # Matroska stores the pixel's aspect as a whole number of display pixels


@dataclass(frozen=True)
class Sound:
    """A stream of sound.

    Attributes:
        packets: As hashes.
        start: The first one's second.
        hidden: How many of the first ones an edit list keeps from being heard; a painted file may go without them.
        heard: The second of the first one that is heard; None if that is `start`.
    """

    packets: tuple[str, ...]
    start: Fraction
    hidden: int = 0
    heard: Fraction | None = None


@dataclass(frozen=True)
class Clip:
    """What a reader sees of a video, besides its pixels.

    Attributes:
        width: Of the frames as shown, after rotation.
        height: Likewise.
        aspect: Width over height of a pixel as shown.
        times: Seconds from the start of the container, a frame each.
        end: The second up to which the last frame is shown; None if the file does not say.
        sounds: In the order of the file.
        subtitles: How many streams.
    """

    width: int
    height: int
    aspect: float
    times: tuple[Fraction, ...]
    end: Fraction | None = None
    sounds: tuple[Sound, ...] = field(default=())
    subtitles: int = 0


def between_pictures(ours: NDArray[np.uint8], theirs: NDArray[np.uint8], tolerance: Tolerance = EXACT) -> Iterator[str]:
    """Compare two (H, W, 4) pictures; colors count as much as they are seen, so hidden ones do not."""
    if ours.shape != theirs.shape:
        yield f"size: {_size(ours)}, not {_size(theirs)}"
        return
    worst = int(np.abs(ours[..., 3].astype(int) - theirs[..., 3]).max())
    if worst > ALPHA.worst:
        yield f"alpha: worst {worst}"
    seen = theirs[..., 3:].astype(np.float64) / 255
    distance = np.abs(ours[..., :3].astype(np.float64) - theirs[..., :3]) * seen
    if distance.max() <= tolerance.worst + 0.5:
        return
    decibels = psnr(distance)
    if tolerance.psnr is None or decibels < tolerance.psnr:
        row, column = np.unravel_index(int(distance.max(axis=2).argmax()), distance.shape[:2])
        yield (
            f"pixels: {decibels:.1f} dB, worst {distance.max():.0f} at ({column}, {row}): "
            f"{ours[row, column].tolist()}, not {theirs[row, column].tolist()}"
        )


def between_clips(ours: Clip, theirs: Clip) -> Iterator[str]:
    """Compare everything but the pixels."""
    ours = _without_delay(ours, theirs)
    if (ours.width, ours.height) != (theirs.width, theirs.height):
        yield f"size: {ours.width}x{ours.height}, not {theirs.width}x{theirs.height}"
    if abs(ours.aspect / theirs.aspect - 1) > ASPECT:
        yield f"pixel aspect: {ours.aspect:.3f}, not {theirs.aspect:.3f}"
    if len(ours.times) != len(theirs.times):
        yield f"frames: {len(ours.times)}, not {len(theirs.times)}"
    else:
        yield from _between_times(ours, theirs)
    if ours.subtitles != theirs.subtitles:
        yield f"subtitles: {ours.subtitles} streams, not {theirs.subtitles}"
    if len(ours.sounds) != len(theirs.sounds):
        yield f"sound: {len(ours.sounds)} streams, not {len(theirs.sounds)}"
        return
    for number, (own, other) in enumerate(zip(ours.sounds, theirs.sounds, strict=True)):
        yield from (f"sound {number}: {what}" for what in _between_sounds(own, other))


def between_frames(
    ours: Iterable[NDArray[np.uint8]],
    theirs: Iterable[NDArray[np.uint8]],
    *,
    fields: bool = False,
    halved: bool = False,
) -> Iterator[str]:
    """Compare the frames, (H, W, 3) each, as far as both go; they are taken one by one.

    Args:
        ours: Painted.
        theirs: As they were.
        fields: Both are deinterlaced.
        halved: Ours were written with colors at half the resolution.
    """
    bad, first, lowest, count = 0, 0, float("inf"), 0
    for own, other in zip(ours, theirs, strict=False):
        distance = np.abs(own.astype(np.float64) - other)
        decibels = psnr(distance)
        tolerance = FIRST_FIELDS if fields and count == 0 else HALVED if halved else FIELDS if fields else FRAME
        if distance.max() > tolerance.worst and (tolerance.psnr is None or decibels < tolerance.psnr):
            first = first if bad else count
            bad, lowest = bad + 1, min(lowest, decibels)
        count += 1
    if bad:
        yield f"pixels: {bad} of {count} frames, from number {first} on, at worst {lowest:.1f} dB"


def psnr(distance: NDArray[np.float64]) -> float:
    """DB of a difference in levels of 0..255; infinite if there is none."""
    error = float((distance**2).mean())
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def _without_delay(ours: Clip, theirs: Clip) -> Clip:
    delay = ours.times[0] - theirs.times[0] if ours.times and theirs.times else Fraction(0)
    if abs(delay) > DELAY:
        return ours
    return replace(
        ours,
        times=tuple(time - delay for time in ours.times),
        end=None if ours.end is None else ours.end - delay,
        sounds=tuple(replace(sound, start=sound.start - delay) for sound in ours.sounds),
    )


def _between_times(ours: Clip, theirs: Clip) -> Iterator[str]:
    far = [abs(own - other) for own, other in zip(ours.times, theirs.times, strict=True)]
    late = [number for number, distance in enumerate(far) if distance > TIME]
    if late:
        first = late[0]
        yield (
            f"times: {len(late)} of {len(far)}, from number {first} on: {float(ours.times[first]):.4f} s, "
            f"not {float(theirs.times[first]):.4f} s"
        )
    elif ours.end is not None and theirs.end is not None and theirs.times:
        gaps = [b - a for a, b in zip(theirs.times, theirs.times[1:], strict=False)]
        # Of B-frames, FFmpeg's versions say differently how long the last one is shown.
        allowed = sorted(gaps)[len(gaps) // 2] if gaps else Fraction(1, 25)
        if abs(ours.end - theirs.end) > max(allowed, TIME):
            yield f"last frame: shown until {float(ours.end):.3f} s, not {float(theirs.end):.3f} s"


def _between_sounds(ours: Sound, theirs: Sound) -> Iterator[str]:
    if theirs.hidden and len(ours.packets) == len(theirs.packets) - theirs.hidden:
        theirs = Sound(theirs.packets[theirs.hidden :], theirs.start if theirs.heard is None else theirs.heard)
    if ours.packets != theirs.packets:
        same = set(ours.packets) & set(theirs.packets)
        yield (
            f"{len(ours.packets)} packets, not {len(theirs.packets)}"
            if len(ours.packets) != len(theirs.packets)
            else f"{len(theirs.packets) - len(same)} of {len(theirs.packets)} packets changed, or moved"
        )
    if abs(ours.start - theirs.start) > TIME:
        yield f"begins at {float(ours.start):.3f} s, not {float(theirs.start):.3f} s"


def _size(picture: NDArray[np.uint8]) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"
