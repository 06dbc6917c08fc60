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

_ADDRESS = "RAY_ADDRESS"

# Seconds that a cluster has to answer; Ray itself asks for minutes.
_PATIENCE = 10.0

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


def workers_for(ray: Any, asked: int | None, *, threads: int, gpu: bool, tasks: int) -> int:
    """How many workers there shall be: as many as asked for, or as fit into the cluster; no more than tasks.

    Raises:
        ClusterError: Not one fits.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    kind, each = ("GPU", 1) if gpu else ("CPU", threads)
    fitting = sum(int(node.get(kind, 0) // each) for node in nodes)
    if not fitting:
        largest = max((int(node.get(kind, 0)) for node in nodes), default=0)
        raise ClusterError(
            f"a worker needs {each} {kind}{'s' if each > 1 else ''}, and the largest machine of the cluster has "
            f"{largest}; " + ("use --device cpu" if gpu else "give fewer --threads")
        )
    return max(1, min(asked or fitting, tasks))


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
        reason = " ".join(str(error).split())[:200] or type(error).__name__
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
