"""Reaching a Ray cluster, or starting one that nobody else can reach."""

import importlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError
from rl_attention.sweep.executor import count_cpus

_OBJECT_STORE_BYTES = 100 * 2**20
_PAUSE_S = 1.0
_KNOCK_S = 10.0

_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's own switch for 127.0.0.1; without it every port is open to the network."""


def import_ray(address: str | None) -> Any:
    """Import Ray with token authentication, and on 127.0.0.1 for a cluster that we start.

    Args:
        address: That of a running cluster, or None.

    Raises:
        UserError: Ray is not installed.
    """
    if "ray" not in sys.modules:  # Ray reads these once
        if address is None:
            os.environ[_LOOPBACK] = "0"
        if address is None or _has_token():
            os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise UserError(
            f"--executor ray: expected the package ray, but it cannot be imported ({error}); "
            "install it with: pip install 'rl-attention[ray]'"
        ) from None


@contextmanager
def connected(ray: Any, address: str | None, *, retries: int) -> Iterator[None]:
    """Be a driver of a cluster for a while.

    Args:
        ray: The package.
        address: That of a running cluster; None starts one, which ends with this.
        retries: How often Ray starts a task again whose worker ran out of memory.

    Raises:
        UserError: There is no such cluster, or it cannot be started.
    """
    if address not in (None, "auto"):
        _check_reachable(address)
    settings: dict[str, Any] = {"address": address}
    if address is None:
        settings = {
            "address": "local",
            "num_cpus": count_cpus(),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "_system_config": {"task_oom_retries": retries},
        }
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **settings)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        what = "start a cluster" if address is None else f"connect to {address}"
        hint = "" if address is None else "; RAY_AUTH_TOKEN or ~/.ray/auth_token must be its token"
        raise UserError(f"--executor ray: cannot {what} ({error}){hint}") from None
    try:
        yield
    finally:
        ray.shutdown()


def wait_for_room(ray: Any, cpus: int, gpus: float, *, patience: float) -> None:
    """Make sure that some node is large enough, as Ray itself would wait for ever.

    Args:
        ray: The package, connected.
        cpus: CPUs of a trial.
        gpus: GPUs of a trial.
        patience: Seconds in which nodes may still come.

    Raises:
        UserError: There is no such node.
    """
    deadline = time.monotonic() + patience
    while True:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
            return
        if time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_S)
    there = ", ".join(f"{n.get('CPU', 0):g} CPUs and {n.get('GPU', 0):g} GPUs" for n in nodes)
    there = there or "no node"
    raise UserError(
        f"--cpus-per-trial, --gpus-per-trial: expected at most what one node has ({there}), "
        f"got {cpus} CPUs and {gpus:g} GPUs"
    )


def count_slots(ray: Any, cpus: int, gpus: float) -> int:
    """Count how many trials the cluster has room for as it is now.

    Args:
        ray: The package, connected.
        cpus: CPUs of a trial.
        gpus: GPUs of a trial.
    """
    there = ray.cluster_resources()
    slots = there.get("CPU", 0) / cpus
    if gpus:
        slots = min(slots, there.get("GPU", 0) / gpus)
    return max(1, int(slots))


def _check_reachable(address: str) -> None:
    """Knock at the door: Ray itself goes on trying for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or "/" in host or not port.isdigit():
        raise UserError(
            f"--address: expected HOST:PORT, or auto on a node of the cluster, got {address!r}"
        )
    try:
        socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"--address: no Ray cluster answers at {address} ({error}); start one with: "
            "ray start --head"
        ) from None


def _has_token() -> bool:
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    return "RAY_AUTH_TOKEN" in os.environ or file.is_file()
