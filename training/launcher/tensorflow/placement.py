"""Which task of a TensorFlow cluster runs on which host, and what TF_CONFIG tells each of them."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from contract.variables import PARAMETER_SERVERS, SERVER_GROUP
from training.launcher import variables
from training.launcher.endings.failure import LaunchRefused
from training.launcher.forking.order import Task
from training.launcher.inputs import Contract

CHIEF, WORKER, SERVER = "chief", "worker", "ps"
OWN_CONFIG = "TF_CONFIG"
"""Given by the job itself, it is not replaced."""


def place(
    contract: Contract, addresses: Mapping[str, str], *, workers_per_host: int, environ: Mapping[str, str] = os.environ
) -> tuple[Task, ...]:
    """Every task of the job, by kind and number.

    Without parameter servers all tasks are workers, of which the first leads. With them a chief coordinates workers
    and servers from the first host.
    """
    servers = _servers(contract, environ)
    group = environ.get(SERVER_GROUP)
    holds_servers = [] if group is None else _hosts_of(contract, group)
    workers = [host for host in contract.hosts if host not in holds_servers]
    if not workers:
        raise LaunchRefused(f"every host is in the group {group} of the parameter servers: none is left for a worker")
    tasks = [
        Task(kind=WORKER, index=number, host=host, address=addresses[host])
        for number, host in enumerate(host for host in workers for _ in range(workers_per_host))
    ]
    if servers == 0:
        return tuple(tasks)
    # The last hosts first: the first one has the chief
    spread = holds_servers or list(reversed(contract.hosts))
    tasks += [
        Task(kind=SERVER, index=number, host=host, address=addresses[host])
        for number, host in enumerate(spread[number % len(spread)] for number in range(servers))
    ]
    first = contract.hosts[0]
    return (Task(kind=CHIEF, index=0, host=first, address=addresses[first]), *tasks)


def _servers(contract: Contract, environ: Mapping[str, str]) -> int:
    group = environ.get(SERVER_GROUP)
    one_each = 0 if group is None else len(_hosts_of(contract, group))
    return variables.whole(environ, PARAMETER_SERVERS, one_each, at_least=0 if group is None else 1)


def _hosts_of(contract: Contract, group: str) -> list[str]:
    groups = {item["instance_group_name"]: item["hosts"] for item in contract.resource.get("instance_groups", [])}
    if group not in groups:
        known = ", ".join(sorted(groups)) or "the job has none"
        raise LaunchRefused(f"{SERVER_GROUP} is {group!r}, which is no instance group of this job ({known})")
    return [host for host in contract.hosts if host in groups[group]]


def cluster(tasks: Sequence[Task], ports: Mapping[str, int]) -> dict[str, list[str]]:
    """The addresses of all tasks by kind, as TF_CONFIG has them."""
    found: dict[str, list[str]] = {}
    for task in tasks:
        found.setdefault(task.kind, []).append(f"{task.address}:{ports[task.name]}")
    return found


def task_environ(
    task: Task, cluster: Mapping[str, Sequence[str]], environ: Mapping[str, str], *, local: int, workers: int
) -> dict[str, str]:
    """What one task finds besides: who it is, and which devices are its own.

    `local` is its number among the workers of its host, of which there are `workers`.
    """
    config: dict[str, Any] = {"cluster": dict(cluster), "task": {"type": task.kind, "index": task.index}}
    given = {} if OWN_CONFIG in environ else {OWN_CONFIG: json.dumps(config)}
    if int(environ.get("SM_NUM_GPUS", "0")) and "CUDA_VISIBLE_DEVICES" not in environ:
        if task.kind != WORKER:
            # TensorFlow takes all memory of every GPU that it sees, and neither a chief nor a server computes on one
            given["CUDA_VISIBLE_DEVICES"] = "-1"
        elif workers > 1:
            given["CUDA_VISIBLE_DEVICES"] = str(local)
    if "TF_NUM_INTRAOP_THREADS" not in environ:
        # Each of several workers would count all processors of the machine
        given["TF_NUM_INTRAOP_THREADS"] = environ["OMP_NUM_THREADS"]
    return given
