"""The socket between the torch host and its agent: one JSON message a packet."""

import contextlib
import json
import select
import socket
import sys
from collections.abc import Mapping
from typing import Any

MESSAGE_BYTES = 1 << 20


class Channel:
    """The agent's end of the socket to the host."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._events: list[dict[str, Any]] = []

    def ask(self, request: Mapping[str, Any], answer: str) -> dict[str, Any]:
        """Send a request and wait for its answer; what arrives before it is kept as events."""
        self._connection.setblocking(True)
        self.send(request)
        while True:
            message = self._receive()
            if answer in message:
                return message
            self._events.append(message)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message."""
        self._connection.send(json.dumps(message).encode())

    def events(self) -> list[dict[str, Any]]:
        """What has arrived since the last call, without waiting."""
        self._connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._events.append(self._receive())
        events, self._events = self._events, []
        return events

    def wait(self, seconds: float) -> None:
        """Until something has arrived, but no longer than this."""
        if not self._events:
            select.select([self._connection], [], [], seconds)

    def _receive(self) -> dict[str, Any]:
        data = self._connection.recv(MESSAGE_BYTES)
        if not data:
            # The host is gone, and the kernel is about to kill this process too
            sys.exit(1)
        message: dict[str, Any] = json.loads(data)
        return message
