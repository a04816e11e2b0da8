"""The front's end of the line to one worker."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from typing import Any, Protocol

from serving import frames
from serving.front.request import Request

_QUICK_SECONDS = 0.003
"""Below this, what a worker waits for its next request is a part worth saving, so requests are sent ahead."""
_AHEAD = 4


class Owner(Protocol):
    """The pool that a worker belongs to."""

    batch: int
    slots: int

    def joined(self, link: "Link") -> None:
        """The line is there."""

    def became_ready(self, link: "Link", about: Mapping[str, Any]) -> None:
        """The worker has its model."""

    def could_not_load(self, problem: str) -> None:
        """The worker will not have it."""

    def finished(self, request: Request, status: int) -> None:
        """A request is answered."""

    def pump(self) -> None:
        """There may be room."""

    def left(self, link: "Link") -> None:
        """The worker is gone."""


class Link(asyncio.Protocol):
    """Sends requests to a worker, hands its answers back, and knows when it last moved."""

    def __init__(self, pool: Owner, pid: int) -> None:
        self.pool = pool
        self.pid = pid
        self.is_ready = False
        self.was_ready = False
        self.running: dict[int, Request] = {}
        self.since = 0.0
        """When the worker last answered, or was given something after it had nothing."""
        self._buffer = bytearray()
        self._outgoing: list[bytes] = []
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._usual_seconds = _QUICK_SECONDS
        self._dropped: set[int] = set()
        self._alone: int | None = None
        """The request that it was given alone, since that was in a worker that died."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.pool.joined(self)

    @property
    def load(self) -> int:
        """How many requests it has, with those whose cancellation it has not acknowledged."""
        return len(self.running) + len(self._dropped)

    @property
    def room(self) -> int:
        """How many more requests it may be given."""
        if self._alone is not None:
            return 0  # whoever stood behind it would be taken for the cause of the next death
        if self.pool.slots:
            return self.pool.slots - self.load
        if self.pool.batch > 1:
            return 2 * self.pool.batch - self.load
        if any(request.started for request in self.running.values()):
            return 0  # a stream has the worker to itself, and how long it takes nobody knows
        return (_AHEAD if self._usual_seconds < _QUICK_SECONDS else 1) - self.load

    def send(self, request: Request) -> None:
        """Give it a request."""
        now = time.monotonic()
        if not self.load:
            self.since = now
        request.sent = now
        self.running[request.number] = request
        kind = frames.ASK
        if request.tries:
            kind, self._alone = frames.ASK_ALONE, request.number
        self._write(frames.pack(request.number, kind, frames.with_meta(0, request.fields, request.body)))

    def cancel(self, request: Request) -> None:
        """Nobody waits for this request any more."""
        del self.running[request.number]
        self._dropped.add(request.number)
        self._write(frames.pack(request.number, frames.CANCEL))

    def kill(self) -> None:
        """End the worker; whoever waits for it hears from the pool."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the line: the worker leaves by itself."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for number, kind, payload in frames.take(self._buffer):
            if kind == frames.READY:
                self.is_ready = self.was_ready = True
                self.pool.became_ready(self, json.loads(payload))
            elif kind == frames.FAILED:
                self.pool.could_not_load(payload.decode())
            elif kind in (frames.START, frames.CHUNK):
                self._hand_on_part(number, kind, payload)
            else:
                self._finish(number, kind, payload)
        self.pool.pump()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_ready = False
        self.pool.left(self)

    def _write(self, frame: bytes) -> None:
        self._outgoing.append(frame)
        if len(self._outgoing) == 1:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def _hand_on_part(self, number: int, kind: int, payload: bytes) -> None:
        self.since = time.monotonic()
        request = self.running.get(number)
        if request is None:
            return
        if kind == frames.CHUNK:
            request.caller.chunk(payload)
            return
        request.started = True
        _, fields, _ = frames.parts(payload)
        request.caller.start(kind=fields.pop("type", ""), headers=fields)

    def _finish(self, number: int, kind: int, payload: bytes) -> None:
        now = time.monotonic()
        took, self.since = now - self.since, now
        self._dropped.discard(number)
        if number == self._alone:
            self._alone = None
        request = self.running.pop(number, None)
        if request is None:
            return
        self._usual_seconds += (took - self._usual_seconds) / 8
        if kind == frames.END:
            self.pool.finished(request, 200)
            request.caller.end()
        elif kind == frames.BROKEN:
            self.pool.finished(request, 500)
            request.caller.abort()
        elif kind == frames.ANSWER:
            status, fields, body = frames.parts(payload)
            self.pool.finished(request, status)
            request.caller.reply(status, body, kind=fields.pop("type", ""), headers=fields)
