"""What PID 1 hands to the process that imports torch, and that one to its agent."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from training.launcher.program import Program

REJOIN_SECONDS = 60.0
"""How long a node that has been there may take to come again."""


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
    """The rendezvous store's, on the first node."""

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

    @property
    def host(self) -> str:
        """This node's name."""
        return self.hosts[self.node_rank]

    @property
    def fork_ranks(self) -> bool:
        """Whether a rank is a fork of the process that imported torch."""
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
        return cls(**{**values, "hosts": tuple(values["hosts"])})
