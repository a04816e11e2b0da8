"""How the other nodes know when the primary is done: each holds a connection to it for as long as the job takes."""

import contextlib
import socket
import time
from collections.abc import Callable

from training.spark.failure import SparkError

PORT = 7079
_PAUSE_SECONDS = 0.2
_DONE = b"done\n"


class Primary:
    """The primary's end: knows how many nodes have come, and lets them go."""

    def __init__(self, address: str, others: int) -> None:
        self._others = others
        self._connections: list[socket.socket] = []
        self._server = socket.create_server((address, PORT), backlog=max(others, 1))

    def wait(self, limit_seconds: float) -> None:
        """Wait for all other nodes."""
        until = time.monotonic() + limit_seconds
        while len(self._connections) < self._others:
            self._server.settimeout(max(0.01, until - time.monotonic()))
            try:
                self._connections.append(self._server.accept()[0])
            except TimeoutError:
                came = len(self._connections)
                raise SparkError(
                    f"only {came} of {self._others} other nodes came within {limit_seconds:.0f} s: can they reach "
                    f"the port {PORT} of the primary?"
                ) from None

    def release(self) -> None:
        """Let the others go: what they do is over, however it went."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.sendall(_DONE)
            connection.close()
        self._server.close()


def join(address: str, limit_seconds: float) -> socket.socket:
    """Report to the primary, once it is there."""
    until = time.monotonic() + limit_seconds
    while True:
        try:
            return socket.create_connection((address, PORT), timeout=5)
        except OSError as error:
            if time.monotonic() > until:
                raise SparkError(f"the primary did not answer within {limit_seconds:.0f} s: {error}") from None
            time.sleep(_PAUSE_SECONDS)


def wait_for_release(connection: socket.socket, check: Callable[[], None]) -> None:
    """Wait until the primary lets this node go; `check` is called now and then and may raise."""
    connection.settimeout(1.0)
    said = b""
    with connection:
        while not said.endswith(_DONE):
            check()
            try:
                part = connection.recv(16)
            except TimeoutError:
                continue
            except OSError:
                part = b""
            if not part:
                raise SparkError("the primary ended without a word: its node has failed")
            said += part
