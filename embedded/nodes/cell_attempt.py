"""The server's side of a cell: starts it, receives its nodes' exits, and closes it."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.nodes.cell.plan import CellPlan
from embedded.nodes.engine import Entry, NodeExit

_SOURCE_ROOT = Path(__file__).resolve().parents[2]
"""The folder that `embedded` is imported from, the only one on a cell's path."""
_CLOSE_SECONDS_MOST = 10.0
_DEVICES_MOST = 250


def command(program: str = "__main__") -> list[str]:
    """The command that starts a cell, or another program of its folder."""
    return [sys.executable, "-S", "-m", f"embedded.nodes.cell.{program}"]


def environment() -> dict[str, str]:
    """A cell's environment, with `ip` on the PATH, where an ordinary user may not have it."""
    path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    return {"PYTHONPATH": str(_SOURCE_ROOT), "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


class CellAttempt:
    """An attempt whose nodes run in one cell."""

    def __init__(
        self, plan: CellPlan, outputs: Mapping[str, int], write_ends: Sequence[int], addresses: Mapping[str, str]
    ) -> None:
        self._outputs, self._addresses = outputs, addresses
        self._asking = threading.Lock()
        self._sockets: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        """Sockets of the nodes' network, as the cell sends them; None when no more can come."""
        self._programs: dict[str, int] = {}
        self._plan = plan
        self._control, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            command(),
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env=environment(),
            cwd="/",
        )
        theirs.close()
        self._lock = threading.Lock()
        line = json.dumps(plan.to_dict()).encode() + b"\n"
        first = socket.send_fds(self._control, [line], list(write_ends))
        self._control.sendall(line[first:])
        self._received = b""
        self._devices: list[int] = []
        self._streams: dict[tuple[str, str], int] = {}
        streams = {node.host: node.streams for node in plan.nodes}
        for _ in plan.nodes:
            event = self._next()
            if event["event"] != "started":
                self.close()
                raise OSError(event.get("message", "the cell ended before its nodes ran"))
            self._programs[event["host"]] = event["pid"]
            for folder in streams[event["host"]][: event["devices"]]:
                self._streams[event["host"], folder] = self._devices.pop(0)

    @property
    def outputs(self) -> Mapping[str, int]:
        """The read ends of the nodes' output."""
        return self._outputs

    @property
    def programs(self) -> Mapping[str, int]:
        """The programs' process ids."""
        return self._programs

    @property
    def streams(self) -> Mapping[tuple[str, str], int]:
        """The devices of the streamed folders by host and folder."""
        return self._streams

    def entry(self, host: str) -> Entry:
        """A program that joins the node's namespaces: only the user who started the cell may."""
        (node,) = [one for one in self._plan.nodes if one.host == host]
        place = (str(self._programs[host]), self._plan.isolation, node.work_folder)
        return Entry(command=[*command("visit"), *place], environment=environment())

    def _next(self) -> dict[str, Any]:
        while b"\n" not in self._received:
            try:
                chunk, devices, _, _ = socket.recv_fds(self._control, 1 << 16, _DEVICES_MOST)
            except OSError:
                chunk, devices = b"", []
            self._devices += devices
            if not chunk:
                return {"event": "gone"}
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        return event

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """Connect to a node's port. Nothing stands between: the socket itself comes out of the nodes' network."""
        with self._asking:
            self._order({"sockets": 1})
            try:
                descriptor = self._sockets.get(timeout=seconds)
            except queue.Empty:
                raise TimeoutError(f"the cell gave no socket within {seconds:g} s") from None
            if descriptor is None:
                self._sockets.put(None)
                raise ConnectionRefusedError(f"the node {host} has ended")
        made = socket.socket(fileno=descriptor)
        try:
            made.settimeout(seconds)
            made.connect((self._addresses[host], port))
        except BaseException:
            made.close()
            raise
        return made

    def exits(self) -> Iterator[NodeExit]:
        """One exit per node; if the cell itself is killed, its nodes were killed with it.

        Whoever reads them also takes in the sockets that `connect` waits for.
        """
        try:
            yield from self._exits()
        finally:
            self._sockets.put(None)

    def _exits(self) -> Iterator[NodeExit]:
        waiting = set(self._outputs)
        while waiting:
            event = self._next()
            if event["event"] == "sockets":
                for _ in range(event["count"]):
                    self._sockets.put(self._devices.pop(0))
            elif event["event"] == "exited":
                waiting.discard(event["host"])
                yield NodeExit(host=event["host"], code=event["code"])
            else:
                for host in sorted(waiting):
                    yield NodeExit(host=host, code=128 + signal.SIGKILL)
                return

    def signal(self, number: int, host: str | None = None) -> None:
        """Ask the cell to signal; a cell that has ended has no nodes left."""
        self._order({"signal": int(number), "host": host})

    def _order(self, order: Mapping[str, Any]) -> None:
        # an error means that the cell has ended, which the reader of `exits` is told
        with self._lock, contextlib.suppress(OSError):
            self._control.sendall(json.dumps(order).encode() + b"\n")

    def close(self) -> None:
        """Close the cell's control socket: the cell then ends, with everything in it."""
        # an error means that the cell closed its end first
        with self._lock, contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_CLOSE_SECONDS_MOST)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._control.close()
