"""The frames and packets of a part of a file, in the order of the file."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from fststyle.system.warn import warn
from fststyle.video.decoding import Decoder, Shown
from fststyle.video.length import Length
from fststyle.video.seeking import on_screen, place_to_read_from, seek
from fststyle.video.span import Span

# Seconds by which a file may end earlier than it says.
_CUT_OFF = Fraction(1, 2)

# Seconds of pictures behind the part, after which no sound or subtitle of it is to be expected.
_INTERLEAVING = 10


class Part:
    """Reads it once."""

    def __init__(
        self,
        path: Path,
        container: InputContainer,
        decoder: Decoder,
        copied: tuple[Any, ...],
        span: Span,
        *,
        every_tick: bool,
    ) -> None:
        """Take what is open, and where it came from.

        Args:
            path: For a second look into the file.
            container: The file, which nothing was read of.
            decoder: Of its pictures.
            copied: The streams whose packets are wanted.
            span: The part.
            every_tick: A frame is wanted from the first moment on, however shortly it is still shown.
        """
        self._path = path
        self._name = str(path)
        self._container = container
        self._decoder = decoder
        self._pictures = decoder.stream
        self._copied = copied
        self._span = span
        self._every_tick = every_tick
        self._length = Length(path, container, self._pictures)
        self._waiting = {self._pictures.index, *(stream.index for stream in copied)}
        self._seen = Fraction(0)
        self._before: Shown | None = None
        self._failure: av.FFmpegError | None = None

    def items(self) -> Iterator["Shown | av.Packet[Any]"]:
        """Frames on the file's clock that lie in the span, and packets of its copied streams on the output's."""
        if self._span.start is not None:
            yield from self._on_screen(self._span.start)
            self._seek(self._span.start)
        for packet in self._packets():
            index = packet.stream.index  # not stream_index: it is 0 in the packets that drain the decoders
            if index not in self._waiting:
                if self._is_far_behind(packet):
                    return
                continue
            if index == self._pictures.index:
                yield from self._shown(self._decoder(packet))
            elif packet.pts is not None or packet.dts is not None:
                yield from self._in_span(packet)
            if not self._waiting:
                return
        yield from self._shown_already(None)
        self._warn_if_cut_off()

    def _is_far_behind(self, packet: "av.Packet[Any]") -> bool:
        seconds = None if packet.dts is None else packet.dts * packet.time_base
        return seconds is not None and self._span.is_behind(Fraction(seconds - _INTERLEAVING))

    def _shown(self, frames: Iterator[Shown]) -> Iterator[Shown]:
        """Those in the span."""
        base = Fraction(self._pictures.time_base)
        for shown in frames:
            self._seen = max(self._seen, (shown.pts + shown.duration) * base)
            if self._span.is_before(shown.pts * base):
                self._before = shown
                continue
            yield from self._shown_already(shown.pts)
            if self._span.is_behind(shown.pts * base):
                self._waiting.discard(self._pictures.index)
                return
            yield shown

    def _shown_already(self, ends: int | None) -> Iterator[Shown]:
        """The frame before the span, if it is to be seen in it: at a constant rate, or for longer than a blink.

        Args:
            ends: When the next frame is shown, in units of the stream's time base; None if there is none.
        """
        before, self._before = self._before, None
        if before is None:
            return
        base = Fraction(self._pictures.time_base)
        begins = before.pts * base
        lasts = self._length.of_last(begins, before.duration * base) if ends is None else ends * base - begins
        if self._span.shows(begins + lasts, every_tick=self._every_tick):
            yield before

    def lasting(self, frames: Iterator[Shown]) -> Iterator[Shown]:
        """The last frame is shown as long as the file says, but not beyond the span."""
        base, last = Fraction(self._pictures.time_base), None
        for shown in frames:
            if last is not None:
                yield last
            last = shown
        if last is None:
            return
        begins = last.pts * base
        lasts = self._length.of_last(begins, last.duration * base)
        yield last._replace(duration=max(1, round(self._span.within(begins, lasts) / base)))

    def _in_span(self, packet: "av.Packet[Any]") -> Iterator["av.Packet[Any]"]:
        """The packet, if it is in the span."""
        begins = Fraction(packet.pts if packet.pts is not None else packet.dts or 0) * packet.time_base
        self._seen = max(self._seen, begins + (packet.duration or 0) * packet.time_base)
        if self._span.is_behind(begins):
            self._waiting.discard(packet.stream.index)
        elif not self._span.is_before(begins) and not (packet.is_discard and self._span.is_hidden(begins)):
            yield self._span.placed(packet)

    def _on_screen(self, start: Fraction) -> Iterator["av.Packet[Any]"]:
        """Subtitles that are shown already when the span begins."""
        subtitles = [stream.index for stream in self._copied if stream.type == "subtitle"]
        for packet in on_screen(self._path, self._pictures.index, subtitles, start) if subtitles else []:
            packet.stream = self._container.streams[packet.stream_index]
            yield self._span.placed(packet, start)

    def _seek(self, start: Fraction) -> None:
        sounds = [stream.index for stream in self._copied if stream.type == "audio"]
        place = place_to_read_from(self._path, self._pictures.index, sounds, start)
        if place is not None:
            with suppress(av.FFmpegError):  # what cannot be sought is read from its beginning
                seek(self._container, place)

    def _packets(self) -> Iterator["av.Packet[Any]"]:
        """Up to where the file can be read; what the decoder still holds is asked for there, too."""
        try:
            yield from self._container.demux(self._pictures, *self._copied)
        except av.FFmpegError as error:
            self._failure = error
            last: av.Packet[Any] = av.Packet()
            last.stream = self._pictures
            yield last

    def _warn_if_cut_off(self) -> None:
        """At the end of the file."""
        if self._failure is not None:
            warn(
                f"{self._name} is cut off at {float(self._seen):.1f} s ({self._failure.strerror}); "
                "what comes before is painted"
            )
            return
        promised = self._length.promised(self._copied)
        if self._span.end is None and promised is not None and promised - self._seen > _CUT_OFF:
            ends, wanted = float(self._seen - self._span.origin), float(promised - self._span.origin)
            warn(f"{self._name} is cut off: it ends at {ends:.1f} of {wanted:.1f} s")
