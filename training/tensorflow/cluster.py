"""Who this process is among TensorFlow's tasks, read from TF_CONFIG alone. Knows no TensorFlow."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contract.refusal import Refused

VARIABLE = "TF_CONFIG"
_TYPES = ("chief", "worker", "ps")
_CONNECT_SECONDS = 0.5


class BadCluster(Refused):
    """TF_CONFIG describes no cluster that can train; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One process of a cluster."""

    type: str
    index: int
    address: str

    def __str__(self) -> str:
        return f"{self.type} {self.index} ({self.address})"


def answers(task: Task) -> bool:
    """Whether a task takes connections."""
    host, _, port = task.address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """All tasks, and which of them this process is."""

    tasks: tuple[Task, ...]
    """Chief, workers, servers, each by their index."""
    me: Task

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """What TF_CONFIG says; None where it is not set, or names no cluster: a single process."""
        text = environ.get(VARIABLE, "").strip()
        if not text:
            return None
        try:
            config = json.loads(text)
        except ValueError as error:
            raise BadCluster(f"{VARIABLE} is not JSON: {error}") from error
        cluster = config.get("cluster") if isinstance(config, dict) else None
        if cluster is None and isinstance(config, dict):
            return None
        tasks = _tasks(cluster)
        me = _me(config.get("task"), tasks)
        if any(task.type == "ps" for task in tasks):
            _require_coordinator(tasks)
        elif not any(task.type in ("chief", "worker") for task in tasks):
            raise BadCluster(f"{VARIABLE} names no chief and no worker")
        return cls(tasks=tasks, me=me)

    def of(self, *types: str) -> tuple[Task, ...]:
        """The tasks of these types, in their order."""
        return tuple(task for task in self.tasks if task.type in types)

    @property
    def has_servers(self) -> bool:
        """Whether variables live on parameter servers."""
        return bool(self.of("ps"))

    @property
    def equals(self) -> tuple[Task, ...]:
        """The tasks that train side by side where there is no server: the first of them is rank 0."""
        return self.of("chief", "worker")


def _tasks(cluster: Any) -> tuple[Task, ...]:
    if not isinstance(cluster, dict):
        raise BadCluster(f"{VARIABLE}'s cluster is {cluster!r}, and a mapping of task types to addresses is meant")
    unknown = sorted(set(cluster) - set(_TYPES))
    if unknown:
        raise BadCluster(
            f"{VARIABLE}'s cluster has tasks of type {', '.join(map(repr, unknown))}; known: {', '.join(_TYPES)} "
            "(evaluate on the chief, or in a job of its own)"
        )
    found = []
    for type_ in _TYPES:
        addresses = cluster.get(type_, [])
        if not isinstance(addresses, list) or not all(isinstance(one, str) and ":" in one for one in addresses):
            raise BadCluster(f"{VARIABLE}'s {type_} is {addresses!r}, and a list of host:port is meant")
        found += [Task(type=type_, index=index, address=address) for index, address in enumerate(addresses)]
    if len({task.address for task in found}) < len(found):
        twice = next(task for task in found if sum(task.address == other.address for other in found) > 1)
        raise BadCluster(f"{VARIABLE} gives {twice.address} to more than one task")
    if len([task for task in found if task.type == "chief"]) > 1:
        raise BadCluster(f"{VARIABLE} names more than one chief, and a cluster has one")
    return tuple(found)


def _me(task: Any, tasks: tuple[Task, ...]) -> Task:
    if not isinstance(task, dict) or not {"type", "index"} <= task.keys():
        raise BadCluster(f"{VARIABLE}'s task is {task!r}, and a type and an index are meant")
    for known in tasks:
        if known.type == task["type"] and str(known.index) == str(task["index"]):
            return known
    names = ", ".join(f"{known.type} {known.index}" for known in tasks)
    raise BadCluster(f"{VARIABLE}'s task is {task['type']} {task['index']}, which its cluster does not have: {names}")


def _require_coordinator(tasks: tuple[Task, ...]) -> None:
    missing = [type_ for type_ in ("chief", "worker") if not any(task.type == type_ for task in tasks)]
    if missing:
        raise BadCluster(
            f"{VARIABLE} names parameter servers and no {' and no '.join(missing)}: a chief hands out the steps, "
            "workers compute them"
        )
