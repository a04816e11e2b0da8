"""The interface between jobs and engines, which make nodes: `ProcessEngine` as cells, `DockerEngine` as containers."""

import socket
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
    """The container's variables, which override the image's."""
    mounts: tuple[tuple[Path, str, bool], ...] = ()
    """Shared file systems: folders of the machine that the node sees, at which path, and whether read-only."""

    streams: tuple[str, ...] = ()
    """Folders, as the node sees them, whose files are streamed, if the engine can."""

    @property
    def ml(self) -> Path:
        """The node's /opt/ml on the machine."""
        return self.folder / "ml"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptSpec:
    """What an engine needs to start one attempt of a job."""

    folder: Path
    """The attempt's folder on the machine; the nodes' folders lie in it."""
    image: str
    """The image's URI."""
    entrypoint: Sequence[str] | None
    """The entrypoint; None for the image's own."""
    arguments: Sequence[str] | None
    """The arguments after the entrypoint; None for the image's own CMD, which only its own entrypoint gets."""
    nodes: Sequence[NodeSpec]
    """The nodes, algo-1 first."""
    cloud_port: int | None
    """The cloud's port on the machine; None for nodes that may not reach it."""
    requirements: Path | None = None
    """A requirements.txt whose packages the nodes have besides the image's; what it refers to lies beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeExit:
    """A node's program has ended."""

    host: str
    """Which node."""
    code: int
    """Its exit code; 128 + N for signal N."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The way into a running node, for whoever owns the cloud."""

    command: Sequence[str]
    """Runs `terminal` or `pipes` and then a command, which are put behind it, in the node."""
    environment: Mapping[str, str]
    """Its whole environment; the command in the node gets the node's."""


class Attempt(Protocol):
    """A running attempt."""

    @property
    def outputs(self) -> Mapping[str, int]:
        """A file descriptor per host with the program's output; its reader closes it."""

    @property
    def streams(self) -> Mapping[tuple[str, str], int]:
        """The FUSE device per host and streamed folder; its server closes it."""

    @property
    def programs(self) -> Mapping[str, int]:
        """The program's process id per host, for the host's metrics."""

    def entry(self, host: str) -> Entry:
        """The way into one node."""

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """A connection to a node's port, while somebody reads `exits`; `OSError` if there is none within the time."""

    def exits(self) -> Iterator[NodeExit]:
        """Wait for the nodes; yields one exit per node as it happens."""

    def signal(self, number: int, host: str | None = None) -> None:
        """Send a signal to one node's program, or to all. SIGKILL ends the whole node."""

    def close(self) -> None:
        """End everything that is left, and wait until it is gone."""


class Engine(Protocol):
    """A way to make nodes."""

    def network_interface(self) -> str:
        """The network interface on which the nodes reach each other."""

    def cloud_host(self) -> str:
        """The host at which the nodes reach the cloud."""

    def can_stream(self) -> bool:
        """Whether nodes can have streamed folders."""

    def prepare(self, image: str) -> None:
        """Do the slow work that each image needs once, such as making its environment."""

    def start(self, spec: AttemptSpec) -> Attempt:
        """Start the nodes; raises `ImageError` or `OSError` with a readable reason."""
