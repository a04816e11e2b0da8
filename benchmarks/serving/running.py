"""Servers of a benchmark, what they cost, and clients of them."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from contract.paths import BASE_VARIABLE
from contract.serving import PORT_VARIABLE, WORKERS_VARIABLE
from contract.variables import SERVING_HOST, WITHOUT_GPUS

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(kw_only=True)
class Server:
    """A running server with all its processes."""

    process: subprocess.Popen[bytes]
    port: int
    first_answer: float
    """Seconds until anything answered."""
    ready: float
    """Seconds until /ping was good."""

    def tree(self) -> list[int]:
        """Its processes."""
        found, left = [], [self.process.pid]
        while left:
            pid = left.pop()
            found.append(pid)
            left += children(pid)
        return found

    def cpu(self) -> float:
        """Seconds of processor time of all its processes that live."""
        return sum(_cpu(pid) for pid in self.tree())


def children(pid: int) -> list[int]:
    """The children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def pss_mb(pids: Sequence[int]) -> float:
    """The memory of processes, what they share counted once."""
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _cpu(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICKS


@contextmanager
def started(command: Sequence[str], port: int, environ: Mapping[str, str] = {}) -> Iterator[Server]:
    """A server from its start to its end, ready when /ping answers 200."""
    began = time.monotonic()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env={**os.environ, **environ}, start_new_session=True, **quiet)
    server = Server(process=process, port=port, first_answer=0.0, ready=0.0)
    try:
        while True:
            status = ping(port)
            if status and not server.first_answer:
                server.first_answer = time.monotonic() - began
            if status == 200:
                break
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
            time.sleep(0.01)
        server.ready = time.monotonic() - began
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


AS_IN_AN_IMAGE = ("-S",)
"""Without what the editable install of a checkout has Python read at each start: an image has no such install."""
PACKAGES = os.pathsep.join((str(ROOT), sysconfig.get_path("purelib")))


def ours(base: Path, *, workers: int, environ: Mapping[str, str] = {}) -> tuple[list[str], int, dict[str, str]]:
    """How the runtime is started for the model in base/model."""
    port = free_port()
    given = {
        BASE_VARIABLE: str(base),
        PORT_VARIABLE: str(port),
        WORKERS_VARIABLE: str(workers),
        SERVING_HOST: "127.0.0.1",
        WITHOUT_GPUS: "1",
        "PYTHONPATH": PACKAGES,
        **environ,
    }
    return [sys.executable, *AS_IN_AN_IMAGE, "-m", "serving"], port, given


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def ping(port: int) -> int:
    """The status of /ping; 0 without an answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
            return int(line.recv(4096).split()[1])
    except (OSError, IndexError, ValueError):
        return 0


@dataclass(kw_only=True)
class Seen:
    """What clients saw."""

    seconds: list[float] = field(default_factory=list)
    """Of each answer."""
    at: list[float] = field(default_factory=list)
    """When each came."""
    failed: int = 0
    """Answers that were not 200, and requests without one."""
    refused: int = 0
    """Connections that were not accepted."""


def load(port: int, body: bytes, *, clients: int, seconds: float) -> Seen:
    """Clients that each send one request after the other."""
    return uvloop.run(_load(port, body, clients=clients, until=time.monotonic() + seconds))


async def _load(port: int, body: bytes, *, clients: int, until: float) -> Seen:
    seen = Seen()
    await asyncio.gather(*(_client(port, body, until, seen) for _ in range(clients)))
    return seen


async def _client(port: int, body: bytes, until: float, seen: Seen) -> None:
    head = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    request = head % len(body) + body
    reader = writer = None
    while time.monotonic() < until:
        if writer is None or reader is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                seen.refused += 1
                return
        began = time.monotonic()
        try:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            lines = answer.lower().split(b"\r\n")
            length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
            await reader.readexactly(length)
        except (OSError, EOFError):
            seen.failed += 1
            writer.close()
            writer = None
            continue
        now = time.monotonic()
        seen.failed += not answer.startswith(b"HTTP/1.1 200")
        seen.seconds.append(now - began)
        seen.at.append(now)
        if b"connection: close" in lines:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()
