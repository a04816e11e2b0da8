"""What the server tells a cell to run; it travels as one JSON line on the control socket."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

Isolation = Literal["user", "root", "loopback"]
"""`user`: in namespaces of an own user namespace. `root`: the same without the user namespace, which some machines
forbid. `loopback`: no namespaces; a node has a loopback address of its own and a moved root."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bind:
    """A path of the machine that a node sees at another place."""

    source: str
    """Where it lies on the machine."""
    target: str
    """Where the node sees it."""
    read_only: bool = False
    """Whether the node may only read it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePlan:
    """One node."""

    host: str
    """Its name: algo-1, algo-2, ..."""
    root: str
    """The folder of its own on the machine."""
    command: list[str]
    """The program and its arguments: the node's process 1."""
    environment: dict[str, str]
    """The whole environment of the program."""
    work_folder: str
    """Where the program starts, as the node sees it."""
    binds: list[Bind]
    """What the node sees besides the machine's own files, in the order in which it is put there."""
    streams: list[str] = field(default_factory=list)
    """Folders, as the node sees them, whose files the server streams by FUSE."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellPlan:
    """One attempt of one job."""

    isolation: Isolation
    """How the nodes are kept apart."""
    cloud_port: int | None
    """The port of the cloud on the machine's loopback; None for a job that must not reach it."""
    nodes: list[NodePlan]
    """The nodes, algo-1 first."""
    folder: str
    """The job's folder: the cell removes it if the server is gone before it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain tables for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The plan that `to_dict` wrote."""
        nodes = [NodePlan(**{**node, "binds": [Bind(**bind) for bind in node["binds"]]}) for node in raw["nodes"]]
        return cls(**{**raw, "nodes": nodes})
