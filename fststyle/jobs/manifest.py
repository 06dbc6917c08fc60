"""One line of JSON for every picture, so that a long run can be watched, counted and gone on with."""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, TextIO

import numpy as np

from fststyle.errors import ImageError
from fststyle.jobs.run import Result, Settings
from fststyle.model.file import ModelFile
from fststyle.paint.controls import Controls
from fststyle.system.file_kinds import Kind
from fststyle.system.files import is_file, reason_of, refuse_other_kind
from fststyle.system.warn import warn


class Manifest:
    """A file that lines are added to; used in a `with` block.

    A line holds `source` and `target` (null for standard input and output), `status` ("done", "failed" or "skipped"),
    `seconds`, `error` (null unless failed), `style` and `time` (seconds since 1970); of pictures painted on a cluster
    also `worker`, the machine and process. Unless it was skipped, it also holds what is needed to paint it again, as
    `how_to_repeat` gives it: nobody knows how a picture was painted that was there already.

    If a line cannot be written, because the disk is full, it is the last: one warning says so, and painting goes on.
    """

    def __init__(
        self, path: Path, style: str, sync_every: float = 0.0, repeat: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Name the file.

        Args:
            path: The file.
            style: For every line.
            sync_every: Seconds between two waits for the disk. A hundred workers write lines faster than a disk
                confirms them one by one.
            repeat: For the line of every picture that is not skipped.
        """
        self._repeat = repeat
        self._path = path
        self._style = style
        self._sync_every = sync_every
        self._synced = 0.0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            ImageError: It cannot be written, or is another kind of file.
        """
        refuse_other_kind(self._path, Kind.JSON_LINES, ImageError)
        try:
            if is_file(self._path) and not _is_manifest(self._path):
                raise ImageError(
                    f"{self._path} exists and is no manifest, so nothing is added to it; choose another output, or "
                    "delete it"
                )
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8", errors="backslashreplace")
            if is_file(self._path) and not _ends_a_line(self._path):
                self._file.write("\n")
        except OSError as error:
            raise ImageError(f"cannot write {self._path} ({reason_of(error)}); choose another place") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def done(self, result: Result) -> None:
        """Note what became of a job."""
        error = None if result.error is None else str(result.error)
        source, target = (None if path is None else str(path) for path in (result.job.source, result.job.target))
        self.add(source, target, seconds=result.seconds, error=error, skipped=result.skipped)

    def add(
        self,
        source: str | None,
        target: str | None,
        *,
        seconds: float,
        error: str | None,
        skipped: bool = False,
        **more: Any,
    ) -> None:
        """Note what became of a picture, and `more` of it."""
        if self._file is None:
            raise ValueError("a manifest is written to within a with block")
        if self._file.closed:  # an earlier line could not be written
            return
        status = "skipped" if skipped else "done" if error is None else "failed"
        repeat = {} if skipped else self._repeat
        facts = {"status": status, "seconds": round(seconds, 3), "error": error, **more, **repeat}
        names = {"source": source, "target": target}
        line = json.dumps(names | facts | {"style": self._style, "time": round(time.time(), 3)})
        # A line is one write and on the disk before the next picture: what is in it has happened.
        try:
            self._file.write(line + "\n")
            self._file.flush()
            now = time.monotonic()
            if now - self._synced >= self._sync_every and is_file(self._path):  # a pipe has no disk to wait for
                self._synced = now
                os.fsync(self._file.fileno())
        except OSError as error:
            warn(
                f"{self._path} could not be continued ({reason_of(error)}), but painting goes on; make room, and the "
                "same command with --skip-existing notes what is missing"
            )
            with suppress(OSError):  # what could not be written cannot be flushed either
                self._file.close()


def how_to_repeat(
    networks: Iterable[tuple[ModelFile, float]], controls: Controls, settings: Settings, layout: str
) -> dict[str, Any]:
    """What a picture depends on besides itself.

    Args:
        networks: What paints, each with its weight.
        controls: With the mix.
        settings: The others.
        layout: Of the networks.

    Returns:
        `networks`, a list of `network` (its path, or what it was called), `sha256` of its file and `weight`; `controls`
        by name, of a mask its SHA-256; `max_side`, `quality` and `layout`.
    """
    made_of = [
        {"network": file.where, "sha256": hashlib.sha256(file.data).hexdigest(), "weight": round(weight, 6)}
        for file, weight in networks
    ]
    asked = {"max_side": settings.max_side, "quality": settings.quality, "layout": layout}
    values = {
        name: value.item() if isinstance(value, np.generic) else value for name, value in controls.facts().items()
    }
    return {"networks": made_of, "controls": values, **asked}


_BEGINNING = b'{"source": '


def _is_manifest(path: Path) -> bool:
    """Whether it is empty or begins as our lines do, of which a full disk may have left a part."""
    with path.open("rb") as file:
        start = file.read(len(_BEGINNING))
    return _BEGINNING.startswith(start)


def _ends_a_line(path: Path) -> bool:
    """False if a full disk has left half a line at the end."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1))
        return file.read(1) in (b"", b"\n")
