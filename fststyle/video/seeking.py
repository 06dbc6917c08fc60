"""From where a file must be read so that nothing is missing at a given second."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Discard

from fststyle.video.decoding import has_no_times
from fststyle.video.source import opened

# Seconds further back, one after the other: files without an index are entered anywhere, and the next key frame may be
# as far away as the last one.
_STEPS = (0, 1, 2, 4, 8, 16, 32, 64, 128)

# Sound has other times there than when the file is read from its beginning.
_WRONG_AFTER_SEEKING = {"ogg"}

# Seconds by which a subtitle may stand later in the file than the pictures of its time.
_INTERLEAVING = 2


def place_to_read_from(path: Path, pictures: int, sounds: list[int], start: Fraction) -> Fraction | None:
    """The second to seek to; None is the beginning of the file.

    Args:
        path: Opened anew, since a container that was read from remembers where key frames are.
        pictures: Index of the stream of pictures.
        sounds: Indexes of the streams of sound.
        start: What has to be there, pictures and sound, on the file's own clock.
    """
    for step in _STEPS:
        with opened(path) as container:
            if has_no_times(container) or container.format.name in _WRONG_AFTER_SEEKING:
                return None
            first = Fraction(container.start_time or 0, 1_000_000)
            place = start - step
            if place <= first:
                return None
            try:
                seek(container, place)
                if _has_everything(container, pictures, sounds, start):
                    return place
            except av.FFmpegError:
                continue
    return None


def seek(container: InputContainer, place: Fraction) -> None:
    """Go to the last key frame before a second, or where the file takes for that.

    Raises:
        av.FFmpegError: It cannot be sought in.
    """
    container.seek(int(place * 1_000_000), backward=True)


def on_screen(path: Path, pictures: int, subtitles: list[int], start: Fraction) -> "list[av.Packet[Any]]":
    """The packets of subtitles that began before a second and are still shown then, in the order of the file.

    Args:
        path: Read from its beginning, since subtitles may last long and have no index.
        pictures: Index of the stream of pictures.
        subtitles: Indexes of the streams of subtitles.
        start: On the file's own clock.
    """
    shown: list[av.Packet[Any]] = []
    with opened(path) as container, suppress(av.FFmpegError):
        wanted = [container.streams[index] for index in (pictures, *subtitles)]
        for stream in container.streams:
            stream.discard = Discard.default if stream in wanted else Discard.all
        container.streams[pictures].discard = Discard.nonkey  # they only tell how far it was read
        for packet in container.demux(*wanted):
            if packet.pts is None:
                continue
            begins = packet.pts * packet.time_base
            if packet.stream.index != pictures and begins < start:
                shown = [other for other in shown if not _is_over(other, packet)] + [packet]
            elif begins > start + _INTERLEAVING:
                break
    return [packet for packet in shown if not packet.duration or _end_of(packet) > start]


def _is_over(packet: "av.Packet[Any]", later: "av.Packet[Any]") -> bool:
    """Whether a subtitle is gone when a later one begins; one without a duration gives way to the next."""
    if packet.duration:
        return _end_of(packet) <= (later.pts or 0) * later.time_base
    return packet.stream_index == later.stream_index


def _end_of(packet: "av.Packet[Any]") -> Fraction:
    return Fraction(((packet.pts or 0) + (packet.duration or 0)) * packet.time_base)


def _has_everything(container: InputContainer, pictures: int, sounds: list[int], start: Fraction) -> bool:
    """Whether a whole picture at or before `start` can be decoded from here, and no sound at `start` lies behind."""
    missing = {index for index in sounds if _begins_before(container.streams[index], start)}
    decoding = reached = False
    for packet in container.demux(*(container.streams[index] for index in (pictures, *sounds))):
        index = packet.stream.index
        if packet.pts is not None and index in missing:
            if packet.pts * packet.time_base > start:
                return False
            missing.remove(index)
        elif index == pictures and not reached:
            if packet.is_keyframe and not decoding:
                if packet.pts is None or packet.pts * packet.time_base > start:
                    return False
                decoding = True
            if decoding:
                frames: list[Any] = list(packet.decode())
                if frames and (frames[0].pts is None or frames[0].pts * frames[0].time_base > start):
                    return False
                reached = bool(frames)
        if reached and not missing:
            return True
    return reached


def _begins_before(stream: Any, start: Fraction) -> bool:
    return stream.start_time is None or stream.start_time * stream.time_base <= start
