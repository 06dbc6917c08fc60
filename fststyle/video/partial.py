"""What an interrupted run leaves beside its output, and how the next one goes on from it.

`out.part.mp4` plays up to where the run came; `out.part.mp4.state` says with which settings it was made and holds what
the frame function remembered at the ends of the last groups of pictures.
"""

import io
import json
from collections import OrderedDict
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.system.files import atomic_write, is_there
from fststyle.video.source import opened

State = Mapping[str, NDArray[Any]]

# What changes with something else, which is then all that a message names.
_FOLLOWS = {"crf": "codec", "encoder": "codec", "carry": "network"}

# Of these there are digests, paths and the like, which tell nobody anything.
_WITHOUT_VALUE = {"input", "encoder", "network", "mask"}

# The muxer holds back a group of pictures or two, so that the file may end before the last state.
_KEPT = 4


@dataclass
class Partial:
    """An unfinished output.

    Attributes:
        target: What it is to become.
        identity: What must be the same for it to be continued: input, network, settings.
        states: What the frame function remembered, by how many frames it had painted.
    """

    target: Path
    identity: dict[str, Any]
    states: "OrderedDict[int, dict[str, NDArray[Any]]]" = field(default_factory=OrderedDict)

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self.target.with_name(f"{self.target.stem}.part{self.target.suffix}")

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """All that may lie beside the output."""
        return self.path, self.state_path, self.old_path

    @property
    def state_path(self) -> Path:
        """What is needed to go on."""
        return self.path.with_name(self.path.name + ".state")

    @property
    def old_path(self) -> Path:
        """The file of an earlier run, as long as its frames are being taken over."""
        return self.target.with_name(f"{self.target.stem}.part.old{self.target.suffix}")

    def remember(self, frames: int, state: State) -> None:
        """Keep the state after so many frames, on the disk, too.

        Raises:
            OSError: It cannot be written.
        """
        self.states[frames] = dict(state)
        while len(self.states) > _KEPT:
            self.states.popitem(last=False)
        arrays = {f"{number}/{name}": value for number, kept in self.states.items() for name, value in kept.items()}
        header = json.dumps({"identity": self.identity, "states": list(self.states)})
        buffer = io.BytesIO()
        np.savez(buffer, header=np.frombuffer(header.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
        atomic_write(self.state_path, buffer.getvalue())

    def recall(self) -> int:
        """How many frames need not be painted again; 0 where nothing is left of an earlier run.

        Raises:
            VideoError: What is left was made otherwise, or is broken.
        """
        if not is_there(self.state_path):
            return 0
        try:
            with np.load(self.state_path, allow_pickle=False) as archive:
                header = json.loads(bytes(archive["header"]))
                for number in header["states"]:
                    prefix = f"{number}/"
                    self.states[number] = {
                        name.removeprefix(prefix): archive[name] for name in archive.files if name.startswith(prefix)
                    }
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise VideoError(f"{self.state_path} is broken; start anew with --restart") from error
        refuse_another(self.path, header["identity"], self.identity)
        counts = {path: sum(1 for _ in _packets(path)) for path in (self.path, self.old_path)}
        if counts[self.path] >= counts[self.old_path] and is_there(self.path):
            self.path.replace(self.old_path)
        there = max(counts.values())
        usable = max((number for number in self.states if number <= there), default=0)
        for number in [number for number in self.states if number > usable]:
            del self.states[number]
        return usable

    def earlier(self) -> "Generator[av.Packet[Any], None, None]":
        """The compressed frames that are there; closed before `finish`, since Windows removes no file that is open."""
        return _packets(self.old_path)

    def finish(self) -> None:
        """Make it the output.

        Raises:
            OSError: The folder cannot be written.
        """
        self.path.replace(self.target)
        self.state_path.unlink(missing_ok=True)
        self.old_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what is left of an earlier run."""
        for path in self.paths:
            path.unlink(missing_ok=True)


def refuse_another(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with what was made otherwise.

    Args:
        path: Of what was made.
        before: The identity of the run that made it.
        now: That of this run. What is missing in one of them is as None.

    Raises:
        VideoError: What differs.
    """
    changed = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    named = [key for key in changed if _FOLLOWS.get(key) not in changed]
    if named:
        differences = " and ".join(_difference(key, before.get(key), now.get(key)) for key in named)
        raise VideoError(f"{path} was made {differences}; give the same again, or start anew with --restart")


def _difference(name: str, before: Any, now: Any) -> str:
    if before is None or before is False:
        return f"without {name}"
    if name in _WITHOUT_VALUE and now is not None:
        return f"with another {name}"
    value = "" if before is True or name in _WITHOUT_VALUE else f" {before}"
    return f"with {name}{value}" + ("" if now is None or now is False else f", not {now}")


def _packets(path: Path) -> "Generator[av.Packet[Any], None, None]":
    if not is_there(path):
        return
    try:
        with opened(path) as container:
            if not container.streams.video:
                return
            for packet in container.demux(container.streams.video[0]):
                if packet.is_corrupt:
                    return  # a part of it is missing at the end of the file
                if packet.pts is not None and packet.size:
                    yield packet
    except (VideoError, av.FFmpegError):
        return  # its end is what an interrupted file lacks


def in_words(seconds: Fraction | float) -> str:
    """A time as people write it: 1:02:03.4, 2:07.0, 7.0 s."""
    whole = max(0.0, float(seconds))
    minutes, rest = divmod(round(whole, 1), 60)
    if not minutes:
        return f"{rest:.1f} s"
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
