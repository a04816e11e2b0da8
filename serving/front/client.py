"""One connection of a client: HTTP/1.1, as httptools parses it."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import httptools

from contract.serving import HEADER_PREFIX
from serving import log
from serving.front import answers
from serving.front.request import Request

_MOST_PIPELINED = 32
_MOST_DISCARDED = 64 << 20
_MOST_UNREAD = 16 << 20
_MOST_HEAD = 24 << 10
"""Of a request's path and headers: AWS sends far less, and a frame to a worker has room for twice as much."""
_KEPT = frozenset({"content-type", "accept", "expect", "content-length", "x-amzn-requestid", "x-request-id"})


class Message:
    """One HTTP request, read whole."""

    __slots__ = ("body", "chunked", "closes", "headers", "method", "path", "size")

    def __init__(self) -> None:
        self.path = ""
        self.method = ""
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.size = 0
        """Of what has come; more than the limit is not kept."""
        self.closes = False
        self.chunked = True


class Client(asyncio.Protocol):
    """Reads messages, has each routed in its turn, and writes the answers."""

    def __init__(
        self, route: Callable[["Client", Message], None], *, max_body: int, connections: "set[Client]"
    ) -> None:
        self.request: Request | None = None
        """The invocation that is under way."""
        self.give_up: Callable[[Request], None] | None = None
        """Whom to tell when the client leaves before its answer."""
        self.is_draining = False
        self._route = route
        self._max_body = max_body
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._message = Message()
        self._current: Message | None = None
        self._waiting: deque[Message] = deque()
        self._transport: Any = None
        self._url = b""
        self._head_size = 0
        self._unread_head = 0
        """Bytes that have come of a head, while it has no end."""
        self._is_in_head = True
        self._has_left = False

    # ---- asyncio

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        if self.request is not None and self.give_up is not None:
            self.give_up(self.request)

    def data_received(self, data: bytes) -> None:
        before = self._message if self._is_in_head else None
        try:
            self._parser.feed_data(data)
            if self._is_in_head and self._message is before:
                self._unread_head += len(data)
                self._check_head(self._unread_head)
        except httptools.HttpParserUpgrade:
            self._leave(400, "the connection cannot be upgraded")
        except httptools.HttpParserError as error:
            self._leave(400, f"this is no HTTP/1.1 request: {error}")

    def close(self) -> None:
        """End the connection once what was written has left."""
        if self._transport is not None:
            self._transport.close()

    # ---- httptools

    def on_message_begin(self) -> None:
        self._message = Message()
        self._url = b""
        self._head_size = self._unread_head = 0
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        known = name.decode("latin-1").lower()
        if known in _KEPT or known.startswith(HEADER_PREFIX):
            self._message.headers[known] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._check_head(self._head_size + len(self._url))
        headers = self._message.headers
        if headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            length = headers.get("content-length", "0")
            if length.isdecimal() and int(length) > self._max_body:
                self._leave(413, self._too_large(int(length)))
            else:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        message = self._message
        message.size += len(body)
        if message.size <= self._max_body:
            message.body.append(body)
        else:
            message.body.clear()
            if message.size > self._max_body + _MOST_DISCARDED:
                self._leave(413, self._too_large(message.size))

    def on_message_complete(self) -> None:
        if self._has_left:
            return
        message = self._message
        message.path = self._url.split(b"?", 1)[0].decode("latin-1")
        message.method = self._parser.get_method().decode("latin-1")
        message.closes = not self._parser.should_keep_alive()
        message.chunked = self._parser.get_http_version() == "1.1"
        if self._current is None:
            self._begin(message)
        elif len(self._waiting) < _MOST_PIPELINED:
            self._waiting.append(message)
        else:
            self._leave(503, f"more than {_MOST_PIPELINED} requests wait on one connection")

    # ---- answers

    def reply(self, status: int, body: bytes, *, kind: str = "", headers: Mapping[str, str] = {}) -> None:
        """Answer the current message whole."""
        message, self._current, self.request = self._current, None, None
        if self._transport is None or message is None:
            return
        closes = message.closes or self.is_draining
        if message.method == "HEAD":
            body = b""
        self._transport.write(answers.whole(status, body, kind=kind, headers=headers, closes=closes))
        self._next(closes)

    def start(self, *, kind: str, headers: Mapping[str, str]) -> None:
        """Begin an answer in parts."""
        if self._transport is not None and self._current is not None:
            closes = self._current.closes or self.is_draining
            chunked = self._current.chunked
            self._current.closes = closes = closes or not chunked
            head = answers.head_of_parts(kind=kind, headers=headers, closes=closes, chunked=chunked)
            self._transport.write(head)

    def chunk(self, body: bytes) -> None:
        """Send one part."""
        if self._transport is None or self._current is None or not body:
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(body), body) if self._current.chunked else body)
        if self._transport.get_write_buffer_size() > _MOST_UNREAD:
            log.say(f"a client has left {_MOST_UNREAD >> 20} MB of a stream unread and is disconnected")
            self.abort()

    def end(self) -> None:
        """End an answer in parts."""
        message, self._current, self.request = self._current, None, None
        if self._transport is None or message is None:
            return
        if message.chunked:
            self._transport.write(b"0\r\n\r\n")
        self._next(message.closes or self.is_draining)

    def abort(self) -> None:
        """Break the connection: an answer that has begun must not look whole."""
        if self._transport is not None:
            self._transport.abort()

    def too_large(self, message: Message) -> str | None:
        """What is wrong with the length of a message."""
        return self._too_large(message.size) if message.size > self._max_body else None

    def _too_large(self, size: int) -> str:
        return f"the body has {size} bytes or more, and this container takes {self._max_body}"

    def _begin(self, message: Message) -> None:
        self._current = message
        self._route(self, message)

    def _next(self, closes: bool) -> None:
        if closes:
            self._transport.close()
        elif self._waiting:
            asyncio.get_running_loop().call_soon(self._take_waiting)

    def _take_waiting(self) -> None:
        if self._waiting and self._current is None:
            self._begin(self._waiting.popleft())

    def _check_head(self, size: int) -> None:
        """A head is kept until it ends, whatever the limit of bodies says."""
        if size > _MOST_HEAD:
            self._leave(431, f"the path and headers of a request may take {_MOST_HEAD} bytes")

    def _leave(self, status: int, why: str) -> None:
        """Answer and end the connection, whose further bytes mean nothing."""
        self._has_left = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answers.whole(status, answers.error(why), kind="", headers={}, closes=True))
            self._transport.close()
