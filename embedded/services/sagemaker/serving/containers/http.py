"""Requests to a container: connections that are kept, a limit on the whole answer, bodies read as they come."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from embedded.services.sagemaker.serving.containers import wire

Connect = Callable[[float], socket.socket]
"""Opens a connection to the container, within so many seconds."""

CONNECT_SECONDS = 2.0
_CHUNK_BYTES = 1 << 16
_IDLE_MOST = 64


class NoAnswer(Exception):
    """The container did not answer: it refused the connection, closed it early, or broke HTTP."""


class NotSent(NoAnswer):
    """The container took no connection: another one may be asked the same."""


class TooLate(NoAnswer):
    """The container's answer was not complete within the limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes


class _Connection:
    """A connection over a socket that somebody else opens."""

    def __init__(self, connect: Connect) -> None:
        self._open = connect
        self.sock: socket.socket | None = None
        self._stream: BinaryIO | None = None

    def connect(self) -> None:
        """Open it, if it is not open."""
        if self.sock is None:
            self.sock = self._open(CONNECT_SECONDS)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stream = self.sock.makefile("rb")

    def ask(self, request: bytes, end: float) -> wire.Response:
        """Send a request, whole: in two packets the container would wake up twice. Waits for the answer's head."""
        assert self.sock is not None and self._stream is not None
        self.sock.settimeout(_left(end))
        self.sock.sendall(request)
        self.sock.settimeout(_left(end))
        return wire.Response(self._stream)

    def close(self) -> None:
        """Close it, for good."""
        for one in (self._stream, self.sock):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.close()

    def is_usable(self) -> bool:
        """Whether an idle connection is still open: one that can be read has been closed by the other side."""
        if self.sock is None:
            return False
        watched = select.poll()
        watched.register(self.sock, select.POLLIN)
        return not watched.poll(0)


class Exchange:
    """An answer that has begun. Read `chunks` to its end, or close it."""

    def __init__(self, client: "Client", connection: _Connection, response: wire.Response, end: float) -> None:
        self._client, self._connection, self._response, self._end = client, connection, response, end
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes; raises `TooLate` or `NoAnswer` where it ends early."""
        done = False
        try:
            while True:
                assert self._connection.sock is not None
                self._connection.sock.settimeout(_left(self._end))
                chunk = self._response.read(_CHUNK_BYTES)
                if not chunk:
                    break
                yield chunk
            done = True
        except TimeoutError as error:
            raise TooLate(str(error)) from error
        except (OSError, wire.Broken) as error:
            raise _no_answer(error) from error
        finally:
            self._client.take_back(self._connection, reusable=done and not self._response.closes)

    def close(self) -> None:
        """Give up an answer that nobody reads on."""
        self._client.take_back(self._connection, reusable=False)


class Client:
    """Requests to one container."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def send(self, method: str, path: str, *, body: bytes, headers: Mapping[str, str], seconds: float) -> Exchange:
        """Send a request and wait for the head of its answer; `seconds` is the limit for the whole answer."""
        end = time.monotonic() + seconds
        given = None if method == "GET" else body
        request = wire.head(method, path, headers, None if given is None else len(given)) + (given or b"")
        connection = self._connection()
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise NotSent(f"{type(error).__name__}: {error}") from error
        try:
            return Exchange(self, connection, connection.ask(request, end), end)
        except TimeoutError as error:
            connection.close()
            raise TooLate(str(error)) from error
        except (OSError, wire.Broken) as error:
            connection.close()
            raise _no_answer(error) from error

    def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, seconds: float
    ) -> Answer:
        """Send a request and wait for the whole answer."""
        sent = {} if headers is None else headers
        exchange = self.send(method, path, body=body, headers=sent, seconds=seconds)
        return Answer(status=exchange.status, headers=exchange.headers, body=b"".join(exchange.chunks()))

    def take_back(self, connection: _Connection, *, reusable: bool) -> None:
        """Keep a connection for another request, or close it."""
        with self._lock:
            if reusable and not self._is_closed and len(self._idle) < _IDLE_MOST:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close the idle connections; those in use end with their answers."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connection(self) -> _Connection:
        while True:
            with self._lock:
                found = self._idle.pop() if self._idle else None
            if found is None:
                return _Connection(self._connect)
            if found.is_usable():
                return found
            found.close()


def _no_answer(error: Exception) -> NoAnswer:
    return NoAnswer(str(error) if isinstance(error, wire.Broken) else f"{type(error).__name__}: {error}")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is up")
    return left
