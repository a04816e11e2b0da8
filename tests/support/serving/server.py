"""A serving container as a process of this machine, and clients of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import serving, variables

ROOT = Path(__file__).parents[3]
_READY_SECONDS = 90


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(kw_only=True)
class Server:
    """A running container."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Said:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body if method == "POST" else None, named)
            answer = connection.getresponse()
            return Said(status=answer.status, headers=dict(answer.getheaders()), body=answer.read())
        finally:
            connection.close()

    def ping(self) -> int:
        """What /ping answers."""
        return self.ask("GET", serving.PING).status

    def invoke(self, body: bytes, kind: str = "application/json", **headers: str) -> Said:
        """One invocation."""
        return self.ask("POST", serving.INVOCATIONS, body, **{"Content_Type": kind, **headers})

    def workers(self) -> list[int]:
        """The processes that answer: the children of its child."""
        return [pid for zygote in children(self.process.pid) for pid in children(zygote)]

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def children(pid: int) -> list[int]:
    """The children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def write_program(base: Path, code: str) -> Path:
    """A model that is a program."""
    folder = base / "model" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inference.py").write_text(code)
    return base


@contextmanager
def started(
    base: Path,
    environ: Mapping[str, str] = {},
    *,
    wait: bool = True,
    python: str = sys.executable,
    entry: Sequence[str] = ("training.launcher",),
) -> Iterator[Server]:
    """The container of the model in base/model, killed at the end with all that it started."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    given = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(base),
        serving.PORT_VARIABLE: str(port),
        variables.SERVING_HOST: "127.0.0.1",
        variables.WITHOUT_GPUS: "1",
        serving.WORKERS_VARIABLE: "1",
        "PYTHONPATH": str(ROOT),
        **environ,
    }
    log = base / f"log-{port}.txt"
    with log.open("wb") as output:
        command = [python, "-m", *entry, serving.ARGUMENT]
        process = subprocess.Popen(command, env=given, stdout=output, stderr=output, start_new_session=True, cwd=base)
    server = Server(process=process, port=port, log=log)
    try:
        if wait:
            until(lambda: process.poll() is not None or _pings(server), seconds=_READY_SECONDS)
            assert process.poll() is None, log.read_text()
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _pings(server: Server) -> bool:
    try:
        return server.ping() == 200
    except OSError:
        return False


def until(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for something, and fail when it does not come."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@dataclass(kw_only=True)
class Load:
    """Clients that send one request after another until told to stop; what they were answered."""

    server: Server
    body: bytes
    clients: int = 4
    statuses: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    refused: int = 0
    """Connections that were not accepted, which no request was lost on."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all clients."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
                try:
                    connection.connect()
                except OSError:
                    self.refused += 1
                    return
            try:
                connection.request("POST", serving.INVOCATIONS, self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                self.statuses.append(answer.status)
                if answer.will_close:
                    connection.close()
                    connection = None
            except OSError as error:
                self.broken.append(repr(error))
                connection.close()
                connection = None
        if connection is not None:
            connection.close()
