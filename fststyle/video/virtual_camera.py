"""Where live pictures go: to a virtual camera that other programs see, or as y4m to another program."""

from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.system.extras import extra
from fststyle.system.file_kinds import Kind, kind_of_name
from fststyle.video.clip import Clip, Frame
from fststyle.video.pipes import PipeWriter

Pixels = NDArray[np.uint8]


class ReaderGoneError(Exception):
    """Nobody reads the pipe any more."""


class Sink(Protocol):
    """Where pictures go.

    Attributes:
        name: For people.
        holds: Whether a picture stays until the next one; else each tick of the clock needs one.
    """

    name: str
    holds: bool

    def send(self, rgb: Pixels) -> None:
        """Show (H, W, 3)."""

    def close(self) -> None:
        """End it."""


class VirtualCamera:
    """v4l2loopback on Linux, OBS's virtual camera on Windows and macOS, by pyvirtualcam."""

    holds = True

    def __init__(self, width: int, height: int, rate: Fraction, device: str | None = None) -> None:
        """Open `device`, such as /dev/video10; None is the first one there is.

        Raises:
            VideoError: There is none.
            FststyleError: pyvirtualcam is not installed.
        """
        with extra("live"):
            import pyvirtualcam
        try:
            self._camera: Any = pyvirtualcam.Camera(width, height, float(rate), device=device)
        except RuntimeError as error:
            reason = " ".join(str(error).split()).partition(". ")[0]
            raise VideoError(
                f"there is no virtual camera ({reason}); on Linux: modprobe v4l2loopback, elsewhere install OBS; or "
                "write y4m to another program with -o -"
            ) from error
        self.name = str(self._camera.device)

    def send(self, rgb: Pixels) -> None:
        """Show (H, W, 3), uint8."""
        self._camera.send(rgb)

    def close(self) -> None:
        """Give the device back."""
        self._camera.close()


class Y4mPipe:
    """y4m on standard output, at a constant rate."""

    name = "standard output"
    holds = False

    def __init__(self, pipe: BinaryIO, width: int, height: int, rate: Fraction) -> None:
        self._writer = PipeWriter(pipe, Clip(width, height, 1 / rate, rate), raw=False)
        self._pts = 0

    def send(self, rgb: Pixels) -> None:
        """Write (H, W, 3), uint8.

        Raises:
            ReaderGoneError: Nobody reads any more.
        """
        try:
            self._writer.write(rgb, Frame(rgb, self._pts))
        except VideoError as error:
            raise ReaderGoneError from error
        self._pts += 1

    def close(self) -> None:
        """Send what is pending."""
        try:
            self._writer.close()
        except VideoError as error:
            raise ReaderGoneError from error


def sink_for(target: str | None, stdout: BinaryIO, width: int, height: int, rate: Fraction) -> Sink:
    """Standard output for "-", else a virtual camera; None is the first one."""
    if target == "-":
        return Y4mPipe(stdout, width, height, rate)
    if target is not None and kind_of_name(Path(target)) is Kind.VIDEO:
        raise VideoError(f"a file is no virtual camera; to record: fststyle live … -o - | ffmpeg -i - {target}")
    return VirtualCamera(width, height, rate, target)
