"""A line between two nodes of a run: one JSON value per line of text, over TCP or within a machine."""

import contextlib
import json
import select
import socket
import time
from typing import Any

from training.launcher.endings.failure import LaunchError
from training.launcher.supervise import Supervisor

_MESSAGE_BYTES = 1 << 16


class Line:
    """A connection that carries one JSON value a line; `closed` once the other side has gone."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.closed = False
        self._pending = b""
        if connection.family == socket.AF_INET:
            # A cut cable ends no connection by itself: ask after 30 s of silence, give up after another 60, and as
            # long after words that nobody confirms
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (
                (socket.TCP_KEEPIDLE, 30),
                (socket.TCP_KEEPINTVL, 10),
                (socket.TCP_KEEPCNT, 6),
                (socket.TCP_USER_TIMEOUT, 90_000),
            ):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)

    @property
    def is_ready(self) -> bool:
        """Whether something has arrived, the end included."""
        return not self.closed and bool(select.select([self.connection], [], [], 0)[0])

    def send(self, message: object) -> None:
        """Send one message; whoever has gone needs none."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have arrived; waits for a first piece of one."""
        try:
            chunk = self.connection.recv(_MESSAGE_BYTES)
        except OSError:
            chunk = b""
        self.closed = not chunk
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        return [json.loads(line) for line in lines]


def call(supervisor: Supervisor, address: str, port: int, limit_seconds: float) -> socket.socket | None:
    """Connect to the first node, which may start later than this one; None when SIGTERM comes first."""
    deadline = time.monotonic() + limit_seconds
    while not supervisor.terminated:
        try:
            connection = socket.create_connection((address, port), timeout=5)
        except OSError as error:
            if time.monotonic() > deadline:
                raise LaunchError(f"the first node could not be reached on port {port}: {error}") from error
            supervisor.pause(0.25)
        else:
            connection.settimeout(None)
            return connection
    return None
