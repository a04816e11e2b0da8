"""A running attempt of containers."""

import contextlib
import io
import os
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.nodes.cell import libc
from embedded.nodes.docker import keeper
from embedded.nodes.docker.networks import ATTEMPT_LABEL, Network
from embedded.nodes.engine import Entry, NodeExit
from embedded.process.daemon import Daemon, DaemonError

_SOURCE_ROOT = Path(__file__).resolve().parents[3]
_CANNOT_RUN = 127
_STARTERS = 8
_JOIN_SECONDS_MOST = 10.0
_FRAME = struct.Struct(">BxxxL")
_REST_BYTES_MOST = 1 << 16
"""Of a line that does not end, as a progress bar's, so much waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to start."""

    name: str
    """The attempt's name, which all that is made for it bears."""
    folder: Path
    """Its folder."""
    containers: Mapping[str, Mapping[str, Any]]
    """Of each host the request that creates its container."""
    cloud_port: int | None
    """The cloud's port on the loopback; None for nodes that may not reach it."""


class DockerAttempt:
    """An attempt whose nodes are containers on one network."""

    def __init__(self, daemon: Daemon, plan: Plan, network: Network) -> None:
        self._daemon, self._plan, self._network = daemon, plan, network
        self.outputs: Mapping[str, int] = {}
        self.programs: Mapping[str, int] = {}
        self._exits: queue.Queue[NodeExit] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._containers: dict[str, str] = {}
        self._keeper = self._start_keeper()
        try:
            self._start()
        except (DaemonError, OSError) as error:
            self.close()
            raise OSError(f"the Docker daemon did not start the nodes: {error}") from error

    def _start_keeper(self) -> subprocess.Popen[bytes]:
        words, passed = [], []
        if self._plan.cloud_port is not None:
            listener = socket.create_server((self._network.gateway, self._plan.cloud_port), backlog=128)
            passed = [listener.fileno()]
            words = [str(listener.fileno()), self._network.prefix, str(self._plan.cloud_port)]
        started = subprocess.Popen(
            [*_program("keeper"), str(self._daemon.path), self._plan.name, str(self._plan.folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            pass_fds=passed,
            start_new_session=True,
        )
        if self._plan.cloud_port is not None:
            listener.close()
        return started

    def _start(self) -> None:
        """Create all containers, then start all: none runs long before the others."""
        outputs: dict[str, int] = {}
        self.outputs = outputs
        with ThreadPoolExecutor(_STARTERS) as pool:
            made = pool.map(self._create, self._plan.containers)
            self._containers = dict(zip(self._plan.containers, made, strict=True))
            for host, container in self._containers.items():
                outputs[host], write_end = os.pipe()
                stream = self._daemon.attach(container)
                self._in_background(_copy_frames, stream, write_end)
            started = dict(zip(self._containers, pool.map(self._run, self._containers), strict=True))
        self.programs = {host: pid for host, pid in started.items() if pid}

    def _create(self, host: str) -> str:
        request = self._plan.containers[host]
        made = self._daemon.call("POST", f"/containers/create?name={self._plan.name}-{host}", request)
        return str(made["Id"])

    def _run(self, host: str) -> int:
        """Start one container; returns its program's process id, or 0 where that does not run or no more."""
        container = self._containers[host]
        self._in_background(self._wait, host, container)
        try:
            self._daemon.call("POST", f"/containers/{container}/start")
        except DaemonError as error:
            if "executable file not found" not in str(error) and "no such file or directory" not in str(error):
                raise
            self._refuse(host, str(error))
            return 0
        return int(self._daemon.call("GET", f"/containers/{container}/json")["State"]["Pid"])

    def _refuse(self, host: str, said: str) -> None:
        """Say in the node's log why its program does not run, as its shell would."""
        request = self._plan.containers[host]
        program = (request.get("Entrypoint") or request.get("Cmd") or ["the image's program"])[0]
        replaced, write_end = os.pipe()
        with contextlib.suppress(OSError):
            os.write(write_end, f"cannot run {program!r}: {said}\n".encode()[:4096])
        os.close(write_end)
        os.dup2(replaced, self.outputs[host])
        os.close(replaced)
        self._exits.put(NodeExit(host=host, code=_CANNOT_RUN))

    def _in_background(self, function: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=function, args=arguments, name=self._plan.name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _wait(self, host: str, container: str) -> None:
        try:
            code = self._daemon.wait(container)
        except (OSError, ValueError, DaemonError):
            # the daemon or the container is gone: nothing of it runs any more
            code = 128 + signal.SIGKILL
        self._exits.put(NodeExit(host=host, code=code))

    @property
    def streams(self) -> Mapping[tuple[str, str], int]:
        """None: what FastFile streams is copied before the nodes run."""
        return {}

    def entry(self, host: str) -> Entry:
        """A program that has docker run a command in the node."""
        return Entry(
            command=[*_program("visit"), str(self._daemon.path), self._containers[host]],
            environment=_environment(),
        )

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """Connect to a container's port from within its network, in which this machine may have no address."""
        if host not in self.programs:
            raise ConnectionRefusedError(f"the node {host} does not run")
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(_socket_of, self.programs[host]).result()
        try:
            made.settimeout(seconds)
            made.connect((self._network.address(list(self._plan.containers).index(host)), port))
        except BaseException:
            made.close()
            raise
        return made

    def exits(self) -> Iterator[NodeExit]:
        """One exit per node."""
        waiting = set(self._plan.containers)
        while waiting:
            ended = self._exits.get()
            if ended.host in waiting:
                waiting.discard(ended.host)
                yield ended

    def signal(self, number: int, host: str | None = None) -> None:
        """Signal the first process of one container or of all; one that has ended hears nothing."""
        for container in self._containers.values() if host is None else [self._containers[host]]:
            with contextlib.suppress(DaemonError):
                self._daemon.call("POST", f"/containers/{container}/kill?signal={int(number)}")

    def close(self) -> None:
        """Remove the containers and the network, and wait until their output has ended."""
        with contextlib.suppress(DaemonError):
            keeper.remove(self._daemon, f"{ATTEMPT_LABEL}={self._plan.name}")
        for thread in self._threads:
            thread.join(_JOIN_SECONDS_MOST)
        with contextlib.suppress(OSError):
            self._keeper.communicate(b"done", timeout=_JOIN_SECONDS_MOST)


def _socket_of(program: int) -> socket.socket:
    """A socket of a process's network; the thread that makes it stays there, and is to end."""
    try:
        namespace = os.open(f"/proc/{program}/ns/net", os.O_RDONLY)
    except FileNotFoundError:
        raise ConnectionRefusedError(f"the process {program} has ended") from None
    try:
        libc.enter_namespace(namespace)
    finally:
        os.close(namespace)
    return socket.socket()


def _copy_frames(stream: socket.socket, output: int) -> None:
    """Pass on what a container prints until it has ended; each frame says of which output it is and how long.

    Whole lines: what a program writes to one output while a line of the other is not ended must not come into it.
    """
    rests: dict[int, bytes] = {}
    with (
        contextlib.suppress(OSError),  # nobody reads any more, or the daemon is gone
        stream,
        os.fdopen(output, "wb", buffering=0) as target,
        stream.makefile("rb") as source,
    ):
        while len(head := source.read(_FRAME.size)) == _FRAME.size:
            kind, length = _FRAME.unpack(head)
            text = rests.get(kind, b"") + source.read(length)
            ended = text.rfind(b"\n") + 1
            if len(text) - ended > _REST_BYTES_MOST:
                ended = len(text)
            _write(target, text[:ended])
            rests[kind] = text[ended:]
        _write(target, b"\n".join(rest for rest in rests.values() if rest))


def _write(target: io.RawIOBase, text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[target.write(view) :]


def _program(name: str) -> Sequence[str]:
    return [sys.executable, "-S", "-m", f"embedded.nodes.docker.{name}"]


def _environment() -> dict[str, str]:
    docker = shutil.which("docker")
    path = "/usr/local/bin:/usr/bin:/bin" if docker is None else f"{Path(docker).parent}:/usr/bin:/bin"
    return {"PYTHONPATH": str(_SOURCE_ROOT), "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
