"""Finds tasks that a signal has stopped: they neither end nor fail, and all others wait for them."""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

from training.launcher.supervise import Child

LONGEST_SECONDS = 5.0
"""How long a task may be stopped: TensorFlow's own peers give it up after ten, and cannot say why."""

_LOOK_SECONDS = 1.0


class Stills:
    """Since when each task of a node stands still."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._look_at = 0.0

    def forget(self) -> None:
        """Other tasks start."""
        self._since = {}

    def look(self, children: Mapping[str, Child]) -> dict[str, float]:
        """The tasks that have been stopped for too long, with the seconds."""
        now = time.monotonic()
        if now < self._look_at:
            return {}
        self._look_at = now + _LOOK_SECONDS
        stopped = {
            name: child.pid for name, child in children.items() if child.status is None and _is_stopped(child.pid)
        }
        self._since = {pid: self._since.get(pid, now) for pid in stopped.values()}
        ages = {name: now - self._since[pid] for name, pid in stopped.items()}
        return {name: age for name, age in ages.items() if age >= LONGEST_SECONDS}


def _is_stopped(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    return False
