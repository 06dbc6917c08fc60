"""The finished groups of a video, on the disk beside its output, so that an interrupted run can go on from them."""

import io
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import VideoError
from fststyle.system.files import atomic_write, is_file, is_folder, reason_of
from fststyle.video.groups import Compressed
from fststyle.video.job import Job, identity_of
from fststyle.video.partial import Partial, refuse_another

State = Mapping[str, NDArray[Any]]

_IDENTITY = "identity.json"


class KeptGroups:
    """A folder with a file a group, and what is remembered of the frames behind them.

    Attributes:
        done: So many groups are there, the first ones without a gap.
        frames: In all groups that are there.
        state: What is remembered of the frames before group `done`.
    """

    def __init__(self, job: Job) -> None:
        """Take up what an interrupted run left, or begin anew.

        Raises:
            VideoError: There is something, and the job says neither what to do with it, or it was made otherwise; or
                the folder cannot be written.
        """
        part = Partial(Path(job.target), {}).path
        self.folder = part.with_name(f"{part.name}.groups")
        self.done, self.frames = 0, 0
        self.state: State = {}
        self._waiting: dict[int, State] = {}
        identity = json.dumps(identity_of(job))
        if job.restart:
            self.discard()
        if is_folder(self.folder):
            self._take_up(job, identity)
        self._keep(_IDENTITY, identity.encode())

    def __iter__(self) -> Iterator[list[Compressed]]:
        """The groups that are there, in their order."""
        number = 0
        while is_file(self._path(number)):
            yield self._read(number)
            number += 1

    def put(self, number: int, packets: list[Compressed], after: State) -> None:
        """Keep a group, and what is remembered behind it.

        Raises:
            VideoError: The disk is full.
        """
        arrays: dict[str, Any] = {
            "sizes": np.array([len(packet.data) for packet in packets], np.int64),
            "pts": np.array([packet.pts for packet in packets], np.int64),
            "keys": np.array([packet.key for packet in packets], np.bool_),
            "data": np.frombuffer(b"".join(packet.data for packet in packets), np.uint8),
        }
        self._keep(self._path(number).name, _packed(arrays))
        self.frames += len(packets)
        self._waiting[number] = after
        if number != self.done:
            return
        before = self._state_path(self.done)
        while self.done in self._waiting:
            self.state = self._waiting.pop(self.done)
            self.done += 1
        self._keep(self._state_path(self.done).name, _packed(dict(self.state)))
        before.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove all."""
        if is_folder(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _take_up(self, job: Job, identity: str) -> None:
        if not job.resume and any(self.folder.glob("*.npz")):
            raise VideoError(f"{self.folder} is there from an interrupted run; {job.way_on}")
        if not job.resume:
            return
        try:
            before = json.loads((self.folder / _IDENTITY).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise VideoError(f"{self.folder} is broken; start anew with --restart") from error
        refuse_another(self.folder, before, json.loads(identity))
        while is_file(self._path(self.done)):
            self.done += 1
        while self.done and not is_file(self._state_path(self.done)):
            self.done -= 1
        if self.done:
            try:
                with np.load(self._state_path(self.done), allow_pickle=False) as archive:
                    self.state = {name: archive[name] for name in archive.files}
            except (OSError, ValueError, EOFError) as error:
                raise VideoError(f"{self.folder} is broken; start anew with --restart") from error
        self.frames = sum(len(self._read(number)) for number in range(self.done))

    def _read(self, number: int) -> list[Compressed]:
        try:
            with np.load(self._path(number), allow_pickle=False) as archive:
                sizes, pts, keys, data = (archive[name] for name in ("sizes", "pts", "keys", "data"))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise VideoError(f"{self._path(number)} is broken; start anew with --restart") from error
        ends = np.cumsum(sizes)
        parts = [data[end - size : end].tobytes() for size, end in zip(sizes, ends, strict=True)]
        return [Compressed(part, int(time), bool(key)) for part, time, key in zip(parts, pts, keys, strict=True)]

    def _path(self, number: int) -> Path:
        return self.folder / f"group_{number:06}.npz"

    def _state_path(self, number: int) -> Path:
        return self.folder / f"state_{number:06}.npz"

    def _keep(self, name: str, data: bytes) -> None:
        try:
            atomic_write(self.folder / name, data)
        except OSError as error:
            raise VideoError(
                f"cannot write {self.folder / name} ({reason_of(error)}); make room, then --resume"
            ) from error


def _packed(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
