"""Metrics of AWS's own services: whoever has data publishes it here, and CloudWatch keeps it."""

from collections.abc import Callable
from typing import Any, TypeVar

Data = list[dict[str, Any]]
Listener = Callable[[str, str, str, Data], None]
Heard = TypeVar("Heard", bound=Listener)

_listeners: list[Listener] = []


def listener(function: Heard) -> Heard:
    """Register who takes metric data: called with the account, the region, the namespace and the data."""
    _listeners.append(function)
    return function


def publish(account: str, region: str, namespace: str, data: Data) -> None:
    """Hand on metric data, in the shape of PutMetricData."""
    for function in _listeners:
        function(account, region, namespace, data)
