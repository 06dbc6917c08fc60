"""Packets of moving pictures to frames, each at a later time than the one before; damage costs what it hits."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import av
from av.container import InputContainer
from av.format import Flags

from fststyle.errors import VideoError
from fststyle.system.warn import warn
from fststyle.video.clip import DEFAULT_RATE, warn_of_transparency
from fststyle.video.deinterlace import Deinterlacer
from fststyle.video.timing import BestTime, Monotonic, run_backwards

# A damaged stream is left after so many errors without a picture between them.
_MOST_ERRORS = 100

_HIGHEST_RATE = 1000
_OPAQUE = 255

# So many frames show whether their times are in order; no codec reorders more.
_LOOK_AHEAD = 17


class Shown(NamedTuple):
    """A decoded frame.

    Attributes:
        image: As decoded, or deinterlaced.
        pts: When it is shown, in units of its stream's time base.
        duration: How long, likewise; the usual duration where the file does not say.
    """

    image: av.VideoFrame
    pts: int
    duration: int


@dataclass(frozen=True)
class Beginning:
    """What the first frames of a stream tell that its header does not.

    Attributes:
        frame: The first one.
        pts: Its time, in units of the stream's time base; None if it has none.
        decoding_delay: As `BestTime` has it; None unless the frames' own times are out of order.
    """

    frame: av.VideoFrame
    pts: int | None
    decoding_delay: int | None

    @classmethod
    def of(cls, container: InputContainer, stream: Any, name: str) -> "Beginning":
        """Look into a container of its own, since going back would leave out sound that begins before the pictures.

        Raises:
            VideoError: Not one frame can be decoded.
        """
        frames: list[av.VideoFrame] = []
        errors, fed = 0, None
        with suppress(av.FFmpegError):
            for packet in container.demux(stream):
                fed = packet.dts if fed is None else fed
                try:
                    frames += packet.decode()
                except av.FFmpegError:
                    errors += 1
                if len(frames) >= _LOOK_AHEAD or errors > _MOST_ERRORS:
                    break
        if not frames:
            raise undecodable(name)
        delay, decoded = None, frames[0].dts
        if fed is not None and decoded is not None:
            # In an AVI, ffmpeg counts a delay of H.264 that is not there where no frame is stored out of order.
            guessed = container.format.name == "avi" and decoded == fed
            if guessed or run_backwards([frame.pts for frame in frames]):
                delay = decoded - fed
        return cls(frames[0], BestTime(delay)(frames[0].pts, decoded), delay)


class Decoder:
    """Decodes one stream, packet by packet.

    Attributes:
        stream: That stream.
        nominal: The usual duration of its frames, in units of its time base.
    """

    def __init__(self, stream: Any, name: str, decoding_delay: int | None) -> None:
        """`decoding_delay` is as in `Beginning`."""
        self._name = name
        self._base = Fraction(stream.time_base)
        self.stream = stream
        self.nominal = max(1, round(1 / (frame_rate(stream) * self._base)))
        self._best = BestTime(decoding_delay)
        self._place = Monotonic(self._base, self.nominal, name)
        self._deinterlacer: Deinterlacer[tuple[int, int]] = Deinterlacer(name)
        self._size: tuple[int, int] | None = None
        self._is_transparent = False
        self._held: av.Packet[Any] | None = None

    def __call__(self, packet: "av.Packet[Any]") -> Iterator[Shown]:
        """The frames that are ready; an empty packet asks for the last ones."""
        last = not packet.size and packet.dts is None
        if not packet.size and not last:
            return  # stands for a repeated frame; the decoder would take it for the end
        held, self._held = self._held, packet if packet.is_corrupt else None
        if held is not None and not last:
            yield from self._frames(held)
        # What is cut off at the end of the file is left out: with threads, its error would cost the frames before it.
        if not packet.is_corrupt:
            yield from self._frames(packet)
        if last:
            yield from self._whole(self._deinterlacer.rest())

    def _frames(self, packet: "av.Packet[Any]") -> Iterator[Shown]:
        for image in self._decode(packet):
            duration = int(image.duration or 0)
            pts = self._place(self._best(image.pts, image.dts), duration)
            yield from self._whole(self._deinterlacer(image, (pts, duration or self.nominal)))

    def _whole(self, frames: Iterator[tuple[av.VideoFrame, tuple[int, int]]]) -> Iterator[Shown]:
        for image, (pts, duration) in frames:
            self._note_size(image)
            self._note_transparency(image)
            yield Shown(image, pts, duration)

    def _decode(self, packet: "av.Packet[Any]") -> list[av.VideoFrame]:
        try:
            return list(packet.decode())
        except av.FFmpegError as error:
            at = "" if packet.pts is None else f" at {float(packet.pts * packet.time_base):.1f} s"
            warn(f"{self._name} is damaged{at} ({error.strerror}); what can be read is painted")
            return []

    def _note_transparency(self, image: av.VideoFrame) -> None:
        if self._is_transparent or not has_alpha(image):
            return
        alpha = image.reformat(format="rgba").to_ndarray()[:, :, 3]
        if alpha.min() < _OPAQUE:
            self._is_transparent = True
            warn_of_transparency(self._name)

    def _note_size(self, image: av.VideoFrame) -> None:
        size = image.width, image.height
        if self._size not in (None, size):
            warn(
                f"{self._name} goes on with frames of {image.width}×{image.height}; "
                "they are scaled to the size of the first"
            )
        self._size = size


def has_alpha(image: av.VideoFrame) -> bool:
    """Whether its pixels have room for transparency."""
    return any(component.is_alpha for component in image.format.components)


def frame_rate(stream: Any) -> Fraction:
    """Frames a second on average; what the codec says where the container keeps no times."""
    rates = [stream.average_rate, stream.guessed_rate]
    if has_no_times(stream.container):
        rates.reverse()  # the average is ffmpeg's default of 25 then
    return next((Fraction(rate) for rate in rates if rate is not None and 0 < rate <= _HIGHEST_RATE), DEFAULT_RATE)


def has_no_times(container: InputContainer) -> bool:
    """Whether this is a bare stream, such as .h264 or .m2v, which cannot be sought."""
    flags: Any = container.format.flags
    return bool(flags & Flags.no_timestamps.value)


def undecodable(name: str) -> VideoError:
    """What to say where not one frame can be had."""
    return VideoError(f"{name}: no frame of it can be decoded; download or export it again")
