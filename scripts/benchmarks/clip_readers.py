"""Videos as ffmpeg sees them: frames as shown, their times, and the packets of sound."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from clip_facts import Facts, RefusedError
from numpy.typing import NDArray
from reader_differences import Clip

SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".vob", ".flv"),
    *(".wmv", ".asf", ".ogv", ".ogg", ".mxf", ".nut", ".dv", ".3gp", ".y4m", ".gif", ".apng", ".mjpeg", ".mjpg"),
    *(".h264", ".264", ".hevc", ".h265", ".265", ".ivf", ".m1v", ".m2v", ".obu"),
}

_MATRICES = {
    "bt709": "bt709",
    "fcc": "fcc",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "smpte240m": "smpte240m",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}
# In 1/256 of a pixel of brightness: where a pixel of color lies, across and down. Of a file that does not say, ffmpeg's
# scaler takes the middle; some players take the left.
_SITES = {"left": (0, 128), "topleft": (0, 0), "top": (128, 0), "bottomleft": (0, 256), "bottom": (128, 256)}
_SCALER = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_FRAME_LINE = re.compile(rb"\] n: *\d+ pts: *(-?\d+|NOPTS) .*? s:(\d+)x(\d+) ")
_TIME_BASE = re.compile(rb"config in time_base: (\d+)/(\d+)")


def missing() -> str | None:
    """What to install, in one line; None if the programs are there."""
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        return "ffmpeg or ffprobe is missing: install them (apt install ffmpeg, brew install ffmpeg)"
    return None


class Decoded:
    """The frames of a file, taken one by one; what else is known of it is known once they are all taken."""

    def __init__(self, path: Path, facts: Facts, process: "subprocess.Popen[bytes]") -> None:
        self._path, self._facts, self._process = path, facts, process
        self._times: list[Fraction] = []
        self._size: tuple[int, int] | None = None
        self._base = Fraction(0)
        self._said: list[str] = []
        self._begun = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """(H, W, 3) each, of the size of the first one."""
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 -- for the type checker
        self._begun.wait()
        if self._size is None:
            return
        width, height = self._size
        while len(data := pipe.read(width * height * 3)) == width * height * 3:
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def clip(self) -> Clip:
        """What is known now.

        Raises:
            RefusedError: There was not one frame.
        """
        for _ in self.frames():
            pass
        self._process.wait()
        self._listener.join()
        if self._size is None:
            raise RefusedError(self._said[-1] if self._said else "no frame")
        facts = self._facts
        aspect = 1 / facts.aspect if any("transpose" in turn for turn in facts.turn) else facts.aspect
        times = tuple(time - facts.start for time in self._times)
        return Clip(*self._size, aspect, times, facts.end, facts.sounds, facts.subtitles)

    def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 -- for the type checker
        for line in self._process.stderr:
            if match := _FRAME_LINE.search(line):
                pts = self._facts.start if match[1] == b"NOPTS" else int(match[1]) * self._base
                self._times.append(pts)
                self._size = self._size or (int(match[2]), int(match[3]))
                self._begun.set()
            elif match := _TIME_BASE.search(line):
                self._base = self._base or Fraction(int(match[1]), int(match[2]))
            elif b"rror" in line or b"nvalid" in line:
                self._said.append(line.decode(errors="replace").strip())
        self._begun.set()


@contextmanager
def decoding(path: Path, facts: Facts, seconds: float) -> Iterator[Decoded]:
    """Decode as a player does; after the time limit the frames end."""
    width, height = facts.stream.get("width", 0), facts.stream.get("height", 0)
    assumed = "bt601" if height <= 576 and width <= 1024 else "bt709"
    matrix = _MATRICES.get(facts.stream.get("color_space", ""), assumed)
    full = facts.stream.get("color_range") == "pc" or facts.stream.get("pix_fmt", "").startswith("yuvj")
    pixels = facts.stream.get("pix_fmt", "")
    scale = f"scale={_SCALER}"
    if site := _SITES.get(facts.stream.get("chroma_location", "")):
        # The scaler moves even colors that are not subsampled, if it is told where they lie.
        if re.search("42[0-2]|nv|p01|yuyv|uyvy", pixels):
            scale += f":in_h_chr_pos={site[0]}"
        if re.search("420|440|nv|p01", pixels):
            scale += f":in_v_chr_pos={site[1]}"
    if not any(letters in pixels for letters in ("rgb", "bgr", "gbr", "pal", "gray", "mono")):
        scale += f":in_color_matrix={matrix}:in_range={'pc' if full else 'tv'}"
    whole = ("bwdif=mode=send_frame:deint=interlaced",) if facts.interlaced else ()
    # Turned before, its colors would be taken to lie where they no longer do.
    filters = ",".join([*whole, scale, "format=rgb24", *facts.turn, "showinfo=checksum=0"])
    command = ["ffmpeg", "-v", "info", "-nostdin", "-copyts", "-noautorotate", "-i", f"file:{path}"]
    command += ["-map", f"0:{facts.index}", "-vf", filters, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            yield Decoded(path, facts, process)
        finally:
            timer.cancel()
            process.kill()
