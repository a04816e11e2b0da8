"""Talking to a Docker daemon: a socket that answers as the Engine API documents."""

import contextlib
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.process import daemon, engines
from embedded.process.daemon import Daemon, DaemonError
from embedded.process.errors import CloudError


class FakeDaemon(threading.Thread):
    """Answers each request as it is told, and remembers what it was asked."""

    def __init__(self, path: Path, *answers: bytes) -> None:
        super().__init__(daemon=True)
        self.asked: list[bytes] = []
        self._answers = answers
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()

    def run(self) -> None:
        for answer in self._answers:
            connection, _ = self._listener.accept()
            with connection:
                self.asked.append(whole_request(connection))
                connection.sendall(answer)


def whole_request(connection: socket.socket) -> bytes:
    """Head and body: they come apart, and who answers the head alone breaks the line of whoever still sends."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(1 << 16)
    head, _, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    while length is not None and len(body) < int(length[1]):
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


def answer(status: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Sockets have short paths."""
    short = Path(f"/tmp/yard-test-{os.getpid()}.sock")
    yield short
    with contextlib.suppress(FileNotFoundError):
        short.unlink()


def test_a_call_and_a_refusal_in_the_daemons_words(path: Path) -> None:
    fake = FakeDaemon(path, answer("200 OK", {"Id": "abc"}), answer("409 Conflict", {"message": "name is in use"}))
    fake.start()
    assert Daemon(path).call("POST", "/containers/create", {"Image": "x"}) == {"Id": "abc"}
    with pytest.raises(DaemonError, match="name is in use") as refusal:
        Daemon(path).call("DELETE", "/containers/abc")
    assert refusal.value.status == 409
    assert fake.asked[0].startswith(b"POST /v1.41/containers/create HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in fake.asked[0] and b'{"Image": "x"}' in fake.asked[0]


def test_attaching_leaves_what_comes_behind_the_answers_head(path: Path) -> None:
    FakeDaemon(path, b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n\x01\x00\x00\x00\x00\x00\x00\x02hi").start()
    with Daemon(path).attach("abc") as stream:
        assert stream.recv(64) == b"\x01\x00\x00\x00\x00\x00\x00\x02hi"


def test_attaching_to_what_is_gone_says_so(path: Path) -> None:
    FakeDaemon(path, answer("404 Not Found", {"message": "no such container"})).start()
    with pytest.raises(DaemonError, match=r"does not attach to abc: HTTP/1.1 404"):
        Daemon(path).attach("abc")


def test_the_socket_is_the_one_of_docker_host() -> None:
    assert daemon.socket_of({}) == Path("/var/run/docker.sock")
    assert daemon.socket_of({"DOCKER_HOST": "unix:///run/user/0/docker.sock"}) == Path("/run/user/0/docker.sock")
    with pytest.raises(CloudError, match=r"DOCKER_HOST is 'tcp://elsewhere:2375'.* needs a daemon of this machine"):
        daemon.socket_of({"DOCKER_HOST": "tcp://elsewhere:2375"})


def test_without_a_daemon_there_is_one_refusal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.process.daemon.os.geteuid", lambda: 0)
    where = {"DOCKER_HOST": f"unix://{path}"}
    with pytest.raises(CloudError, match=rf"no Docker daemon answers at {path} .*leave --engine docker out"):
        engines.options("docker", where)
    assert engines.options("process", where) == engines.options(None, where) == []
    FakeDaemon(path, answer("200 OK", {"Components": [{"Name": "Engine", "Version": "20.10.24"}]})).start()
    assert engines.options("docker", where) == ["--docker-socket", str(path)]


def test_podman_is_refused_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers the same calls, and makes other networks of them."""
    monkeypatch.setattr("embedded.process.daemon.os.geteuid", lambda: 0)
    said = {"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "Conmon"}]}
    fake = FakeDaemon(path, answer("200 OK", said))
    fake.start()
    with pytest.raises(CloudError, match=rf"podman 4\.3\.1 answers at {path}, and nodes need the networks of dockerd"):
        engines.options("docker", {"DOCKER_HOST": f"unix://{path}"})
    assert fake.asked[0].startswith(b"GET /v1.41/version ")


def test_only_root_may_have_nodes_that_write_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.process.daemon.os.geteuid", lambda: 1000)
    assert "needs root" in str(daemon.refusal({}))


def test_only_linux_shares_folders_with_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.process.daemon.sys.platform", "darwin")
    assert "needs Linux, and this is darwin" in str(daemon.refusal({}))


def test_a_running_cloud_keeps_its_engine() -> None:
    engines.refuse_another("docker", None)
    engines.refuse_another("docker", "docker")
    with pytest.raises(CloudError, match="already runs with the engine 'process', not 'docker'"):
        engines.refuse_another("process", "docker")
