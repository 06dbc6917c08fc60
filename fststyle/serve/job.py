"""A job is a folder on disk: what was asked for, how far it is, and all that it makes."""

import json
import logging
import re
import secrets
import shutil
import time
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from fststyle.system.files import atomic_write, is_file

Kind = Literal["train", "video"]
State = Literal["queued", "running", "paused", "done", "failed"]

FILE, LOG = "job.json", "log.txt"

_FORMAT_VERSION = 1
_UNFINISHED = ".new-"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What `job.json` holds.

    Attributes:
        id: The name of its folder; of a training also that of its network.
        kind: What it does.
        title: Its name for people.
        created: Seconds since 1970.
        request: What was asked for, by name.
        state: Of a job that runs, "running", also if its server has died.
        error: Why it failed, in one line.
        format_version: Of the file.
    """

    id: str
    kind: Kind
    title: str
    created: float = field(default_factory=time.time)
    request: dict[str, Any] = field(default_factory=dict)
    state: State = "queued"
    error: str | None = None
    format_version: int = _FORMAT_VERSION

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in ("done", "failed")

    @classmethod
    def new(cls, kind: Kind, title: str, request: dict[str, Any]) -> Self:
        """One that waits, with a name that no other has."""
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or kind
        return cls(id=f"{slug}-{secrets.token_hex(4)}", kind=kind, title=title, request=request)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What lies in a folder.

        Raises:
            ValueError: It is not a job of this version.
            OSError: It cannot be read.
        """
        facts = json.loads((folder / FILE).read_text("utf-8"))
        if not isinstance(facts, dict) or facts.get("format_version") != _FORMAT_VERSION:
            raise ValueError("another version of fststyle wrote it")
        try:
            job = cls(**facts)
        except TypeError as error:
            raise ValueError(str(error)) from error
        if job.id != folder.name:
            raise ValueError(f"it is the job {job.id}")
        return job

    def write(self, folder: Path) -> None:
        """Keep it in its folder, whole or as it was.

        Raises:
            OSError: The disk is full, for instance.
        """
        atomic_write(folder / FILE, json.dumps(asdict(self), indent=1, ensure_ascii=False).encode())

    def changed(self, **values: Any) -> "Job":
        """The same job with other values."""
        return replace(self, **values)


class Folders:
    """Where the jobs of a server lie, each in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, job: Job) -> Path:
        """The job's folder."""
        return self.root / job.id

    def read(self) -> list[Job]:
        """All jobs, the oldest first; what an upload left that never became one is removed."""
        self.root.mkdir(parents=True, exist_ok=True)
        jobs = []
        for folder in self.root.iterdir():
            if folder.name.startswith(_UNFINISHED):
                shutil.rmtree(folder, ignore_errors=True)
            elif is_file(folder / FILE):
                try:
                    jobs.append(Job.read(folder))
                except (OSError, ValueError) as error:
                    _log.warning("%s is left alone: %s", folder, error)
        return sorted(jobs, key=lambda job: job.created)

    def begin(self) -> Path:
        """A folder for what is uploaded for a job.

        Raises:
            OSError: It cannot be made.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.root / f"{_UNFINISHED}{secrets.token_hex(8)}"
        folder.mkdir()
        return folder

    def keep(self, folder: Path, job: Job) -> None:
        """Make a job of that folder.

        Raises:
            OSError: It cannot be written.
        """
        job.write(folder)
        folder.rename(self.of(job))

    def remove(self, folder: Path) -> None:
        """Delete a folder and all that is in it."""
        # Renamed first: what is killed half-way must not come back as a job without its files.
        gone = self.root / f"{_UNFINISHED}{secrets.token_hex(8)}"
        try:
            folder.rename(gone)
        except OSError:
            gone = folder
        shutil.rmtree(gone, ignore_errors=True)
