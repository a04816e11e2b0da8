"""What a service reads from on behalf of a function: how much lies there, at no cost and without a request.

A service that can be read from registers how to look: `@source("sqs")`, under the service part of its ARNs. Whoever
has seen that there is something reads it through the ordinary API, in the name of a role.
"""

from collections.abc import Callable

Look = Callable[[str], int | None]
"""Takes an ARN; returns a count that grows with what comes, or None if there is no such thing."""

_looks: dict[str, Look] = {}


def source(kind: str) -> Callable[[Look], Look]:
    """Register how a service is looked at, by the service part of its ARNs."""

    def register(function: Look) -> Look:
        _looks[kind] = function
        return function

    return register


def kinds() -> list[str]:
    """What can be read from, in order."""
    return sorted(_looks)


def look(arn: str) -> int | None:
    """How much lies at an ARN; None if it is not there."""
    return _looks[arn.split(":")[2]](arn)
