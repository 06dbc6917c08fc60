"""Decoded frames <-> uint8 RGB: matrix, range, orientation.

A frame that does not say which matrix it uses is taken as players take it: BT.601 up to 576 lines, BT.709 above.
Written is BT.709 in limited range, and said so. Where the colors of a frame lie, FFmpeg's scaler reads from it
(`siting.py`).
"""

from typing import cast

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.video.chroma import ROWS, Half
from fststyle.video.siting import Left
from fststyle.video.upright import Orientation

# As ffmpeg numbers them.
_UNSPECIFIED = 2
_HDR = {16: "PQ", 18: "HLG"}
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# Of red and blue in the brightness.
_SHARES = {Colorspace.ITU709: (0.2126, 0.0722), Colorspace.ITU601: (0.299, 0.114)}
_UNKNOWN_MATRICES = {8: "YCgCo", 14: "ICtCp", 15: "IPT-C2", 16: "YCgCo-Re", 17: "YCgCo-Ro"}
_SD_HEIGHT, _SD_WIDTH = 576, 1024

# Chroma is spread over its pixels rather than repeated, and sums are rounded, not cut off.
_SCALING = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)


def matrix_by_size(width: int, height: int) -> Colorspace:
    """What players assume of a file that does not say."""
    return Colorspace.ITU601 if height <= _SD_HEIGHT and width <= _SD_WIDTH else Colorspace.ITU709


def refuse_hdr(transfer: int, name: str) -> None:
    """Raise for PQ and HLG: shown as if they were not, they are gray and flat.

    Args:
        transfer: The transfer characteristic, as ffmpeg numbers it.
        name: For the message.

    Raises:
        VideoError: It is one of the two.
    """
    if transfer in _HDR:
        raise VideoError(
            f"{name} is HDR ({_HDR[transfer]}), which a network trained on photos cannot paint; "
            "convert it to SDR (BT.709) first"
        )


def refuse_other_matrix(matrix: int, name: str) -> None:
    """Raise for a color matrix that FFmpeg's scaler does not know and would take for another one.

    Args:
        matrix: As ffmpeg numbers it.
        name: For the message.

    Raises:
        VideoError: It is one of these.
    """
    if matrix in _UNKNOWN_MATRICES:
        raise VideoError(
            f"{name} keeps its colors as {_UNKNOWN_MATRICES[matrix]}, which cannot be read; convert it first: "
            "ffmpeg with -vf zscale=matrix=709"
        )


class ToRgb:
    """Converts decoded frames, scales them, and turns them upright.

    Args:
        left: Colors of limited range lie at the left, though the frames do not say so.
    """

    def __init__(self, *, left: bool = False) -> None:
        self._reformatter = VideoReformatter()
        self._left = Left() if left else None

    def __call__(self, frame: av.VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
        """(height, width, 3), after the rotation that the frame asks for."""
        orientation = Orientation.of(frame)
        if orientation.transposed:
            width, height = height, width
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        assumed = matrix_by_size(frame.width, frame.height)
        if self._left is not None and not full and not frame.format.is_rgb:
            frame = self._left(frame)
        # To planes FFmpeg's scaler has fast ways, which give the same bytes in a quarter of the time; not from RGB.
        planar = not frame.format.is_rgb
        converted = self._reformatter.reformat(
            frame,
            width,
            height,
            "gbrp" if planar else "rgb24",
            src_colorspace=_MATRICES.get(int(frame.colorspace), assumed),
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG if full or frame.format.is_rgb else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_SCALING,
        )
        rgb = _interleaved(converted) if planar else converted.to_ndarray()
        return np.ascontiguousarray(orientation.apply(rgb))


def _interleaved(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The planes of a "gbrp" as (H, W, 3), RGB."""
    green, blue, red = _planes(frame)
    return cast(NDArray[np.uint8], cv2.merge((red, green, blue)))


def _limited(matrix: Colorspace) -> NDArray[np.float32]:
    """Y, Cb and Cr of limited range, times 256, from R, G, B and 1 of 0..255; (3, 4)."""
    red, blue = _SHARES[matrix]
    luma = np.array([red, 1 - red - blue, blue, 0])
    colors = [(np.eye(4)[channel] - luma) / (2 - 2 * luma[channel]) for channel in (2, 0)]
    ranges, least = np.array([[219], [224], [224]]), np.array([[0, 0, 0, 16]] + 2 * [[0, 0, 0, 128]])
    return np.asarray(256 * (np.stack([luma, *colors]) * ranges / 255 + least), np.float32)


def _planes(frame: av.VideoFrame) -> list[NDArray[np.uint8]]:
    """Of a frame in 8 bits, to be read and written, (height, width) each."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes
    ]


class FromRgb:
    """Converts (H, W, 3) to frames for an encoder; odd sides are made even by repeating the last row or column."""

    def __init__(self, pixel_format: str, matrix: Colorspace = Colorspace.ITU709) -> None:
        self._format = pixel_format
        self._matrix = matrix
        self._weights = _limited(matrix)
        self._reformatter = VideoReformatter()

    def __call__(self, rgb: NDArray[np.uint8]) -> av.VideoFrame:
        """In limited range; (3, 5) becomes (4, 6) where the format halves its colors."""
        if self._format == "yuv420p":
            return self._with_halved_colors(rgb)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
        return frame if self._format == "rgb24" else self._converted(frame, self._format)

    def _with_halved_colors(self, rgb: NDArray[np.uint8]) -> av.VideoFrame:
        height, width = rgb.shape[:2]
        if height % 2 or width % 2:
            rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            height, width = rgb.shape[:2]
        made = av.VideoFrame(width, height, "yuv420p")
        luma, *colors = _planes(made)
        halves = [Half(height, width) for _ in colors]
        for top in range(0, height, ROWS):
            rows = slice(top, top + ROWS)
            fine, *others = cv2.split(cv2.transform(rgb[rows].astype(np.uint16), self._weights))
            cv2.convertScaleAbs(fine, luma[rows], 1 / 256, 1 / 1024)  # halves are rounded up
            for half, other in zip(halves, others, strict=True):
                half.put(top, cast(NDArray[np.uint16], other))
        for color, half in zip(colors, halves, strict=True):
            color[:] = half.finished()
        return made

    def _converted(self, frame: av.VideoFrame, pixel_format: str) -> av.VideoFrame:
        return self._reformatter.reformat(
            frame,
            format=pixel_format,
            src_colorspace=self._matrix,
            dst_colorspace=self._matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_SCALING,
        )
