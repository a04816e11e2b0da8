"""One node's view of a processing job: its folders, its fellow nodes, and what it has to say at its end."""

import json
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from contract.paths import base_folder, local_path

GATHER_PORT = 7790
_WAIT_SECONDS = 600.0
"""How long the first node waits for the others: they may have more to do."""
_MOST_BYTES = 16_000_000


class Hosts(NamedTuple):
    """The nodes of the job."""

    current: str
    all: tuple[str, ...]

    @property
    def is_first(self) -> bool:
        """Whether this node writes what there is one of."""
        return self.current == self.all[0]


def input_folder(name: str) -> Path:
    """Where an input lies, unless its definition names another folder."""
    return local_path(f"/opt/ml/processing/input/{name}")


def output_folder(name: str) -> Path:
    """Where an output is written, unless its definition names another folder."""
    folder = local_path(f"/opt/ml/processing/output/{name}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def hosts() -> Hosts:
    """The nodes as /opt/ml/config/resourceconfig.json lists them; one alone where there is no such file."""
    path = base_folder() / "config" / "resourceconfig.json"
    alone: dict[str, Any] = {"current_host": "algo-1", "hosts": ["algo-1"]}
    resource = json.loads(path.read_text()) if path.is_file() else alone
    listed = [str(host) for host in resource["hosts"]]
    named = sorted(listed, key=lambda name: (len(name), name))  # algo-9 before algo-10
    return Hosts(current=str(resource["current_host"]), all=tuple(named))


def say(message: str) -> None:
    """Leave a sentence as the job's exit message; SageMaker keeps its first kilobyte."""
    path = base_folder() / "output" / "message"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(message.encode(errors="replace")[:1024].decode(errors="ignore").encode())


def gather(own: Any, among: Hosts, *, port: int = GATHER_PORT, wait_seconds: float = _WAIT_SECONDS) -> dict[str, Any]:
    """What every node found, by host, on the first node; the others get nothing back.

    Plain TCP: the nodes of a processing job share nothing else. A node that does not come is an error on the first.
    """
    if len(among.all) == 1:
        return {among.current: own}
    if not among.is_first:
        _send({"host": among.current, "found": own}, among.all[0], port, wait_seconds)
        return {}
    return {among.current: own, **_receive(among.all[1:], port, wait_seconds)}


def _send(message: Any, host: str, port: int, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with socket.create_connection((host, port), timeout=10) as connection:
                connection.sendall(json.dumps(message).encode())
                connection.shutdown(socket.SHUT_WR)
                if connection.recv(2) == b"ok":
                    return
        except OSError as error:  # the name of a node may not be known yet, or the first node is still at work
            if time.monotonic() > deadline:
                raise RuntimeError(f"{host} cannot be reached on port {port}: {error}") from error
        time.sleep(0.25)


def _receive(others: Sequence[str], port: int, wait_seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    deadline = time.monotonic() + wait_seconds
    with socket.create_server(("", port), backlog=128) as server:
        while missing := [host for host in others if host not in found]:
            server.settimeout(max(deadline - time.monotonic(), 0.1))
            try:
                connection, _ = server.accept()
            except TimeoutError:
                raise RuntimeError(f"{', '.join(missing)} did not report within {wait_seconds:.0f} s") from None
            with connection:
                connection.settimeout(10)
                message = _read(connection)
                if message is not None and message.get("host") in others:
                    found[message["host"]] = message["found"]
                    connection.sendall(b"ok")
    return found


def _read(connection: socket.socket) -> dict[str, Any] | None:
    """What a node sent; None for what is no report, since anything in the network may knock."""
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
            if len(data) > _MOST_BYTES:
                return None
        read = json.loads(data)
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) and "found" in read else None
