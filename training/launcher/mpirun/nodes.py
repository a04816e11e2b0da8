"""The nodes of an mpirun job: every other node calls the first and starts the daemons that its mpirun asks for.

There is no ssh server, no key and no open port on the other nodes: each one only obeys a connection that it
opened itself.
"""

import contextlib
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.launcher.endings.failure import LaunchError
from training.launcher.nodes.line import Line
from training.launcher.supervise import Child, Supervisor
from training.launcher.worker import execute_bound

PORT = 29401


class Desk:
    """Where the processes that mpirun starts on this node speak to its launcher."""

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        self.path = folder / "desk"
        self._supervisor = supervisor
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(128)
        supervisor.watch(self._listener.fileno(), self._on_visitor)

    def handle(self, message: dict[str, Any], visitor: Line) -> None:
        """Do what the message asks for, and close the visitor's connection when that is done."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop listening."""
        self._supervisor.unwatch(self._listener.fileno())
        self._listener.close()

    def _on_visitor(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(5)
        visitor = Line(connection)
        messages = visitor.receive()
        if messages:
            self.handle(messages[0], visitor)
        else:
            connection.close()


class FirstNode(Desk):
    """The first node's side: it waits for the others, starts mpirun's daemons there, and hears how each rank ended."""

    def __init__(self, supervisor: Supervisor, folder: Path, addresses: Mapping[str, str]) -> None:
        super().__init__(supervisor, folder)
        self._hosts = {address: host for host, address in addresses.items()}
        self._nodes: dict[str, Line] = {}
        self.slots: dict[str, int] = {}
        """How many ranks each other node has room for: groups of different instances differ."""

        self._asking: dict[str, Line] = {}
        self.ended: dict[int, tuple[int, str]] = {}
        """Each rank's exit code and what to say about it, in the order in which they ended."""

    def wait_for_nodes(self, own_address: str, others: tuple[str, ...], limit_seconds: float) -> None:
        """Wait until every other node has called, or SIGTERM has come."""
        deadline = time.monotonic() + limit_seconds
        with socket.create_server((own_address, PORT), backlog=len(others)) as listener:
            listener.setblocking(False)
            while (missing := [host for host in others if host not in self._nodes]) and not self._supervisor.terminated:
                with contextlib.suppress(BlockingIOError):
                    self._welcome(listener.accept()[0])
                if time.monotonic() > deadline:
                    raise LaunchError(f"{', '.join(missing)} did not call within {limit_seconds:.0f} s")
                self._supervisor.step(0.05)

    def handle(self, message: dict[str, Any], visitor: Line) -> None:
        """A rank's end, or mpirun's wish for a daemon on another node: that visitor waits for the daemon's end."""
        if "rank" in message:
            self._note_end(message)
            visitor.connection.close()
            return
        host = self._hosts[message["host"]]
        self._asking[host] = visitor
        if self._nodes[host].closed:
            self._answer(host, 1)
        else:
            self._nodes[host].send({"start": message["start"]})

    def say_goodbye(self, code: int, message: str) -> None:
        """Tell every node how it ended."""
        self.close()
        for line in self._nodes.values():
            self._supervisor.unwatch(line.connection.fileno())
            line.send({"code": code, "message": message})
            line.connection.close()

    def _welcome(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        line = Line(connection)
        hello = _hello(line)
        if hello is None or hello["host"] not in self._hosts.values():
            # The port is open to the whole security group: other callers are no nodes of this job
            connection.close()
            return
        host = hello["host"]
        self._nodes[host] = line
        self.slots[host] = hello["slots"]
        self._supervisor.watch(connection.fileno(), lambda: self._on_node(host))

    def _on_node(self, host: str) -> None:
        line = self._nodes[host]
        for message in line.receive():
            if "rank" in message:
                self._note_end(message)
            elif "daemon_ended" in message:
                self._answer(host, message["daemon_ended"])
            else:
                # Only that node got SIGTERM: all ranks stop together
                self._supervisor.note_termination()
        if line.closed:
            self._supervisor.unwatch(line.connection.fileno())
            # mpirun gives up when it hears that a daemon has failed
            self._answer(host, 1)

    def _answer(self, host: str, status: int) -> None:
        agent = self._asking.pop(host, None)
        if agent is not None:
            agent.send(status)
            agent.connection.close()

    def _note_end(self, message: Mapping[str, Any]) -> None:
        self.ended.setdefault(message["rank"], (message["code"], message["message"]))


class OtherNode(Desk):
    """Another node's side: it starts daemons on request, reports how its ranks end, and learns how the run ended."""

    def __init__(
        self, supervisor: Supervisor, folder: Path, connection: socket.socket, environ: dict[str, str]
    ) -> None:
        super().__init__(supervisor, folder)
        self._environ = environ
        self._daemon: Child | None = None
        self._line = Line(connection)
        self._verdict: tuple[int, str] | None = None
        supervisor.watch(connection.fileno(), self._on_message)

    def serve(self, host: str, slots: int) -> tuple[int, str] | None:
        """Serve until the first node says how it ended: its code and message, or None when it is lost."""
        said = False
        self._line.send({"host": host, "slots": slots})
        while self._verdict is None and not self._line.closed:
            for child in self._supervisor.step(1.0):
                if child is self._daemon:
                    self._line.send({"daemon_ended": child.status})
            if self._supervisor.terminated and not said:
                self._line.send({"terminated": True})
                said = True
        self.close()
        self._supervisor.unwatch(self._line.connection.fileno())
        if self._daemon is not None:
            self._supervisor.kill_groups([self._daemon])
        return self._verdict

    def handle(self, message: dict[str, Any], visitor: Line) -> None:
        """Pass a rank's end on to the first node."""
        self._line.send(message)
        visitor.connection.close()

    def _on_message(self) -> None:
        for message in self._line.receive():
            if "start" in message:
                action = execute_bound(message["start"], self._environ, working_dir=None)
                self._daemon = self._supervisor.start("the mpirun daemon", action)
            else:
                self._verdict = message["code"], message["message"]


def _hello(line: Line) -> dict[str, Any] | None:
    """What another node says first; None when it was something else."""
    try:
        messages = line.receive()
    except ValueError:
        return None
    hello: object = messages[0] if messages else None
    return hello if isinstance(hello, dict) and hello.keys() == {"host", "slots"} else None
