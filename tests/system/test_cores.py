import os
from pathlib import Path

import pytest

from fststyle.system import cores
from fststyle.system.cores import threads_for_cores, usable_cores


def limited(root: Path, quotas: dict[str, str]) -> Path:
    """A /proc and a /sys of a process in a/b, whose groups have these lines in cpu.max."""
    files = {
        "proc/self/cgroup": "0::/a/b\n",
        **{f"sys/fs/cgroup/{group}/cpu.max": line for group, line in quotas.items()},
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("quotas", "usable"),
    [
        ({}, 8),
        ({"a/b": "max 100000\n"}, 8),
        ({"a/b": "200000 100000\n"}, 2),
        ({"a/b": "250000 100000\n"}, 3),
        ({"a/b": "10000 100000\n"}, 1),
        ({"a/b": "max 100000\n", "a": "400000 100000\n"}, 4),
        ({"a/b": "6400000 100000\n"}, 8),
        ({"a/b": "nonsense"}, 8),
        ({"a/b": "5 0"}, 8),
    ],
)
def test_what_control_groups_leave(
    quotas: dict[str, str], usable: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_bound_to", lambda: 8)
    assert usable_cores(limited(tmp_path, quotas)) == usable


@pytest.mark.parametrize(
    ("quota", "outer", "usable"), [("200000", "-1", 2), ("-1", "-1", 8), ("-1", "350000", 4), ("", "-1", 8)]
)
def test_what_control_groups_of_version_1_leave(
    quota: str, outer: str, usable: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_bound_to", lambda: 8)
    limited(tmp_path, {})
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/other\n3:cpuset:/\n2:cpu,cpuacct:/a/b\n0::/\n")
    for group, time in (("a/b", quota), ("a", outer)):
        folder = tmp_path / "sys/fs/cgroup/cpu" / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.cfs_quota_us").write_text(f"{time}\n")
        (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == usable


@pytest.mark.parametrize(
    ("asked", "usable", "started"),
    [(None, 2, 2), (None, 8, None), (1, 2, 1), (2, 2, 2), (8, 2, 2), (8, 8, 8)],
)
def test_threads_for_what_is_usable_of_eight_cores(
    asked: int | None, usable: int, started: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda: usable)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert threads_for_cores(asked) == started


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_that_is_bound_to_one_core(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert usable_cores(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)
