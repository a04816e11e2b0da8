"""Fields that the embedded cloud does not honour: refused by name, so that no deploy here means less than it says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedded.operations import ServiceError


def not_emulated(given: Mapping[str, Any], reasons: Mapping[str, str], where: str) -> Iterator[str]:
    """A sentence for each field that is given and not honoured."""
    for name, reason in reasons.items():
        if given.get(name) not in (None, False):
            yield f"{where}{name} is not emulated: {reason}"


def refuse(messages: Sequence[str]) -> None:
    """Raise the service's error with all of the messages, if there are any."""
    if messages:
        raise ServiceError("ValidationException", " ".join(messages))
