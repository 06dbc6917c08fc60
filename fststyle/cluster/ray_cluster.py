"""The Ray cluster: joined where `RAY_ADDRESS` says, or started on this machine; errors in one line."""

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fststyle.errors import FststyleError
from fststyle.system.extras import extra
from fststyle.system.one_line import one_line

_ADDRESS = "RAY_ADDRESS"

# Seconds that a cluster has to answer; Ray itself asks for minutes.
_PATIENCE = 10.0

# What a user can do if no machine has enough of this.
_REMEDIES = {"CPU": "give fewer --threads", "GPU": "use --device cpu", "memory": "give less --memory"}

# What this program's user did not ask for: reports to Ray's makers, a note on GPUs, and workers that give way to every
# other process, as no command of ours does in one process.
_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_worker_niceness": "0"}


class ClusterError(FststyleError):
    """The cluster cannot be reached, or cannot do the work."""


@contextmanager
def cluster() -> Iterator[Any]:
    """Ray, ready for work; a program that has initialized it already keeps its cluster.

    Raises:
        ClusterError: `RAY_ADDRESS` leads to no cluster that can be used.
        FststyleError: Ray is not installed.
    """
    given = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ.update({name: value for name, value in _SETTINGS.items() if given[name] is None})
    try:
        with extra("cluster"):
            import ray
        if ray.is_initialized():
            yield ray
            return
        _join(ray, os.environ.get(_ADDRESS, "").strip())
        try:
            yield ray
        finally:
            ray.shutdown()
    finally:
        for name, value in given.items():
            if value is None:
                os.environ.pop(name, None)


def needs_gpu(device: str) -> bool:
    """Whether a worker on this device has a GPU reserved; "auto" is the CPU on a cluster."""
    return device in ("cuda", "directml")


def share_of(threads: int, *, gpu: bool) -> dict[str, float]:
    """What Ray keeps free for a worker."""
    return {"num_cpus": threads, "num_gpus": int(gpu)}


def lost_with(ray: Any) -> tuple[type[Exception], ...]:
    """What Ray raises for a worker that has ended before its work."""
    errors = ray.exceptions
    return errors.RayActorError, errors.ObjectLostError, errors.WorkerCrashedError, errors.OutOfMemoryError


def workers_for(ray: Any, asked: int | None, *, threads: int, gpu: bool, tasks: int, memory: int = 0) -> int:
    """How many workers there shall be: as many as asked for, or as fit into the cluster; no more than tasks.

    Args:
        ray: A cluster.
        asked: By the user; None if not.
        threads: CPUs of each.
        gpu: Whether each has one.
        tasks: How many there are.
        memory: Bytes that Ray keeps free for each; 0 for none.

    Raises:
        ClusterError: Not one fits.
    """
    needs = {"CPU": threads, **({"GPU": 1} if gpu else {}), **({"memory": memory} if memory else {})}
    machines = _machines(ray)
    fitting = sum(min(int(machine.get(kind, 0) // each) for kind, each in needs.items()) for machine in machines)
    if not fitting:
        most = {kind: int(max((machine.get(kind, 0) for machine in machines), default=0)) for kind in needs}
        short = [kind for kind, each in needs.items() if most[kind] < each] or list(needs)
        wanted, there = (" and ".join(_amount(kind, given[kind]) for kind in short) for given in (needs, most))
        where = "the largest machine of the cluster has" if len(short) == 1 else "no machine has both; the most are"
        raise ClusterError(f"a worker needs {wanted}, and {where} {there}; {' or '.join(_REMEDIES[k] for k in short)}")
    return max(1, min(asked or fitting, tasks))


def most_cpus(ray: Any, *, gpu: bool) -> int:
    """CPUs of the largest machine, or of the largest that has a GPU."""
    fit = [machine for machine in _machines(ray) if not gpu or machine.get("GPU", 0) >= 1]
    return int(max((machine.get("CPU", 0) for machine in fit), default=0))


def _machines(ray: Any) -> list[dict[str, float]]:
    """What each machine of the cluster has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _amount(kind: str, amount: int) -> str:
    if kind == "memory":
        return f"{amount / 1e9:.1f} GB of memory"
    return f"{amount} {kind}{'s' if amount != 1 else ''}"


def _join(ray: Any, address: str) -> None:
    if address.startswith("ray://"):
        raise ClusterError(
            f"{_ADDRESS} is {address}, but Ray Client is not supported; run this on a machine of the cluster with "
            f"{_ADDRESS}=auto, or hand it in with ray job submit"
        )
    if address not in ("", "local", "auto"):
        _check(address)
    settings: dict[str, Any] = {"address": "local", "include_dashboard": False}
    if address not in ("", "local"):
        settings = {"address": address}
    try:
        with _own_signals(), warnings.catch_warnings(action="ignore"):
            ray.init(**settings, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        reason = one_line(error, 200)
        where = f"the cluster at {_ADDRESS}={address}" if address else "a local cluster"
        raise ClusterError(
            f"{where} cannot be used ({reason}); check it with ray status, or unset {_ADDRESS}"
        ) from error
    except SystemExit as error:
        raise ClusterError(f"Ray ended with status {error.code}; see its logs") from error


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray puts its own handlers in the place of the program's, which may be waiting for Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check(address: str) -> None:
    """Refuse an address where nobody answers; Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        if not host or not port.isdecimal():
            raise OSError("it is not a host and a port, 10.0.0.1:6379 for example")  # noqa: TRY301 -- like the others
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClusterError(
            f"no Ray cluster answers at {_ADDRESS}={address} ({reason}); start one with ray start --head, correct "
            f"{_ADDRESS}, or unset it to use this machine"
        ) from error
