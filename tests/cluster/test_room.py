"""Whether workers fit into a cluster, told at once: Ray itself would wait for ever."""

from types import SimpleNamespace
from typing import Any

import pytest

from fststyle.cluster.ray_cluster import ClusterError, most_cpus, workers_for


def ray_of(*machines: dict[str, float]) -> Any:
    return SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": machine} for machine in machines])


SMALL, LARGE = {"CPU": 2, "memory": 8e9}, {"CPU": 16, "GPU": 1, "memory": 64e9}


def test_workers_fit_machine_by_machine() -> None:
    ray = ray_of(SMALL, SMALL, LARGE)
    assert workers_for(ray, None, threads=2, gpu=False, tasks=100) == 10
    assert workers_for(ray, None, threads=2, gpu=False, tasks=100, memory=8 * 10**9) == 10
    assert workers_for(ray, None, threads=2, gpu=False, tasks=100, memory=16 * 10**9) == 4
    assert workers_for(ray, None, threads=2, gpu=True, tasks=100) == 1
    assert workers_for(ray, 3, threads=1, gpu=False, tasks=100) == 3
    assert workers_for(ray, 3, threads=1, gpu=False, tasks=2) == 2


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"threads": 4}, "needs 4 CPUs, and the largest machine of the cluster has 2 CPUs; give fewer --threads"),
        ({"gpu": True}, "needs 1 GPU, and the largest machine of the cluster has 0 GPUs; use --device cpu"),
        ({"memory": 16 * 10**9}, "16.0 GB of memory, and .* has 8.0 GB of memory; give less --memory"),
    ],
)
def test_no_machine_has_room(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ClusterError, match=says):
        workers_for(ray_of(SMALL), None, **{"threads": 1, "gpu": False, "tasks": 9} | asked)


def test_each_is_there_but_on_no_machine_together() -> None:
    with pytest.raises(ClusterError, match="fewer --threads or use --device cpu"):
        workers_for(ray_of({"CPU": 8}, {"CPU": 1, "GPU": 1}), None, threads=4, gpu=True, tasks=1)


def test_cpus_of_the_largest_machine() -> None:
    assert most_cpus(ray_of(SMALL, LARGE), gpu=False) == 16
    assert most_cpus(ray_of({"CPU": 8}, {"CPU": 1, "GPU": 1}), gpu=True) == 1
