"""Paint that travels with what it was painted on.

A network paints every frame anew, and what it paints on a thing changes as the thing moves by parts of a pixel. Here
each frame is matched with the one before (DIS optical flow, Kroeger 2016), and where the match is good a share of the
old paint is moved along and mixed in. Mixing two paintings of one texture fades it, as any average does, and the style
is in the contrast; the mixture's brightness is therefore given the contrast of the new paint, octave by octave. Heitz
and Neyret (2018) do so when they blend textures, for the contrast of the whole; here one gain for all octaves cost up
to three times as much style. Doing it for all colors takes twice the time and saves a hundredth of the style cost.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from fststyle.paint.contrast import LEAST_SIDE, missing_contrast

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

# The longer side at which motion is looked for; at 384 both flicker and style cost come out a little worse.
_FLOW_SIDE = 512

# Of DIS: pixels from patch to patch, and steps of descent and of refinement. Its own "medium" has 3, 25 and 5; it takes
# twice the time, and frames that are moved by it come 1 to 2 % closer to the next one.
_PATCH_STRIDE, _DESCENT, _REFINEMENT = 4, 8, 2

# Standard deviation in pixels. A frame moved by half a pixel is softer than the next one, which is no change of the
# scene: without the blur, sharp edges count as new, and a pan over a building keeps twice the flicker.
_BLUR = 1.1

# A match is good where a neighborhood of 5 × 5 differs by less gray levels than this, and bad at twice as many.
_ALIKE_LEVELS = 8.0
_NEIGHBORHOOD = (5, 5)

# Fixed point: shares of old paint are multiples of 1 / 256, which takes two thirds of the time of floating point.
_ONE = 256

# Rows that are mixed at one time, and stay in the processor's cache.
_ROWS = 32


class _Seen(NamedTuple):
    small: Pixels
    """The frame as motion is looked for in it, blurred, (h, w, 3)."""
    painted: Pixels
    """What was shown of it, (H, W, 3)."""


class Moved(NamedTuple):
    """Old paint where it belongs now.

    Brightness by cubics: a linear filter, applied at every frame, wipes brush strokes away. Lanczos is no better, and
    four times slower. Colors by lines: by cubics they take three times as long and look the same.
    """

    colors: Pixels
    """(H, W, 3), whose brightness is not used."""
    bright: Pixels
    """(H, W)."""


class Carrier:
    """Carries the paint of one frame on to the next.

    Args:
        share: How much of its old paint a thing keeps where the frames match, 0..1.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._flow.setPatchStride(_PATCH_STRIDE)
        self._flow.setGradientDescentIterations(_DESCENT)
        self._flow.setVariationalRefinementIterations(_REFINEMENT)
        self._before: _Seen | None = None

    @staticmethod
    def look(rgb: Pixels) -> Pixels:
        """A frame, (H, W, 3), as small and blurred as motion is looked for in it."""
        while max(rgb.shape[:2]) >= 2 * _FLOW_SIDE:
            rgb = _resized(rgb, *(-(-length // 2) for length in rgb.shape[:2]))
        height, width = rgb.shape[:2]
        scale = min(1.0, _FLOW_SIDE / max(height, width))
        small = _resized(rgb, max(1, round(height * scale)), max(1, round(width * scale)))
        return cast(Pixels, cv2.GaussianBlur(small, (0, 0), _BLUR))

    def __call__(self, small: Pixels, painted: Pixels) -> Pixels:
        """What to show of the next frame.

        Args:
            small: The frame, as `look` gave it.
            painted: What the network made of it, (H, W, 3).
        """
        before = self._before
        if before is not None and before.painted.shape == painted.shape and min(small.shape[:2]) >= LEAST_SIDE:
            flow = self._flow.calc(_gray(small), _gray(before.small), None)
            share = self._share * _match(small, before.small, flow)
            painted = mix(painted, _moved(before.painted, flow), share)
        self._before = _Seen(small, painted.copy())  # the caller may draw on what it is given
        return painted

    def forget(self) -> None:
        """Show the next frame as it is painted."""
        self._before = None

    def state(self) -> dict[str, NDArray[Any]]:
        """For `restore`."""
        return {} if self._before is None else {"small": self._before.small, "painted": self._before.painted}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on as if the frames before had been seen here."""
        self._before = _Seen(state["small"], state["painted"]) if "small" in state else None


def mix(painted: Pixels, moved: Moved, share: Floats) -> Pixels:
    """Mix old paint into new, (H, W, 3), without fading it.

    Args:
        painted: The new paint.
        moved: The old paint, where it belongs now.
        share: Of the old paint, 0..1, at any size.
    """
    own = _gray(painted)
    shares = _resized(np.rint(share * _ONE).astype(np.int16), *own.shape)
    missing = np.zeros_like(shares)
    if min(own.shape) >= LEAST_SIDE:
        mixed = cv2.add(own, _share_of(shares, moved.bright, own), dtype=cv2.CV_8U)
        missing = missing_contrast(cast(Pixels, mixed), own)
    shown = np.empty_like(painted)
    for top in range(0, len(own), _ROWS):
        rows = slice(top, top + _ROWS)
        colors, part = moved.colors[rows], shares[rows]
        brighter = cv2.add(missing[rows], _share_of(part, moved.bright[rows], _gray(colors)))
        change = cv2.add(_share_of(cv2.merge([part] * 3), colors, painted[rows]), cv2.merge([brighter] * 3))
        cv2.add(painted[rows], change, shown[rows], dtype=cv2.CV_8U)
    return shown


def _share_of(shares: Any, one: Pixels, other: Pixels) -> Any:
    """A share of the difference of two pictures, int16; all three have the same shape."""
    return cv2.multiply(cv2.subtract(one, other, dtype=cv2.CV_16S), shares, scale=1 / _ONE)


def _gray(rgb: Pixels) -> Pixels:
    return cast(Pixels, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


def _match(small: Pixels, before: Pixels, flow: Floats) -> Floats:
    """How well each pixel is known from the frame before, (h, w): 1 well, 0 not."""
    height, width = flow.shape[:2]
    red, green, blue, _ = cv2.split(cv2.absdiff(_with_fourth(small), _remapped(_with_fourth(before), flow)))
    apart = cv2.blur(cv2.max(cv2.max(red, green), blue).astype(np.float32), _NEIGHBORHOOD)
    good = (2 - apart / _ALIKE_LEVELS).clip(0, 1)
    within = cv2.inRange(flow + _grid(height, width), (0, 0), (width - 1, height - 1))
    return cast(Floats, cv2.erode(cv2.copyTo(good, within), np.ones((3, 3), np.uint8)))


def _moved(painted: Pixels, flow: Floats) -> Moved:
    """The old paint where it belongs now."""
    height, width = painted.shape[:2]
    scale = np.array((width / flow.shape[1], height / flow.shape[0]), np.float32)
    offsets = _resized(flow * scale, height, width)
    colors = cv2.cvtColor(_remapped(_with_fourth(painted), offsets), cv2.COLOR_RGBA2RGB)
    return Moved(cast(Pixels, colors), _remapped(_gray(painted), offsets, cv2.INTER_CUBIC))


def _with_fourth(rgb: Pixels) -> Pixels:
    """Four channels are remapped in half the time of three."""
    return cast(Pixels, cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA))


def _remapped(pixels: Pixels, offsets: Floats, interpolation: int = cv2.INTER_LINEAR) -> Pixels:
    """Each pixel from so far away, (height, width, 2), x and y."""
    no_second = cast(Any, None)  # OpenCV's own type hints know no maps of x and y in one
    way = interpolation | cv2.WARP_RELATIVE_MAP
    return cast(Pixels, cv2.remap(pixels, offsets, no_second, way, borderMode=cv2.BORDER_REFLECT_101))


def _resized(values: Any, height: int, width: int) -> Any:
    """By linear interpolation; at half the sides that is the mean of four pixels."""
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)


@lru_cache(maxsize=4)
def _grid(height: int, width: int) -> Floats:
    """Where each pixel is: (height, width, 2), x and y."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
