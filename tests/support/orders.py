"""Orders to the process that imports torch, for tests that need only a part of one."""

from typing import Any

from training.launcher.forking.order import Order
from training.launcher.program import Program


def make_order(**values: Any) -> Order:
    """One node's order for a program that does not exist."""
    defaults: dict[str, Any] = {
        "program": Program(kind="module", target="a", arguments=()),
        "environ": {},
        "cwd": None,
        "base": "/tmp",
        "hosts": ("algo-1",),
        "node_rank": 0,
        "master_address": "127.0.0.1",
        "port": 29400,
        "run_id": "run",
        "processes_per_node": 1,
        "wait_seconds": 1.0,
        "restart_limit": 0,
        "restarts_left": 0,
        "grace_seconds": 1.0,
        "fork": True,
    }
    return Order(**{**defaults, **values})
