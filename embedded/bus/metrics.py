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


Reader = Callable[[str, str, str], float | None]
Reads = TypeVar("Reads", bound=Reader)
_readers: list[Reader] = []


def reader(function: Reads) -> Reads:
    """Register who knows what an alarm's metric is: called with the account, the region and the alarm's name."""
    _readers.append(function)
    return function


def newest(account: str, region: str, alarm: str) -> float | None:
    """The newest value of an alarm's metric; None where there is none."""
    return next((value for one in _readers if (value := one(account, region, alarm)) is not None), None)
