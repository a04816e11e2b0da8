"""What a cloud's nodes are: cells of processes or containers. Standard library only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from embedded.process import daemon
from embedded.process.errors import CloudError

Engine = Literal["process", "docker"]

_socket: Path | None = None


def choose(socket: Path | None) -> None:
    """Have this process's nodes be containers of the daemon at this socket; None for cells. A start does it once."""
    global _socket
    _socket = socket


def docker_socket() -> Path | None:
    """The socket of the daemon whose containers this process's nodes are; None where they are cells."""
    return _socket


def options(engine: Engine | None, environment: Mapping[str, str]) -> list[str]:
    """The words that start a cloud's process with an engine; raises where this machine cannot have it."""
    if engine != "docker":
        return []
    refused = daemon.refusal(environment)
    if refused is not None:
        raise CloudError(refused)
    return ["--docker-socket", str(daemon.socket_of(environment).absolute())]


def refuse_another(runs: str, asked: Engine | None) -> None:
    """Raise where a cloud runs with another engine than the one that is asked for."""
    if asked not in (None, runs):
        raise CloudError(
            f"the embedded cloud already runs with the engine {runs!r}, not {asked!r}; to change it: yard cloud down, "
            f"then yard cloud up --engine {asked}"
        )
