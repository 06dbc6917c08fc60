from pathlib import Path

import pytest

from fststyle.system.control_groups import in_control_groups


def tree(root: Path, files: dict[str, str]) -> Path:
    """A /proc and a /sys with these files; the keys are paths below the mount of the groups, but for proc/…"""
    for name, text in files.items():
        path = root / name if name.startswith("proc/") else root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def second(group: str, limit: str, taken: int, cached: int = 0) -> dict[str, str]:
    """A group of version 2."""
    files = {"max": f"{limit}\n", "current": f"{taken}\n"}
    files["stat"] = f"anon 150\nfile {cached}\ninactive_file {cached}\nactive_file 0\n"
    return {f"{group}/memory.{name}": text for name, text in files.items()}


def first(group: str, limit: int, taken: int, cached: int = 0) -> dict[str, str]:
    """A group of version 1."""
    files = {"limit_in_bytes": f"{limit}\n", "usage_in_bytes": f"{taken}\n"}
    files["stat"] = f"cache 7\ntotal_inactive_file {cached}\ntotal_active_file 0\n"
    return {f"memory/{group}/memory.{name}": text for name, text in files.items()}


def test_no_groups(tmp_path: Path) -> None:
    assert in_control_groups(tmp_path) is None


def test_no_limits(tmp_path: Path) -> None:
    unlimited = {"proc/self/cgroup": "0::/a/b\n", **second("a/b", "max", 5), **second("a", "max", 9)}
    assert in_control_groups(tree(tmp_path, unlimited)) is None
    largest = {"proc/self/cgroup": "4:memory:/a\n", **first("a", 2**63 - 4096, 5)}
    assert in_control_groups(tree(tmp_path / "1", largest)) is None


def test_the_process_is_in_a_group_below_the_top(tmp_path: Path) -> None:
    assert in_control_groups(tree(tmp_path, {"proc/self/cgroup": "0::/a/b\n", **second("a/b", "1000", 300)})) == 700


@pytest.mark.parametrize(("limits", "left"), [((1000, 5000, 9000), 900), ((9000, 1000, 5000), 800), ((9, 9, 9), 0)])
def test_the_least_of_all_groups_that_it_lies_in(limits: tuple[int, int, int], left: int, tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "1:name=systemd:/x\n0::/user.slice/user-1.slice/job.scope\n"}
    for number, limit in enumerate(limits):
        group = "/".join(("user.slice", "user-1.slice", "job.scope")[: 3 - number])
        files |= second(group, str(limit), 100 * (number + 1))
    assert in_control_groups(tree(tmp_path, files)) == left


def test_a_group_whose_parent_alone_has_a_limit(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/a/b\n", **second("a/b", "max", 10), **second("a", "500", 100)}
    assert in_control_groups(tree(tmp_path, files)) == 400


@pytest.mark.parametrize("line", ["0::/", "0::/../other", "0::/docker/0123456789abcdef", ""])
def test_a_container_sees_its_own_group_at_the_top(line: str, tmp_path: Path) -> None:
    files = {"proc/self/cgroup": f"{line}\n", **second(".", "800", 300)}
    assert in_control_groups(tree(tmp_path, files)) == 500
    old = {"proc/self/cgroup": "9:cpu:/x\n5:memory:/docker/0123456789abcdef\n", **first(".", 600, 200)}
    assert in_control_groups(tree(tmp_path / "1", old)) == 400


def test_a_limit_that_slows_down_counts_too(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/a\n", **second("a", "max", 100), "a/memory.high": "400\n"}
    assert in_control_groups(tree(tmp_path / "1", files)) == 300
    assert in_control_groups(tree(tmp_path / "2", files | {"a/memory.max": "200\n"})) == 100


def test_version_1_alone_and_beside_version_2(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "11:cpuset,memory:/a/b\n0::/a/b\n", **first("a/b", 1000, 100), **first("a", 700, 300)}
    assert in_control_groups(tree(tmp_path, files)) == 400
    assert in_control_groups(tree(tmp_path, second("unified/a", "250", 50))) == 200


def test_what_files_left_in_memory_is_free_but_never_more_than_the_limit(tmp_path: Path) -> None:
    group = {"proc/self/cgroup": "0::/a\n"}
    assert in_control_groups(tree(tmp_path / "1", group | second("a", "1000", 900, 700))) == 800
    assert in_control_groups(tree(tmp_path / "2", group | second("a", "1000", 0, 700))) == 1000
    old = {"proc/self/cgroup": "3:memory:/a\n", **first("a", 1000, 900, 700)}
    assert in_control_groups(tree(tmp_path / "3", old)) == 800
