"""What a worker does with a video: the network's part of a group of frames, and later what the frames before add.

The network paints each frame by itself and takes most of the time; any worker may do that for any group. What moves
along from frame to frame (`paint.carry`) needs the group before: its state is handed on from worker to worker.
"""

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fststyle.cluster.painter import Recipe
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.paint.morph import Morph
from fststyle.pictures.hidden_color import over_white
from fststyle.system.cores import usable_cores
from fststyle.video.clip import Frame
from fststyle.video.groups import Compressed, GroupReader, compress
from fststyle.video.job import Job

Pixels = NDArray[np.uint8]
State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class FrameRecipe:
    """All that a worker needs to paint frames; the video itself is read where it lies.

    Attributes:
        job: What is made of what.
        recipe: The network and the controls.
        steadiness: How flicker is reduced.
        morph: Changes the mix from frame to frame.
    """

    job: Job
    recipe: Recipe
    steadiness: Steadiness
    morph: Morph | None = None

    def open(self) -> FrameStylizer:
        """What paints.

        Raises:
            FststyleError: As `Stylizer`, or OpenCV is missing.
        """
        return FrameStylizer(self.recipe.open(), self.steadiness, self.recipe.settings.controls, self.morph)


@dataclass(frozen=True)
class Machine:
    """What a worker's pixels depend on besides the recipe.

    Attributes:
        place: Machine and process, "node7:4711"; not among what must be equal.
        facts: Cores, on which the encoder's packets depend, and versions.
    """

    place: str
    facts: tuple[object, ...]

    @classmethod
    def here(cls) -> "Machine":
        """This one."""
        facts = (usable_cores(), *(version(name) for name in ("av", "onnxruntime", "opencv-python-headless", "numpy")))
        return cls(f"{socket.gethostname()}:{os.getpid()}", facts)


class FramePainter:
    """Lives in a process of its own, and holds one group at a time."""

    def __init__(self, recipe: FrameRecipe) -> None:
        self._job = recipe.job
        self._function = recipe.open()
        self._reader = GroupReader(recipe.job)
        self._function.lasts(self._reader.clip.last)
        self._held = _Shelf()

    def paint(self, number: int) -> int:
        """Do the network's part of a group; tells how many frames the group has."""
        self._held.clear()
        self._function.afresh()
        for frame in self._reader(number):
            if frame.rgb is not None:
                self._function.at(frame.pts * self._reader.clip.time_base)
                self._held.put(frame, frame.rgb, self._function.alone(frame.rgb))
        return len(self._held)

    def finish(self, state: State) -> Iterator[dict[str, NDArray[Any]] | list[Compressed]]:
        """Do the rest of the group that is held.

        Args:
            state: What is remembered of the frames before.

        Yields:
            The state after the group, for whoever holds the next one; then the group compressed.
        """
        self._function.restore(state)
        frames = []
        for frame, rgb, painted in self._held:
            shown = self._function.after(rgb, painted)
            frames.append((shown if frame.alpha is None else over_white(shown, frame.alpha), frame))
        yield dict(self._function.state())
        yield compress(self._job, self._reader.clip, frames)
        self._held.clear()


class _Shelf:
    """Frames with what the network made of them, on the disk: fifty of them would take gigabytes."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="fststyle-")  # noqa: SIM115 -- as long as the worker
        self._frames: list[tuple[Frame, tuple[int, ...]]] = []

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: Frame, rgb: Pixels, painted: Pixels) -> None:
        """Keep a frame and its painting, (H, W, 3) both."""
        self._frames.append((Frame(None, frame.pts, frame.duration, frame.alpha), rgb.shape))
        self._file.write(rgb.tobytes())
        self._file.write(painted.tobytes())

    def __iter__(self) -> Iterator[tuple[Frame, Pixels, Pixels]]:
        self._file.seek(0)
        for frame, shape in self._frames:
            size = int(np.prod(shape))
            rgb, painted = (np.frombuffer(self._file.read(size), np.uint8).reshape(shape) for _ in range(2))
            yield frame, rgb, painted

    def clear(self) -> None:
        """Forget them."""
        self._frames.clear()
        self._file.seek(0)
        self._file.truncate()
