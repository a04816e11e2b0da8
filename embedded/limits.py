"""What an account may have of something: asked for by any service, answered by the one that keeps the quotas."""

from collections.abc import Callable
from typing import TypeVar

Limit = Callable[[str, str, str], float | None]
Known = TypeVar("Known", bound=Limit)

_keepers: list[Limit] = []


def keeper(function: Known) -> Known:
    """Register who knows limits: called with the account, the region and the quota's name."""
    _keepers.append(function)
    return function


def granted(account: str, region: str, quota_name: str) -> float | None:
    """What an account has of a quota; None for a name that no keeper has."""
    for function in _keepers:
        value = function(account, region, quota_name)
        if value is not None:
            return value
    return None
