"""What the cloud says of itself: `POST /_yard/status`. Other parts add their own facts."""

import os
import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

from embedded import clients
from embedded.operations import Params, admin

Facts = Callable[[], Mapping[str, Any]]

_started = time.time()
_facts: list[Facts] = []


def add_facts(function: Facts) -> Facts:
    """Let a part of the cloud add to the status: a function that returns names and values."""
    _facts.append(function)
    return function


@admin("status")
def status(params: Params) -> dict[str, Any]:
    """The process, its age and its memory, and what the parts add."""
    answer: dict[str, Any] = {
        "pid": os.getpid(),
        "endpoint": clients.endpoint(),
        "seconds_up": round(time.time() - _started, 1),
        "memory_mb": _memory_mb(),
    }
    for function in _facts:
        answer.update(function())
    return answer


def _memory_mb() -> int:
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() // 2**20
    except FileNotFoundError:
        # macOS has no /proc: the peak is the next best thing, in bytes there
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20
