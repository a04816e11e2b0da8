"""A request as a handler sees it, and what it makes of it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One request."""

    number: int
    """What front and worker call it."""
    kind: str
    """Its content type, as it came; empty where there was none."""
    accept: str
    """What the client would have, as it came."""
    identity: str
    """What logs call it."""
    headers: Mapping[str, str]
    """SageMaker's headers, by names in small letters."""
    body: bytes
    """The body."""
    alone: bool = False
    """Whether it must not share a batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer in one piece."""

    status: int = 200
    """Of HTTP."""
    body: bytes = b""
    """The body."""
    kind: str = "application/json"
    """Its content type."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What else the client is told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """An answer that is sent while it is made."""

    parts: Iterator[bytes] | AsyncIterator[bytes]
    """The body's parts; in an event loop where the program makes them in one."""
    kind: str
    """Its content type."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What else the client is told."""
