"""Linux control groups, as containers, clusters and systemd set them, and what they leave of the memory.

A process belongs to one group of version 2 and, on older systems, to one of version 1 for memory and one for the
processor. Each group lies in others, and every one of them may have a limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class _Files:
    """Where a group says how much it has.

    Attributes:
        limits: The files with its limits.
        taken: The file with what is taken.
        cached: The lines of memory.stat that say what was read from files or written to them. That stays in memory
            until somebody needs the room.
    """

    limits: tuple[str, ...]
    taken: str
    cached: tuple[str, str]


_FILES = {
    2: _Files(("memory.max", "memory.high"), "memory.current", ("active_file", "inactive_file")),
    1: _Files(("memory.limit_in_bytes",), "memory.usage_in_bytes", ("total_active_file", "total_inactive_file")),
}

# Version 1 writes "no limit" as the largest number of whole pages.
_NO_LIMIT = 2**62


def in_control_groups(root: Path = Path("/")) -> int | None:
    """Bytes that the process's groups leave, the least of all of them; None if none has a limit.

    Args:
        root: Where `proc` and `sys` are.
    """
    left = [_left(folder, _FILES[version]) for folder, version in groups("memory", root)]
    return min((amount for amount in left if amount is not None), default=None)


def groups(controller: str, root: Path = Path("/")) -> Iterator[tuple[Path, int]]:
    """The folder of each of the process's groups, from its own up to the one at the top, and its version: 2 or 1.

    Not all of them need be there.

    Args:
        controller: What it is about, as version 1 calls it: "memory" or "cpu".
        root: Where `proc` and `sys` are.
    """
    mounted = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            # Beside groups of version 1, those of version 2 are in a folder of their own.
            for top in (mounted, mounted / "unified"):
                yield from ((folder, 2) for folder in _upwards(top, group))
        elif controller in controllers.split(","):
            # A mount names all of its controllers; distributions link the name of each to it.
            yield from ((folder, 1) for folder in _upwards(mounted / controller, group))
    # A container may see its own group only, mounted at the top, whatever /proc says.
    yield mounted, 2
    yield mounted / controller, 1


def _upwards(top: Path, group: str) -> Iterator[Path]:
    inner = PurePosixPath(group.lstrip("/"))
    if ".." not in inner.parts:  # that lies outside of what a container sees
        yield from (top / part for part in (inner, *inner.parents))


def _left(folder: Path, files: _Files) -> int | None:
    limits = [limit for name in files.limits if (limit := _number(folder / name)) is not None and limit < _NO_LIMIT]
    taken = _number(folder / files.taken)
    if not limits or taken is None:
        return None
    limit = min(limits)
    return max(0, min(limit, limit - taken + _cached(folder / "memory.stat", files.cached)))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):  # not there, or "max"
        return None


def _cached(statistics: Path, names: tuple[str, str]) -> int:
    try:
        counts = dict(line.split() for line in statistics.read_text("ascii").splitlines())
        return sum(int(counts[name]) for name in names)
    except (OSError, ValueError, KeyError):
        return 0
