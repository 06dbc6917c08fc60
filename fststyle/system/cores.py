"""How many processor cores a process may use, which in a container or on a cluster are fewer than there are."""

import math
import os
from pathlib import Path

from fststyle.system.control_groups import groups


def usable_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use, at least 1: those it is bound to, or what control groups leave of their time.

    Args:
        root: Where `proc` and `sys` are.
    """
    quotas = [quota for group in groups("cpu", root) if (quota := _quota(*group)) is not None]
    return max(1, min([_bound_to(), *quotas]))


def threads_for_cores(threads: int | None) -> int | None:
    """How many threads to start of so many that were asked for: no more than there are usable cores.

    Of onnxruntime's threads, those that wait keep a core busy. Eight of them on two cores take twice the time of two.

    Args:
        threads: None leaves the choice to onnxruntime, which binds a thread to each core of the machine.

    Returns:
        None only if all of the machine's cores are usable.
    """
    cores = usable_cores()
    if threads is None:
        return cores if cores < (os.cpu_count() or 1) else None
    return min(threads, cores)


def _bound_to() -> int:
    count = getattr(os, "process_cpu_count", None)  # from Python 3.13 on
    if count is not None:
        return count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quota(folder: Path, version: int) -> int | None:
    """Cores whose whole time a group gets, rounded up; None if it has no limit, which version 1 writes as -1."""
    names = ("cpu.max",) if version == 2 else ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    try:
        time, period = " ".join((folder / name).read_text("ascii") for name in names).split()
        return None if time in ("max", "-1") else math.ceil(int(time) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
