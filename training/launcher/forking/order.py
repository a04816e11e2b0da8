"""What PID 1 hands to the process that imports a framework, and that one to its agent."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from contract.variables import FORK, MAX_RESTARTS
from training.launcher import variables
from training.launcher.launch import Launch
from training.launcher.program import Program

REJOIN_SECONDS = 60.0
"""How long a node that has been there may take to come again."""


_MAX_RESTARTS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A process of a cluster in which not all are alike."""

    kind: str
    """What it is: `worker`, `ps`, `chief`."""

    index: int
    """Its number among those of its kind."""

    host: str
    address: str
    """Its host's."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return self.kind if self.kind == "chief" else f"{self.kind} {self.index}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One node's part of a run; the wire is JSON, through a pipe."""

    program: Program
    environ: Mapping[str, str]
    """The whole environment of the ranks, without what tells them apart."""

    cwd: str | None
    """Where the program starts; None where the image says."""

    base: str
    """/opt/ml, or what stands in for it."""

    hosts: tuple[str, ...]
    """Every node's name, in the order of their ranks."""

    node_rank: int
    master_address: str
    port: int
    """Where the nodes meet, on the first one."""

    run_id: str
    processes_per_node: int
    wait_seconds: float
    """How long the other nodes may take to come."""

    restart_limit: int
    restarts_left: int
    """Of the limit, what no earlier host or agent has used up."""

    grace_seconds: float
    fork: bool
    """Whether ranks are forks; else each is a new Python."""

    tasks: tuple[Task, ...] = ()
    """All of them, where ranks are not all alike."""

    @property
    def host(self) -> str:
        """This node's name."""
        return self.hosts[self.node_rank]

    @property
    def fork_ranks(self) -> bool:
        """Whether a rank is a fork of the process that imported the framework."""
        return self.fork and self.program.kind != "executable"

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.hosts)

    def to_json(self) -> str:
        """Write it for the pipe."""
        return json.dumps({**asdict(self), "program": self.program._asdict()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        program = values["program"]
        values["program"] = Program(**{**program, "arguments": tuple(program["arguments"])})
        tasks = tuple(Task(**task) for task in values["tasks"])
        return cls(**{**values, "hosts": tuple(values["hosts"]), "tasks": tasks})


def make_order(
    launch: Launch,
    *,
    port: int,
    tasks: Sequence[Task] = (),
    fork: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> Order:
    """Everything that the host needs to know."""
    contract = launch.contract
    alone = len(contract.hosts) == 1
    restart_limit = variables.whole(environ, MAX_RESTARTS, _MAX_RESTARTS)
    return Order(
        program=launch.program,
        environ=launch.environ,
        cwd=None if launch.working_dir is None else str(launch.working_dir),
        base=str(contract.base),
        hosts=contract.hosts,
        node_rank=contract.host_rank,
        master_address="127.0.0.1" if alone else launch.addresses[contract.hosts[0]],
        port=port,
        run_id=environ.get("TRAINING_JOB_NAME", "local"),
        processes_per_node=launch.processes_per_node,
        wait_seconds=launch.host_wait_seconds,
        restart_limit=restart_limit,
        restarts_left=restart_limit,
        grace_seconds=launch.grace_seconds,
        fork=fork and variables.whole(environ, FORK, 1) != 0,
        tasks=tuple(tasks),
    )
