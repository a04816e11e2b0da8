"""The Docker daemon of this machine, over its socket; standard library only: the command asks for it too."""

import http.client
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from embedded.process.errors import CloudError

_DEFAULT_SOCKET = Path("/var/run/docker.sock")
_VERSION = "v1.41"
"""Of Docker 20.10, the oldest in use; newer daemons answer it too."""
_SECONDS = 120.0
_PODMAN = "Podman Engine"
"""What podman's own service calls itself in its answer."""


class DaemonError(Exception):
    """What the daemon refuses, in its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def socket_of(environment: Mapping[str, str]) -> Path:
    """The daemon's socket as the docker command would find it; one of another machine is refused."""
    address = environment.get("DOCKER_HOST", "")
    if not address:
        return _DEFAULT_SOCKET
    kind, _, path = address.partition("://")
    if kind != "unix":
        raise CloudError(
            f"DOCKER_HOST is {address!r}, and the engine `docker` needs a daemon of this machine, unix:///path: "
            "nodes share folders and a network with it"
        )
    return Path(path)


def refusal(environment: Mapping[str, str]) -> str | None:
    """Why nodes cannot be containers here, or None where they can."""
    path = socket_of(environment)
    if sys.platform != "linux":
        return f"the engine `docker` needs Linux, and this is {sys.platform}: its containers reach no folder of it"
    if os.geteuid() != 0:
        return (
            "the engine `docker` needs root, since what containers write belongs to root: "
            "start the cloud as root, or without --engine docker"
        )
    try:
        version = Daemon(path, seconds=10.0).call("GET", "/version")
    except (OSError, DaemonError) as error:
        return (
            f"no Docker daemon answers at {path} ({error}): start one (`dockerd`, or `systemctl start docker`), "
            "name its socket in DOCKER_HOST, or leave --engine docker out"
        )
    # A bridge that podman makes is there with its first container only, and this machine's address is on it even where
    # a job is to be isolated
    for component in version.get("Components", ()):
        if component["Name"] == _PODMAN:
            return (
                f"podman {component['Version']} answers at {path}, and nodes need the networks of dockerd: "
                "name dockerd's socket in DOCKER_HOST, or leave --engine docker out"
            )
    return None


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, seconds: float | None) -> None:
        super().__init__("docker", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket in place of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Daemon:
    """Calls of the Docker Engine API; each has a connection of its own, so any thread may make them."""

    def __init__(self, path: Path, *, seconds: float | None = _SECONDS) -> None:
        self.path, self._seconds = path, seconds

    def call(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """Make one call; its answer's JSON, or the text where it is none."""
        connection = Connection(self.path, self._seconds)
        try:
            connection.request(method, f"/{_VERSION}{path}", *_sent(body, headers))
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        found = _parsed(text)
        if answer.status >= 400:
            raise DaemonError(answer.status, str(found.get("message", text) if isinstance(found, dict) else text))
        return found

    def wait(self, container: str) -> int:
        """Wait, however long, until a container has ended; its exit code."""
        patient = Daemon(self.path, seconds=None)
        return int(patient.call("POST", f"/containers/{container}/wait?condition=next-exit")["StatusCode"])

    def attach(self, container: str) -> socket.socket:
        """All that a container prints from now on, in the daemon's frames."""
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.connect(str(self.path))
        path = f"/{_VERSION}/containers/{container}/attach?stream=1&stdout=1&stderr=1"
        stream.sendall(
            f"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode("ascii")
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.recv(1)
            if not byte:
                break
            head += byte
        if b" 101 " not in head.partition(b"\r\n")[0]:
            stream.close()
            raise DaemonError(500, f"the daemon does not attach to {container}: {head[:200].decode(errors='replace')}")
        return stream


def labelled(label: str) -> str:
    """The query that finds what has a label."""
    return urlencode({"all": "1", "filters": json.dumps({"label": [label]})})


def in_path(name: str) -> str:
    """An image's name as a part of a path."""
    return quote(name, safe="/:@")


def _sent(body: Any, headers: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    given = dict(headers or {})
    if body is None:
        return None, given
    return json.dumps(body).encode(), {"Content-Type": "application/json", **given}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
