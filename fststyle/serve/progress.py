"""How far a job is, read from the log that its commands write."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fststyle.serve.job import LOG

# Of a long log only the end is read: an event has some hundred bytes.
_TAIL = 64_000

_SENTENCE = 600  # letters


@dataclass
class Progress:
    """What the log says so far.

    Attributes:
        share: How much of the job is done, 0..1; None if nobody knows.
        step: Steps of a training, frames of a video.
        steps: How many there will be; None if nobody knows.
        speed: Steps or frames a second.
        seconds_left: Until the job is done, by that speed.
        costs: Of a training, its last terms by name.
        trained: Whether a training has come to its end.
        error: What a command said last about why it fails.
    """

    share: float | None = None
    step: int = 0
    steps: int | None = None
    speed: float | None = None
    seconds_left: float | None = None
    costs: dict[str, float] = field(default_factory=dict)
    trained: bool = False
    error: str | None = None

    def hear(self, lines: Iterable[str]) -> None:
        """Take in more of the log; what is not an event is passed over, but for errors."""
        for line in lines:
            if line.startswith("error: "):
                self.error = line.removeprefix("error: ").strip()[:_SENTENCE]
            elif line.startswith("{"):
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                self._take(event)

    def facts(self) -> dict[str, Any]:
        """For clients."""
        return {name: getattr(self, name) for name in ("share", "step", "steps", "speed", "seconds_left", "costs")}

    def rest(self) -> None:
        """Nothing runs any more."""
        self.speed = self.seconds_left = None

    def _take(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "begin":
                self.step = event.get("step", event.get("resumed", 0))
                self.steps = event.get("steps", event.get("frames"))
            case "progress":
                self.step = event.get("step", event.get("frames", self.step))
                self.speed = event.get("speed", event.get("fps"))
                self.seconds_left = event.get("seconds_left")
                self.costs = event.get("costs", {})
                of_steps = min(1.0, self.step / self.steps) if self.steps else None
                self.share = event.get("share", of_steps)
            case "done":
                self.share, self.trained = 1.0, True
                self.step = event.get("step", event.get("frames", self.step))
                self.costs = event.get("costs", self.costs)
                self.rest()
            case "error":
                self.error = str(event.get("message"))[:_SENTENCE]


class LogReader:
    """Follows a log that another process appends to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self.progress = Progress()
        self._at = max(0, self._size() - _TAIL)
        self._rest = b""
        self.read()

    def read(self) -> bool:
        """Take in what is new; tells whether there was anything."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                new = file.read()
        except OSError:
            return False
        self._at += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        self.progress.hear(line.decode("utf-8", "replace") for line in lines)
        return bool(lines)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0
