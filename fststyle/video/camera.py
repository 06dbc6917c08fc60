"""Pictures from a camera, or from a video file that plays like one: always the newest; whoever is slow misses some."""

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.pictures.hidden_color import over_white
from fststyle.system.counts import counted
from fststyle.system.files import is_there
from fststyle.video.clip import Cut, Frame, shrunk
from fststyle.video.reader import VideoReader

Pixels = NDArray[np.uint8]

# Frames a second of a camera that does not say.
_USUAL_RATE = Fraction(30)

# Seconds for which a camera may give nothing; some take long to wake up.
_PATIENCE = 10.0


class _Source(Protocol):
    """What gives one picture after the other; `rate` is in frames a second."""

    name: str
    rate: Fraction
    plays_itself: bool

    def read(self) -> Pixels | None:
        """The next picture, (H, W, 3), RGB; None if there is none any more."""

    def release(self) -> None:
        """Let go of it."""


class Camera:
    """Reads in a thread of its own and keeps the newest picture; a context manager.

    Attributes:
        width: Of the pictures as they are given, in pixels; even, as video formats want it.
        height: Likewise.
        rate: Frames a second.
        taken: Pictures that came so far.
    """

    def __init__(
        self, source: str, size: tuple[int, int] | None = None, max_side: int | None = None, *, mirror: bool = False
    ) -> None:
        """Open it and wait for its first picture.

        Args:
            source: The number of a camera, a device such as /dev/video2, or a video file, which plays at its own rate.
            size: (width, height) that a camera is asked for; it may give another.
            max_side: Pictures are shrunk so that no side is longer.
            mirror: Swap left and right, as a mirror does.

        Raises:
            VideoError: There is no such camera or file, or it gives no pictures.
        """
        self._mirror = mirror
        self._source = _opened(source, size)
        first = self._source.read()
        if first is None:
            self._source.release()
            raise VideoError(f"{self._source.name} gives no picture; check that no other program uses it")
        width, height = shrunk(first.shape[1], first.shape[0], max_side)
        self.width, self.height = max(2, width // 2 * 2), max(2, height // 2 * 2)
        self.rate = self._source.rate
        self.taken = 1
        self._given = 0
        self._newest = self._prepared(first)
        self._ended = False
        self._condition = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # A driver may hang in its last read; the thread ends with the process then.
        self._thread.join(timeout=1)
        if not self._thread.is_alive():
            self._source.release()

    def next(self, stop: Callable[[], bool] = lambda: False) -> Pixels | None:
        """The newest picture, (H, W, 3), RGB, that was not given yet; waits for one.

        Returns:
            None at the end of a file, or once `stop` says so.

        Raises:
            VideoError: The camera gives no more pictures.
        """
        waited = time.monotonic()
        with self._condition:
            while self._given == self.taken and not self._ended:
                self._condition.wait(0.1)  # no longer, because a signal does not wake who waits
                if stop():
                    return None
                if time.monotonic() - waited > _PATIENCE:
                    raise VideoError(f"{self._source.name} gives no pictures any more; check its cable")
            if self._given != self.taken:
                self._given = self.taken
                return self._newest
        if not self._source.plays_itself:
            return None
        raise VideoError(f"{self._source.name} has gone after {counted(self.taken, 'picture')}; check its cable")

    def _run(self) -> None:
        start = time.monotonic()
        while not self._stopped.is_set():
            if not self._source.plays_itself:
                self._stopped.wait(max(0.0, start + float(self.taken / self.rate) - time.monotonic()))
            picture = self._source.read()
            prepared = None if picture is None else self._prepared(picture)
            with self._condition:
                if prepared is None:
                    self._ended = True
                else:
                    self._newest = prepared
                    self.taken += 1
                self._condition.notify_all()
            if prepared is None:
                return

    def _prepared(self, rgb: Pixels) -> Pixels:
        import cv2

        if rgb.shape[:2] != (self.height, self.width):
            rgb = np.asarray(cv2.resize(rgb, (self.width, self.height), interpolation=cv2.INTER_AREA), np.uint8)
        return np.ascontiguousarray(rgb[:, ::-1] if self._mirror else rgb)


class _Device:
    """A camera that OpenCV opens."""

    plays_itself = True

    def __init__(self, source: str, size: tuple[int, int] | None) -> None:
        import cv2

        self.name = f"camera {source}" if source.isdecimal() else source
        log = cv2.utils.logging
        level = log.getLogLevel()
        log.setLogLevel(log.LOG_LEVEL_SILENT)  # it writes on standard error what it tried
        try:
            self._capture: Any = cv2.VideoCapture(int(source) if source.isdecimal() else source)
        finally:
            log.setLogLevel(level)
        if not self._capture.isOpened():
            raise VideoError(
                f"there is no {self.name}, or it may not be used; plug one in, or name another: --camera 1"
            )
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate = Fraction(self._capture.get(cv2.CAP_PROP_FPS) or 0).limit_denominator(1001)
        self.rate = rate if 1 <= rate <= 240 else _USUAL_RATE

    def read(self) -> Pixels | None:
        good, bgr = self._capture.read()
        return bgr[:, :, ::-1] if good else None

    def release(self) -> None:
        self._capture.release()


class _File:
    """A video that is read like a camera."""

    plays_itself = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._reader = VideoReader(path, Cut())
        self._reader.__enter__()
        self.rate = self._reader.clip.rate
        self._frames = (item for item in self._reader.items() if isinstance(item, Frame))

    def read(self) -> Pixels | None:
        frame = next(self._frames, None)
        if frame is None or frame.rgb is None:
            return None
        return frame.rgb if frame.alpha is None else over_white(frame.rgb, frame.alpha)

    def release(self) -> None:
        self._reader.__exit__(None, None, None)


def _opened(source: str, size: tuple[int, int] | None) -> _Source:
    if source.isdecimal() or source.startswith("/dev/"):
        if not source.isdecimal() and not is_there(source):
            raise VideoError(f"there is no {source}; list the cameras: ls /dev/video*")
        return _Device(source, size)
    return _File(Path(source))
