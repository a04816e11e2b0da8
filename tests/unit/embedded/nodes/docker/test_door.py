"""The daemon as a build may use it: what passes the door, how, and what does not."""

import http.client
import json
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.nodes.docker.door import Door
from embedded.process.daemon import Connection, Daemon

OURS = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


class EchoingDaemon(threading.Thread):
    """Remembers each request, answers it, and ends its connection, as told."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.heads: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()

    def run(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                said = connection.recv(1 << 16).decode()
                length = re.search(r"content-length: (\d+)", said, re.IGNORECASE)
                while length is not None and len(said.partition("\r\n\r\n")[2]) < int(length[1]):
                    said += connection.recv(1 << 16).decode()
                self.heads.append(said)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Sockets have short paths."""
    made = Path(tempfile.mkdtemp(prefix="yard-door-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def daemon(folder: Path) -> EchoingDaemon:
    made = EchoingDaemon(folder / "daemon.sock")
    made.start()
    return made


@pytest.fixture
def door(folder: Path, daemon: EchoingDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr("embedded.nodes.docker.door.clients.endpoint", lambda: "http://localhost:4566")
    made = Door(Daemon(folder / "daemon.sock"), folder / "door")
    yield folder / "door" / "docker.sock"
    made.close()


def ask(door: Path, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    connection = Connection(door, 10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_building_passes_and_no_second_request_follows_on_its_connection(door: Path, daemon: EchoingDaemon) -> None:
    assert ask(door, "POST", "/v1.40/build?t=x&version=2", "context", Connection="keep-alive") == (200, "{}")
    (head,) = daemon.heads
    assert head.startswith("POST /v1.41/build?t=x&version=2 HTTP/1.1\r\n") and head.endswith("context")
    assert "connection: close\r\n" in head and "keep-alive" not in head


def test_a_session_keeps_each_of_its_headers(door: Path, daemon: EchoingDaemon) -> None:
    """BuildKit sends one header many times, and upgrades the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(door))
        client.sendall(
            b"POST /session HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-M: one\r\nX-M: two\r\n\r\n"
        )
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert "x-m: one\r\nx-m: two\r\n" in daemon.heads[0] and "connection: Upgrade\r\n" in daemon.heads[0]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/containers/json"),
        ("POST", "/v1.41/containers/create"),
        ("POST", "/build/../containers/create"),
        ("GET", "/images/../containers/json"),
        ("GET", "/images/%2e%2e/containers/json"),
        ("POST", "/images/x/../../containers/prune?/tag"),
        ("DELETE", "/images/x"),
        ("POST", "/images/create?fromImage=x"),
        ("GET", "/images/x/get"),
        ("POST", "/images/load"),
        ("POST", "/swarm/init"),
        ("POST", "/plugins/pull"),
        ("POST", "/build?networkmode=host"),
        ("POST", "/images/example.com/x/push?tag=1"),
    ],
)
def test_what_is_not_building_is_refused_and_never_asked(
    door: Path, daemon: EchoingDaemon, method: str, path: str
) -> None:
    status, said = ask(door, method, path)
    assert status == http.client.FORBIDDEN and "embedded cloud" in json.loads(said)["message"]
    assert daemon.heads == []


def test_a_push_by_awss_name_goes_to_the_clouds_registry(door: Path, daemon: EchoingDaemon) -> None:
    login = "eyJwYXNzd29yZCI6InMifQ=="
    status, _ = ask(door, "POST", f"/v1.41/images/{OURS}/test/x/push?tag=1", X_Registry_Auth=login)
    assert status == http.client.OK
    tagging, pushing = daemon.heads
    assert tagging.startswith(f"POST /v1.41/images/{OURS}/test/x:1/tag?repo=127.0.0.1%3A4566%2Ftest%2Fx&tag=1 ")
    assert pushing.startswith("POST /v1.41/images/127.0.0.1:4566/test/x/push?tag=1 ")
    assert login not in pushing and "x-registry-auth: " in pushing
