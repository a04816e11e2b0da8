"""Events of AWS's own services: whoever has one publishes it here, and listeners such as EventBridge take it on."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from embedded.kept import parts

Event = Mapping[str, Any]
Listener = Callable[[str, str, Event], None]
Heard = TypeVar("Heard", bound=Listener)

_listeners: list[Listener] = []


def listener(function: Heard) -> Heard:
    """Register who hears of every event: called with the account, the region and the event."""
    _listeners.append(function)
    return function


def publish(account: str, region: str, event: Event) -> None:
    """Tell every listener of a service's event; what it lacks (id, time, ...) EventBridge adds."""
    parts.touch()
    for function in _listeners:
        function(account, region, event)
