"""What a sheet becomes: a folder and a request a row, and the state that is found there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fststyle.errors import TrainingError
from fststyle.system.files import atomic_write, is_file, is_there, reason_of
from fststyle.training.arguments import OPTIONS
from fststyle.training.data.crop_sides import sides_of, usual_sides
from fststyle.training.many.cells import ENDS
from fststyle.training.many.sheet import Row

RUNS = "runs"
REPORT = "report.html"
LOG = "train.log"
_REQUEST, _STATE = "request.json", "state.json"

# What their files hold; anything else there is as nothing.
_REQUEST_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("name", "folder", "network", "license"), str),
    **{"arguments": list, "threads": int},
}
_STATUSES = {"waiting", "stopped", "failed", "done"}
_STATE_TYPES: Mapping[str, Any] = {
    **{"status": str, "seconds": int | float, "error": str | None},
    **{"steps": int, "costs": dict, "judge": str},
}

# Exit status of a row's process that left the folder as it was, as another process's.
REFUSED = 75

# Rows of a training's memory: of the process itself, and of the pixels of a step at 256², as `medium` sees them.
_BYTES_BASE, _BYTES_OF_A_CROP = 1.1e9, 0.2e9
_USUAL_CROP = 256


@dataclass(frozen=True)
class Request:
    """What a row's process does.

    Attributes:
        name: Of the style.
        folder: Of the run.
        network: The file to write.
        arguments: Of `fststyle train`.
        license: For the network; empty for none.
        threads: CPU threads.
    """

    name: str
    folder: Path
    network: Path
    arguments: tuple[str, ...]
    license: str
    threads: int

    def write(self) -> None:
        """Note in the folder what the row was begun with.

        Raises:
            TrainingError: The folder cannot be written.
        """
        _write(self.folder / _REQUEST, self._facts)

    def text(self) -> str:
        """In one line, for the row's process."""
        return json.dumps(self._facts)

    @property
    def _facts(self) -> dict[str, Any]:
        return asdict(self) | {"folder": str(self.folder), "network": str(self.network)}

    @classmethod
    def read(cls, folder: Path) -> "Request | None":
        """What was asked for when the row was begun; None if it was not."""
        return cls.of(_read(folder / _REQUEST))

    @classmethod
    def of(cls, facts: Any) -> "Request | None":
        """The request of which these are the facts; None if they are of none."""
        if not isinstance(facts, dict) or not _are_of(facts, _REQUEST_TYPES) or not facts["threads"] > 0:
            return None
        if not all(isinstance(word, str) for word in facts["arguments"]):
            return None
        facts = {name: facts[name] for name in _REQUEST_TYPES}
        paths = {name: Path(facts[name]) for name in ("folder", "network")}
        return cls(**facts | paths | {"arguments": tuple(facts["arguments"])})


@dataclass(frozen=True)
class State:
    """What became of a row so far.

    Attributes:
        status: "waiting", "stopped", "failed" or "done".
        seconds: In all sittings.
        error: Why it failed, in one line.
        steps: Optimizer steps.
        costs: On the held-out photos, by name.
        judge: The loss network that they are of.
    """

    status: str = "waiting"
    seconds: float = 0.0
    error: str | None = None
    steps: int = 0
    costs: Mapping[str, float] = field(default_factory=dict)
    judge: str = ""

    def write(self, folder: Path) -> None:
        """Keep it in a row's folder.

        Raises:
            TrainingError: The folder cannot be written.
        """
        _write(folder / _STATE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "State":
        """That of a row's folder; a broken or missing one is that of a row that waits."""
        said = _read(folder / _STATE)
        facts = asdict(cls()) | said if isinstance(said, dict) else {}
        if facts.keys() != _STATE_TYPES.keys() or not _are_of(facts, _STATE_TYPES):
            return cls()
        numbers = [facts["seconds"], facts["steps"], *facts["costs"].values()]
        return cls(**facts) if facts["status"] in _STATUSES and all(map(_can_be_shown, numbers)) else cls()


def request_of(row: Row, output: Path, common: Mapping[str, str], threads: int) -> Request:
    """What a row's process is to do; a row that was begun keeps the number of its threads.

    Sums over another number of threads differ in the last bits, and a row that goes on is to end as if unbroken.
    """
    folder = output / RUNS / row.file
    own_end = any(name in row.settings for name in ENDS)
    settings = {name: value for name, value in common.items() if not (own_end and name in ENDS)}
    settings |= row.settings
    licence = settings.pop("license", "")
    settings |= {"name": row.name, "output": str(folder)}
    settings = {name: value for name, value in settings.items() if value != "false" or _may_be_on(name, settings)}
    arguments = [_word(name, value) for name, value in settings.items()]
    before = Request.read(folder)
    return Request(
        row.name,
        folder,
        output / f"{row.file}.onnx",
        tuple(arguments),
        licence,
        threads if before is None else before.threads,
    )


def _word(name: str, value: str) -> str:
    return f"--{name}" if _is_switch(name) and value == "true" else f"--{name}={value}"


def _is_switch(name: str) -> bool:
    return name in OPTIONS and not OPTIONS[name].value


def _may_be_on(name: str, settings: Mapping[str, str]) -> bool:
    """Whether "false" says something: of a switch, only where a config may have switched it on."""
    return not _is_switch(name) or ("config" in settings and "." in OPTIONS[name].target)


def found_of(request: Request) -> State:
    """What is there of a row; one whose network was moved away waits for another export."""
    state = State.read(request.folder)
    return replace(state, status="waiting") if state.status == "done" and not is_file(request.network) else state


def state_of(request: Request) -> State:
    """What is there of a row that is to be trained.

    Raises:
        TrainingError: It is done, but with other settings; or its network's file is somebody else's.
    """
    state, before = found_of(request), Request.read(request.folder)
    if before is None and state == State() and is_there(request.network):
        raise TrainingError(
            f"{request.network} is there and was not made by this command; move it away, or give the row another name"
        )
    changed = [] if before is None else sorted(set(before.arguments) ^ set(request.arguments))
    changed = [word for word in changed if not word.startswith("--output=")]  # the folder may have been moved
    if changed and State.read(request.folder).status == "done":
        raise TrainingError(
            f"it was trained with other settings ({', '.join(changed)}); remove {request.folder} and "
            f"{request.network} to train it anew, or restore them"
        )
    return state


def memory_of(requests: Sequence[Request]) -> int:
    """Bytes that one training takes, about, for the largest of these."""
    sizes = []
    for request in requests:
        values = dict(word.lstrip("-").partition("=")[::2] for word in request.arguments)
        batch = _number(values.get("batch-size"), 1)
        crop = _largest_side(values.get("size"), batch)
        sizes.append(_BYTES_BASE + _BYTES_OF_A_CROP * batch * (crop / _USUAL_CROP) ** 2)
    return int(max(sizes, default=_BYTES_BASE))


def device_of(request: Request) -> str | None:
    """What a row or `--` says of its device; None if nothing."""
    said = [word.partition("=") for word in request.arguments]
    named = [value for name, _, value in said if name in ("--device", f"--{OPTIONS['device'].target}")]
    return named[-1] if named else None


def _largest_side(crop: str | None, batch: int) -> int:
    """Of a training's crops; the usual one where `train` will refuse what is given. The photos are taken for large."""
    try:
        return max(usual_sides(batch)[0] if crop is None else sides_of(crop))
    except ValueError:
        return _USUAL_CROP


def _number(text: str | None, usual: int) -> int:
    return int(text) if text is not None and text.isdecimal() else usual


def _write(path: Path, facts: dict[str, Any]) -> None:
    try:
        atomic_write(path, json.dumps(facts, indent=1).encode())
    except OSError as error:
        raise TrainingError(f"cannot write {path} ({reason_of(error)}); make room, or give another --output") from error


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _are_of(facts: Mapping[str, Any], types: Mapping[str, Any]) -> bool:
    return all(isinstance(facts.get(name), kind) for name, kind in types.items())


def _can_be_shown(value: Any) -> bool:
    """Whether it is a number that can be rounded: JSON also has whole numbers beyond any float."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)
