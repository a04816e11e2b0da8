"""Requests with their answers, for those who keep a record of what was asked of the cloud and by whom."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from embedded.access.sessions import Caller
from embedded.protocol import Parsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A request that was understood, and how it was answered."""

    parsed: Parsed
    caller: Caller
    access_key: str | None
    """None for a request without a signature."""
    region: str
    moment: datetime
    address: str
    user_agent: str
    status: int
    body: bytes
    """The answer, as it went over the wire."""


Wants = Callable[[Parsed], bool]
Hears = Callable[[Exchange], None]
_listeners: list[tuple[Wants, Hears]] = []


def listen(wants: Wants, hears: Hears) -> None:
    """Have `hears` called with every exchange whose request `wants` says yes to."""
    _listeners.append((wants, hears))


class Open:
    """A request on its way; told how it ends, it tells the listeners."""

    def __init__(self, parsed: Parsed, caller: Caller, access_key: str | None, region: str) -> None:
        self._parsed, self._caller, self._access_key, self._region = parsed, caller, access_key, region
        self._hear = [hears for wants, hears in _listeners if wants(parsed)]
        self._status = 0

    def hearing(self, start_response: Any) -> Any:
        """WSGI's start_response, which notes the status on its way."""

        def note(status: str, *rest: Any) -> Any:
            self._status = int(status.split(" ", 1)[0])
            return start_response(status, *rest)

        return note if self._hear else start_response

    def closed(self, environ: dict[str, Any], answer: Iterable[bytes]) -> Iterable[bytes]:
        """The answer, once the listeners have it; one that nobody listens to stays as it is."""
        if not self._hear:
            return answer
        body = b"".join(answer)
        exchange = Exchange(
            parsed=self._parsed,
            caller=self._caller,
            access_key=self._access_key,
            region=self._region,
            moment=datetime.now(UTC),
            address=environ.get("REMOTE_ADDR", ""),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
            status=self._status,
            body=body,
        )
        for hear in self._hear:
            hear(exchange)
        return [body]
