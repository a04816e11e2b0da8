"""The interface between a job and what its nodes are made of. `ProcessEngine` implements it; containers could too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CONTAINER_ROOT = "/opt/ml"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSpec:
    """One node of an attempt."""

    host: str
    """algo-1, algo-2, ..."""
    folder: Path
    """The node's folder on the machine; `folder / "ml"` is its /opt/ml."""
    environment: Mapping[str, str]
    """The variables that the container is started with; they win over the image's."""
    mounts: tuple[tuple[Path, str, bool], ...] = ()
    """Folders of the machine that the node sees too, where, and whether only to read: shared file systems."""

    streams: tuple[str, ...] = ()
    """Folders, as the node sees them, whose files are streamed; only where the engine can."""

    @property
    def ml(self) -> Path:
        """Where the node's /opt/ml lies on the machine."""
        return self.folder / "ml"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptSpec:
    """What an engine needs to start one attempt of a job."""

    folder: Path
    """The attempt's folder on the machine; the nodes' folders lie in it."""
    image: str
    """The image's URI."""
    entrypoint: Sequence[str] | None
    """What is run; None for the image's own entrypoint."""
    arguments: Sequence[str]
    """What follows the entrypoint."""
    nodes: Sequence[NodeSpec]
    """The nodes, algo-1 first."""
    cloud_port: int | None
    """Where the cloud listens on the machine; None for nodes that may not reach it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeExit:
    """A node's program has ended."""

    host: str
    """Which node."""
    code: int
    """Its exit code; 128 + N for signal N."""


class Attempt(Protocol):
    """An attempt that runs."""

    @property
    def outputs(self) -> Mapping[str, int]:
        """For each host a file descriptor with what its program prints; whoever reads it closes it."""

    @property
    def streams(self) -> Mapping[tuple[str, str], int]:
        """For each host and streamed folder its FUSE device; whoever answers on it closes it."""

    @property
    def programs(self) -> Mapping[str, int]:
        """For each host the process id of its program, for the host's metrics."""

    def exits(self) -> Iterator[NodeExit]:
        """Wait for the nodes: one exit each, as they come."""

    def signal(self, number: int, host: str | None = None) -> None:
        """Send a signal to one node's program, or to all of them. SIGKILL takes the whole node."""

    def close(self) -> None:
        """End all that is left, and wait until it is gone."""


class Engine(Protocol):
    """A way to make nodes."""

    def network_interface(self) -> str:
        """The name of the interface that the nodes reach each other by."""

    def addresses(self, hosts: Sequence[str], seed: str) -> dict[str, str]:
        """The address of each host; `seed` keeps jobs apart where they share one network."""

    def cloud_host(self) -> str:
        """Under which host the nodes reach the cloud."""

    def can_stream(self) -> bool:
        """Whether nodes can have streamed folders."""

    def prepare(self, image: str) -> None:
        """Do what takes long and is done once for an image, such as making its environment."""

    def start(self, spec: AttemptSpec) -> Attempt:
        """Start the nodes; raises `ImageError` or `OSError` with a reason for people."""
