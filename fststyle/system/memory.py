"""How much memory is free, how people write amounts of it, and how a process keeps what it got."""

import ctypes
import math
import os
import re
import sys
from pathlib import Path

from fststyle.system.control_groups import in_control_groups

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}

# Where the system does not tell.
_UNKNOWN_FREE = 2 * 10**9
_FRACTION = 0.5

# Numbers of glibc's settings, from its malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8

# Limits of a process, and what Linux counts against each, as /proc/self/status calls it.
_LIMITED = {"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}


def parse_bytes(text: str) -> int:
    """Read an amount such as "1.5GB", "800MB" or "2000000000"; a kilobyte has 1000 bytes.

    Raises:
        ValueError: It is not an amount.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", text.lower())
    amount = float(match[1]) * _UNITS[match[2]] if match is not None else math.inf
    if not math.isfinite(amount):
        raise ValueError(f"memory must be an amount such as 1.5GB or 800MB, not {text!r}")
    return int(amount)


def default_memory() -> int:
    """Half of what is free now, in bytes: the least that machine, control groups and the process's own limits leave."""
    free = [found for found in (_of_machine(), in_control_groups(), _of_process()) if found is not None]
    return int(_FRACTION * min(free, default=_UNKNOWN_FREE))


def keep_freed_memory(*, in_one_arena: bool = False) -> bool:
    """Let this process keep what large arrays leave behind, for the next ones; tells whether the system can.

    glibc gives blocks of many megabytes back at once, and then gets them anew, page by page. In float32 at 256² that
    was a tenth of a step with VGG-19 and a fifth of one with Johnson's network. For a process that is ours, not for a
    library.

    Args:
        in_one_arena: What one thread freed, any other may take: for threads that hand few and large blocks on.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    options = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1} | ({_ARENA_MAX: 1} if in_one_arena else {})
    return set_option is not None and all(set_option(name, value) for name, value in options.items())


def give_back_freed_memory() -> bool:
    """Give the system what this process has freed; tells whether the system can be given it.

    glibc keeps what lies between blocks that are in use, such as those of pictures that were resized.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    return trim is not None and bool(trim(0))


def _of_machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        # Not on Windows; macOS knows the size of a page but not how many are free.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return None


def _of_process() -> int | None:
    """What `ulimit -v` and `ulimit -d` leave; None where there is no such limit, or it is not kept."""
    try:
        import resource

        sizes = dict(line.split(":") for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines())
        taken = {name: int(sizes[key].split()[0]) * 1024 for name, key in _LIMITED.items()}
    except (ImportError, OSError, ValueError, KeyError):  # Windows, macOS
        return None
    limits = {name: resource.getrlimit(getattr(resource, name))[0] for name in _LIMITED}
    left = [max(0, limit - taken[name]) for name, limit in limits.items() if limit != resource.RLIM_INFINITY]
    return min(left, default=None)
