"""What ffprobe says of a video: its streams, its packets of sound, where its pictures end."""

import json
import subprocess
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from reader_differences import Sound


class RefusedError(Exception):
    """The reference cannot read the file."""


@dataclass(frozen=True)
class Facts:
    """What ffprobe says before a frame is decoded.

    Attributes:
        index: Of the stream of moving pictures.
        start: The container's first second; times are counted from there.
        stream: As ffprobe has it.
        timed: Whether the file says when each frame is shown; AVI does not, and readers guess.
        end: The second up to which the last frame is shown, from `start`.
        sounds: From `start`.
        subtitles: How many streams.
    """

    index: int
    start: Fraction
    stream: dict[str, Any]
    timed: bool
    end: Fraction | None
    sounds: tuple[Sound, ...]
    subtitles: int

    @property
    def aspect(self) -> float:
        """Width over height of a pixel, before rotation."""
        numerator, _, denominator = self.stream.get("sample_aspect_ratio", "1:1").partition(":")
        return int(numerator) / int(denominator) if int(numerator) and int(denominator or 0) else 1.0

    @property
    def interlaced(self) -> bool:
        """Whether its frames are two fields."""
        return self.stream.get("field_order") in {"tt", "bb", "tb", "bt"} or self.stream.get("codec_name") == "dvvideo"

    @property
    def turn(self) -> tuple[str, ...]:
        """The filters that turn a frame as its display matrix says."""
        for side in self.stream.get("side_data_list", []):
            rows = [line.split(":")[-1].split() for line in side.get("displaymatrix", "").splitlines() if ":" in line]
            if len(rows) == 3:
                (a, b, _), (c, d, _) = (map(int, row) for row in rows[:2])
                if a and d:
                    return ("hflip",) * (a < 0) + ("vflip",) * (d < 0)
                turns = {(False, False): "clock_flip", (False, True): "cclock", (True, False): "clock"}
                return (f"transpose={turns.get((b > 0, c > 0), 'cclock_flip')}",)
        return ()


def probe(path: Path, seconds: float) -> Facts:
    """Ask ffprobe.

    Raises:
        RefusedError: It cannot read the file, or finds no moving pictures.
    """
    about = _ask(path, seconds, "-show_format", "-show_streams")
    streams = about.get("streams", [])
    pictures = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic")
    ]
    if not pictures:
        raise RefusedError("no moving pictures")
    start = Fraction(about["format"].get("start_time", "0") or 0)
    packets = _ask(
        path,
        seconds,
        *("-show_packets", "-show_data_hash", "md5"),
        *("-show_entries", "packet=stream_index,pts_time,duration_time,flags,data_hash"),
    ).get("packets", [])
    index = int(pictures[0]["index"])
    shown = [packet for packet in packets if packet["stream_index"] == index]
    timed = all("pts_time" in packet for packet in shown)
    ends = [
        Fraction(packet["pts_time"]) + Fraction(packet["duration_time"])
        for packet in shown
        if timed and "duration_time" in packet
    ]
    sounds = []
    for stream in streams:
        if stream.get("codec_type") != "audio":
            continue
        sound = _sound([packet for packet in packets if packet["stream_index"] == stream["index"]], start)
        if stream.get("codec_name") == "aac" and about["format"].get("format_name") in {"mpegts", "mpeg"}:
            sound = replace(sound, packets=_without_adts(path, stream["index"], seconds))
        sounds.append(sound)
    subtitles = sum(stream.get("codec_type") == "subtitle" for stream in streams)
    end = max(ends) - start if ends else None
    return Facts(index, start, pictures[0], timed, end, tuple(sounds), subtitles)


def _sound(packets: list[dict[str, Any]], start: Fraction) -> Sound:
    times = [Fraction(packet["pts_time"]) - start for packet in packets if "pts_time" in packet]
    hidden = next((number for number, packet in enumerate(packets) if "D" not in packet.get("flags", "")), 0)
    hashes = tuple(packet.get("data_hash", "") for packet in packets)
    heard = times[hidden] if hidden and len(times) == len(packets) else None
    return Sound(hashes, min(times, default=Fraction(0)), hidden, heard)


def _without_adts(path: Path, index: int, seconds: float) -> tuple[str, ...]:
    """Hashes of AAC packets without the headers that only MPEG streams need."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-copyts", "-i", f"file:{path}", "-map", f"0:{index}", "-c", "copy"]
    command += ["-bsf:a", "aac_adtstoasc", "-f", "framehash", "-hash", "md5", "pipe:1"]
    done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    lines = done.stdout.decode(errors="replace").splitlines()
    return tuple(f"MD5:{line.split(',')[5].strip()}" for line in lines if not line.startswith("#"))


def _ask(path: Path, seconds: float, *what: str) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-of", "json", *what, f"file:{path}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as error:
        raise RefusedError(f"not done after {seconds:g} s") from error
    if done.returncode:
        raise RefusedError(done.stderr.decode(errors="replace").strip() or f"status {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.decode(errors="replace") or "{}")
    return answer
