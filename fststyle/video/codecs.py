"""The codecs that videos are written with, and the encoder of one group of pictures.

Every group is compressed by an encoder of its own, so that its packets are a function of its frames alone.
"""

import platform
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from fststyle.video.clip import Clip, Frame

_LONGEST_GROUP = 50  # frames; as many are lost where a process is killed, and workers hold them
_BT709, _LIMITED, _UNSPECIFIED = 1, 1, 2

# With AVX-512, x264 now and then gives other packets for the same small frames; without it they are always the same,
# for a tenth more time in the encoder. Named to another kind of processor, instructions would all be turned off.
_SAME_EVERY_TIME = (("x264-params", "asm=SSE4.2"),) if platform.machine().lower() in ("x86_64", "amd64") else ()


@dataclass(frozen=True)
class Codec:
    """How frames are compressed.

    Attributes:
        encoder: ffmpeg's name.
        pixel_format: What it is given.
        options: ffmpeg's, without the quality.
        crf: Its default quality, lower is better; None is lossless.
    """

    encoder: str
    pixel_format: str
    options: tuple[tuple[str, str], ...]
    crf: int | None

    def quality(self, crf: int | None) -> int | None:
        """What is used where this is asked for; None asks for the default."""
        return self.crf if crf is None else crf

    def __str__(self) -> str:
        """All that its packets depend on beside the frames and the quality."""
        return " ".join([self.encoder, self.pixel_format, *(f"{name}={value}" for name, value in self.options)])


CODECS = {
    "h264": Codec(
        "libx264", "yuv420p", (("preset", "superfast"), ("bf", "0"), ("flags", "+cgop"), *_SAME_EVERY_TIME), 19
    ),
    "hevc": Codec(
        "libx265", "yuv420p", (("preset", "fast"), ("x265-params", "bframes=0:open-gop=0:log-level=error")), 20
    ),
    "ffv1": Codec("ffv1", "yuv444p", (("level", "3"), ("slicecrc", "1")), None),
}


def group_length(rate: Fraction) -> int:
    """Frames between two key frames: a second's, and no more than memory allows."""
    return min(_LONGEST_GROUP, max(1, round(rate)))


class GroupEncoder:
    """Compresses groups of pictures of a clip.

    Args:
        codec: How.
        clip: Its size, rate and colors.
        crf: Quality, lower is better; None is the codec's own.

    Attributes:
        group: Frames in a group.
    """

    def __init__(self, codec: Codec, clip: Clip, crf: int | None) -> None:
        self._codec, self._clip = codec, clip
        self._crf = codec.quality(crf)
        self.group = group_length(clip.rate)
        self._context: Any = None
        self._packets: list[Any] = []

    def options(self) -> dict[str, str]:
        """FFmpeg's, for an encoder."""
        options = dict(self._codec.options)
        if self._crf is not None and self._codec.crf is not None:
            options["crf"] = str(self._crf)
        return options

    def settle(self, context: Any) -> None:
        """Tell an encoder the clip's size, rate and colors."""
        even = 1 if self._codec.pixel_format == "yuv444p" else 2
        context.width = -(-self._clip.width // even) * even
        context.height = -(-self._clip.height // even) * even
        context.pix_fmt = self._codec.pixel_format
        context.time_base = self._clip.time_base
        context.framerate = self._clip.rate
        context.gop_size = self.group
        context.sample_aspect_ratio = self._clip.pixel_aspect
        context.colorspace, context.color_range = _BT709, _LIMITED
        context.color_primaries = _BT709 if self._clip.primaries == _UNSPECIFIED else self._clip.primaries
        context.color_trc = _BT709 if self._clip.transfer == _UNSPECIFIED else self._clip.transfer
        context.flags |= av.codec.context.Flags.global_header

    def add(self, image: av.VideoFrame, frame: Frame) -> None:
        """Begin to compress the group's next frame."""
        if self._context is None:
            self._context = av.CodecContext.create(self._codec.encoder, "w")
            self._context.options = self.options()
            self.settle(self._context)
        image.pts, image.time_base, image.duration = frame.pts, self._clip.time_base, 0
        self._packets += self._context.encode(image)

    def packets(self) -> list[Any]:
        """A packet for each frame that was added; what is added next begins another group."""
        packets = [*self._packets, *self._context.encode(None)]
        self._context, self._packets = None, []
        return packets


def as_encoded(packet: bytes) -> bytes:
    """A packet of H.264 or HEVC from a file as its encoder gave it: start codes instead of lengths.

    ffmpeg's filters for this put the headers in as well, and the file would differ from an unbroken run's.
    """
    parts, at = [], 0
    while at < len(packet):
        length = int.from_bytes(packet[at : at + 4], "big")
        parts.append(b"\0\0\0\1" + packet[at + 4 : at + 4 + length])
        at += 4 + length
    return b"".join(parts)
