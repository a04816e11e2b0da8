"""What a cell runs; the server sends it as one JSON line on the control socket."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

Isolation = Literal["user", "root", "loopback"]
"""`user`: in namespaces, with a user namespace. `root`: the same without a user namespace, which some machines
forbid. `loopback`: no namespaces; a node has its own loopback address and a moved root."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bind:
    """A path of the machine that a node sees elsewhere."""

    source: str
    """The path on the machine."""
    target: str
    """The path in the node."""
    read_only: bool = False
    """Whether the node may only read it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePlan:
    """One node."""

    host: str
    """Its name: algo-1, algo-2, ..."""
    hostname: str
    """What it calls itself; a container of SageMaker's need not know its own name."""
    root: str
    """Its folder on the machine."""
    command: list[str]
    """The program and its arguments: the node's process 1."""
    environment: dict[str, str]
    """The program's whole environment."""
    work_folder: str
    """The program's working folder, as the node sees it."""
    visible: list[str]
    """The machine's files and folders that the node sees, read-only and at their own paths: an image's files."""
    binds: list[Bind]
    """What the node sees besides, in the order of mounting. It sees nothing else of the machine."""
    streams: list[str] = field(default_factory=list)
    """Folders, as the node sees them, whose files the server streams through FUSE."""
    read_only: bool = False
    """Whether all is read-only but what is bound otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellPlan:
    """One attempt of one job."""

    isolation: Isolation
    """How the nodes are isolated from each other."""
    cloud_port: int | None
    """The port of the cloud on the machine's loopback; None for a job that must not reach it."""
    nodes: list[NodePlan]
    """The nodes, algo-1 first."""
    folder: str
    """The job's folder, which the cell removes if the server ends first."""

    def to_dict(self) -> dict[str, Any]:
        """Plain tables for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The plan that `to_dict` wrote."""
        nodes = [NodePlan(**{**node, "binds": [Bind(**bind) for bind in node["binds"]]}) for node in raw["nodes"]]
        return cls(**{**raw, "nodes": nodes})
