"""One invocation on its way from a client to a worker and back."""

from collections.abc import Mapping
from typing import Protocol


class Caller(Protocol):
    """Who waits for an answer."""

    def reply(self, status: int, body: bytes, *, kind: str = "", headers: Mapping[str, str] = {}) -> None:
        """Answer whole."""

    def start(self, *, kind: str, headers: Mapping[str, str]) -> None:
        """Begin an answer in parts."""

    def chunk(self, body: bytes) -> None:
        """Send one part."""

    def end(self) -> None:
        """End an answer in parts."""

    def abort(self) -> None:
        """Break an answer that has begun: its end must not look like one."""


class Request:
    """What is known of one invocation. No dataclass: one is made for every request, and slots cost least."""

    __slots__ = ("arrived", "body", "caller", "fields", "gone", "identity", "number", "sent", "started", "tries")

    def __init__(
        self, *, number: int, caller: Caller, fields: Mapping[str, str], body: bytes, identity: str, now: float
    ) -> None:
        self.number = number
        self.caller = caller
        self.fields = fields
        self.body = body
        self.identity = identity
        self.arrived = now
        self.sent = now
        self.tries = 0
        self.started = False
        self.gone = False
