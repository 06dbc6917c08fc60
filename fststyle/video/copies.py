"""Sound and subtitles of the input in the output: copied as they are, or made into what the file can hold."""

import io
import wave
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import av
from av.bitstream import BitStreamFilterContext

from fststyle.errors import VideoError
from fststyle.system.warn import warn
from fststyle.video.aac import AacEncoder
from fststyle.video.timing import Monotonic

SOUNDS = ("copy", "aac", "none")
"""What can be done with sound."""

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""FFmpeg's names of the containers that are written."""

# FFmpeg before 6.0 takes them for samples of 16 bits in .mp4.
_LONG_SAMPLES = {f"pcm_{form}{order}" for form in ("s24", "s32", "f32", "f64") for order in ("le", "be")}

_TEXT = {"mp4": "mov_text", "mov": "mov_text", "matroska": "srt"}


class _Filter(Protocol):
    """Makes packets of packets."""

    stream: Any

    def __call__(self, packet: "av.Packet[Any] | None") -> Iterable["av.Packet[Any]"]:
        """What becomes of a packet; None is the end of the stream."""


class Copies:
    """The streams of a file besides its pictures."""

    def __init__(self, container: Any, suffix: str, sources: Sequence[Any], sound: str = "copy") -> None:
        """Add a stream to the container for everything that is kept.

        Args:
            container: The output, before anything was written to it.
            suffix: Of the output, one of `FORMATS`.
            sources: Streams of the input.
            sound: One of `SOUNDS`.

        Raises:
            VideoError: The file cannot hold the sound as it is.
        """
        self._filters: dict[int, _Filter] = {}
        self._names: dict[int, str] = {}
        self._ended = False
        self._places: dict[int, Monotonic] = {}
        self._strict = FORMATS[suffix] != "matroska"
        for source in sources:
            made = _sound(container, suffix, source, sound) if source.type == "audio" else _subtitle(container, source)
            if made is None:
                continue
            made.stream.metadata.update(source.metadata)
            made.stream.disposition = source.disposition
            self._filters[source.index] = made
            kind = "sound" if source.type == "audio" else "subtitles"
            self._names[source.index] = f"{_name(source)}: a stream of {kind}"

    def packets(self, packet: "av.Packet[Any]") -> Iterator["av.Packet[Any]"]:
        """What is to be written of a packet of the input; the container's header must have been written."""
        index = packet.stream_index
        if index in self._filters:
            yield from self._placed(index, packet)

    def rest(self) -> Iterator["av.Packet[Any]"]:
        """What comes after the last packet; nothing, if that was asked for before."""
        if self._ended:
            return
        self._ended = True
        for index in self._filters:
            yield from self._placed(index, None)

    def _placed(self, index: int, packet: "av.Packet[Any] | None") -> Iterator["av.Packet[Any]"]:
        """With times that rise in the units of the output, which may be coarser than the input's."""
        made = self._filters[index]
        stream = made.stream
        for part in made(packet):
            part.stream = stream
            unit = part.time_base / stream.time_base
            decoded = part.pts if part.dts is None else part.dts
            shown = decoded if part.pts is None else part.pts
            if decoded is None or shown is None:
                continue
            if index not in self._places:
                length = round((part.duration or 0) * unit)
                step = 1 if self._strict and stream.type == "audio" else 0
                self._places[index] = Monotonic(stream.time_base, length, self._names[index], step)
            ahead = round((shown - decoded) * unit)
            part.duration = round((part.duration or 0) * unit)
            part.time_base = stream.time_base
            part.dts = self._places[index](round(decoded * unit))
            part.pts = part.dts + ahead
            yield part


class _Copy:
    """A packet as it is."""

    def __init__(self, container: Any, source: Any) -> None:
        """Raises ValueError or av.FFmpegError where the container's format does not know the codec."""
        self.stream: Any
        self._filter: BitStreamFilterContext | None = None
        self._warned = False
        self._name = _name(source)
        try:
            self.stream = container.add_stream_from_template(source)
        except ValueError:
            if source.type != "audio" or container.format.name != "matroska":
                raise
            self.stream = _like_in_wav(container, source)
        codec = source.codec_context
        if codec.name == "aac" and not codec.extradata:
            # MPEG-TS has a header in every packet; other files have one at their beginning.
            self._filter = BitStreamFilterContext("aac_adtstoasc", source)

    def __call__(self, packet: "av.Packet[Any] | None") -> Iterable["av.Packet[Any]"]:
        if packet is None:
            return []
        if self._filter is None:
            return [packet]
        base = packet.time_base
        try:
            filtered = self._filter.filter(packet)
        except av.FFmpegError:
            if not self._warned:
                warn(f"{self._name}: parts of its sound are damaged and left out")
            self._warned = True
            return []
        for part in filtered:
            part.time_base = base
        return filtered


class _Subtitle:
    """Text in the container's own form."""

    def __init__(self, container: Any, source: Any) -> None:
        """Raises ValueError or av.FFmpegError where they are no text, or cannot be decoded."""
        self._decoder = source.codec_context
        if not self._decoder.codec.text_sub:
            raise ValueError(f"{self._decoder.name} is a picture")
        self._decoder.open(strict=False)
        self.stream: Any = container.add_stream(_TEXT[container.format.name])
        self.stream.codec_context.subtitle_header = self._decoder.subtitle_header
        self.stream.time_base = self.stream.codec_context.time_base = source.time_base

    def __call__(self, packet: "av.Packet[Any] | None") -> Iterable["av.Packet[Any]"]:
        if packet is None:
            return []
        try:
            text = self._decoder.decode2(packet)
            if text is None or not len(text):
                return []  # says that nothing is shown
            written = self.stream.codec_context.encode_subtitle(text)
        except av.FFmpegError:
            return []
        written.time_base, written.duration = packet.time_base, packet.duration
        written.pts = written.dts = packet.pts
        return [written]


def _sound(container: Any, suffix: str, source: Any, sound: str) -> _Filter | None:
    if sound == "none":
        return None
    codec = None if source.codec_context is None else source.codec_context.name
    if codec is not None and sound == "aac" and codec != "aac":
        return AacEncoder(container, source)
    if _fits(FORMATS[suffix], source):
        return _Copy(container, source)
    others = [other for other in (".mp4", ".mov", ".mkv") if _fits(FORMATS[other], source)]
    raise VideoError(
        f"{suffix} cannot hold the sound of {_name(source)} ({codec or 'of an unknown kind'}); "
        + ("" if codec is None else "encode it with --sound aac, ")
        + "leave it out with --sound none"
        + (f", or name the output {' or '.join(others)}" if others else "")
    )


def _subtitle(container: Any, source: Any) -> _Filter | None:
    if _fits(container.format.name, source):
        return _Copy(container, source)
    try:
        return _Subtitle(container, source)
    except (ValueError, AttributeError, av.FFmpegError):
        codec = "of an unknown kind" if source.codec_context is None else source.codec_context.name
        known = ".mkv can" if container.format.name != "matroska" and _fits("matroska", source) else ""
        warn(
            f"{_name(source)}: its subtitles ({codec}) are left out, the output cannot hold them"
            + (f"; {known}" if known else "")
        )
        return None


def _fits(container_format: str, source: Any) -> bool:
    """Whether such a file can hold packets of that stream, and most players read them."""
    if source.codec_context is None:
        return False
    if container_format == "mp4" and source.codec_context.name in _LONG_SAMPLES:
        return False
    scratch: Any = av.open(io.BytesIO(), "w", format=container_format)
    try:
        _Copy(scratch, source)
        scratch.start_encoding()
        scratch.close()
    except (ValueError, av.FFmpegError):
        return False
    return True


def _like_in_wav(container: Any, source: Any) -> Any:
    """A stream of .mkv with sound as .wav and .avi have it; PyAV only lets pass what Matroska has a name for."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 1, "NONE", "not compressed"))
        sound.writeframes(bytes(2))
    file.seek(0)
    with av.open(file) as known:
        stream: Any = container.add_stream_from_template(known.streams.audio[0])
    BitStreamFilterContext("null", source, stream)  # overwrites what the stream says of itself
    stream.codec_context.codec_tag = "\0\0\0\0"  # FFmpeg chooses the one for .mkv
    stream.time_base = source.time_base
    return stream


def _name(source: Any) -> str:
    return Path(source.container.name).name
