"""Answers the requests of one connection, one after the other, until the caller closes it or says nothing for a while.

Werkzeug's handler closes each connection after its first answer: callers would open another one for every request.
"""

import logging
import socket
from collections.abc import Iterable, Sequence
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import connection_dropped_errors

from embedded.connections.bodies import CHUNK_BYTES, Body, Chunked, drained, is_at_end

IDLE_SECONDS = 30.0
"""How long a connection is kept on which no request comes; each takes a thread."""
_DRAIN_BYTES = 1 << 20
"""What is read of a body that nobody wanted, to keep its connection; of a longer one the connection is closed."""
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 1 << 33
_WITHOUT_BODY = frozenset({204, 304})
log = logging.getLogger(__name__)


class Handler(MotoRequestHandler):  # type: ignore[misc]
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    """An answer's head and the start of its body leave together: in two packets the caller would wake up twice."""

    def handle_one_request(self) -> None:
        """Wait for the next request, for a while, and answer it."""
        self.connection.settimeout(IDLE_SECONDS)
        try:
            begun = self.rfile.peek(1)
        except OSError:
            begun = b""
        if not begun:
            self.close_connection = True
            return
        self.connection.settimeout(None)
        super().handle_one_request()

    def handle_expect_100(self) -> bool:
        """The caller sends its body only once it has this."""
        goes_on: bool = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def make_environ(self) -> dict[str, Any]:
        """The request as WSGI has it, with a body that ends where the next request begins."""
        environ: dict[str, Any] = super().make_environ()
        if environ.get("wsgi.input_terminated"):
            self.body: Body | Chunked = Chunked(self.rfile)
        else:
            length = environ.get("CONTENT_LENGTH") or "0"
            self.body = Body(self.rfile, int(length) if length.isdecimal() else 0)
        environ["wsgi.input"] = self.body
        return environ

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.environ = self.make_environ()
        answer = Answer(self, is_head=environ["REQUEST_METHOD"] == "HEAD")
        try:
            parts: Iterable[bytes] = self.server.app(environ, answer.start)
            try:
                answer.write_all(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        except connection_dropped_errors:
            self.close_connection = True
        except Exception:
            log.exception("the answer to %s %s broke off", self.command, self.path)
            answer.give_up()
        self._clear_the_way()

    def _clear_the_way(self) -> None:
        """Read what is left of the request, so that the next one can be read, or the caller sees the answer."""
        if not self.close_connection:
            self.close_connection = not drained(self.body, _DRAIN_BYTES)
        if not self.close_connection or is_at_end(self.body):
            return
        # one that is closed with bytes unread is reset, and the answer lost
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            left = _LINGER_BYTES
            while left > 0 and (data := self.rfile.read1(CHUNK_BYTES)):
                left -= len(data)
        except OSError:
            return

    def finish(self) -> None:
        """What is left for a caller that has gone cannot be sent."""
        try:
            super().finish()
        except OSError:
            self.rfile.close()

    def log_request(self, *_: Any, **__: Any) -> None:
        """One line a request would make the log useless."""


class Answer:
    """One answer on its way to the caller."""

    def __init__(self, handler: Handler, *, is_head: bool) -> None:
        self._handler, self._is_head = handler, is_head
        self._status: str | None = None
        self._headers: Sequence[tuple[str, str]] = ()
        self._has_begun = False
        self._in_chunks = False
        self._left: int | None = None
        """How many bytes the head promised that have not been written; None for one that promised none."""

    def start(self, status: str, headers: Sequence[tuple[str, str]], exc_info: Any = None) -> Any:
        """WSGI's start_response."""
        if exc_info is not None and self._has_begun:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status, self._headers = status, headers
        return self.write

    def write_all(self, parts: Iterable[bytes]) -> None:
        """Write the whole answer; each part leaves as it comes."""
        for part in parts:
            self.write(part)
        if not self._has_begun:
            self._begin()
        if self._in_chunks:
            self._handler.wfile.write(b"0\r\n\r\n")
        if self._left:
            # the caller waits for bytes that will not come
            self._handler.close_connection = True
        self._handler.wfile.flush()

    def write(self, data: bytes) -> None:
        """Write a part of the body, after the head."""
        if not self._has_begun:
            self._begin()
        if not data or self._is_head:
            return
        if self._left is not None:
            if len(data) > self._left:
                raise ValueError(f"the answer has {len(data) - self._left} bytes more than its Content-Length says")
            self._left -= len(data)
        file = self._handler.wfile
        file.write(b"%x\r\n%b\r\n" % (len(data), data) if self._in_chunks else data)
        if self._left != 0:
            # the last part of an answer leaves with what follows it, at its end
            file.flush()

    def _begin(self) -> None:
        assert self._status is not None, "start_response comes before the first part"
        self._has_begun = True
        handler = self._handler
        code, _, reason = self._status.partition(" ")
        handler.send_response(int(code), reason)
        for key, value in self._headers:
            handler.send_header(key, value)
        self._frame(int(code), {key.lower(): value for key, value in self._headers})
        if not isinstance(handler.body, Chunked) and handler.body.left > _DRAIN_BYTES:
            handler.close_connection = True
        if handler.close_connection:
            handler.send_header("Connection", "close")
        handler.end_headers()

    def _frame(self, code: int, headers: dict[str, str]) -> None:
        """Say where the body ends: by its length, by its chunks, or with the connection."""
        if self._is_head or code in _WITHOUT_BODY or code < 200:
            self._is_head = True
        elif headers.get("content-length", "").isdecimal():
            self._left = int(headers["content-length"])
        elif self._handler.request_version >= "HTTP/1.1":
            self._in_chunks = True
            self._handler.send_header("Transfer-Encoding", "chunked")
        else:
            self._handler.close_connection = True

    def give_up(self) -> None:
        """Say that the answer failed, where nothing of it has left; otherwise the connection ends, early."""
        self._handler.close_connection = True
        if self._has_begun:
            return
        self._status, self._headers = "500 Internal Server Error", [("Content-Length", "0")]
        try:
            self._begin()
            self._handler.wfile.flush()
        except OSError:
            return
