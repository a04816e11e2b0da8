"""How a service's requests are told apart, read and answered: each says so in its own folder, where it differs."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

ByPath = Callable[[str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What the front must know of a service."""

    streamed: bool = False
    """Bodies can be larger than memory: the front reads a body only for an operation of our own."""

    one_at_a_time: bool = False
    """moto answers one request at a time. Its backends are dicts without locks, and stacks deploy side by side. Only
    for a service that never calls another one while it answers."""

    wholly_ours: bool = False
    """moto is not asked about the rest: its things are others than ours, and its answers would mislead."""

    invalid: str | None = None
    """The error's code for a request that breaks the service's model; None for what its protocol's services use."""

    modelled: bool = True
    """The service looks at requests as its model says. S3, EC2, SQS and SNS have rules and words of their own."""

    missing: tuple[str, str] | None = None
    """Of one that is not: the error's code and words, around a name, where a parameter that it must have is missing."""


_PLAIN = Traits()
_traits: dict[str, Traits] = {}
_turns: dict[str, threading.Lock] = {}
_by_path: dict[str, ByPath] = {}
_by_signing_name = {
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "email": "ses",
    "tagging": "resourcegroupstaggingapi",
}
"""Of services that have no folder here: moto alone answers them."""


def describe(
    service: str,
    *,
    signing_name: str | None = None,
    streamed: bool = False,
    one_at_a_time: bool = False,
    wholly_ours: bool = False,
    invalid: str | None = None,
    modelled: bool = True,
    missing: tuple[str, str] | None = None,
) -> None:
    """Register a service, by botocore's name; `signing_name` is the one in its signatures, where that is another."""
    _traits[service] = Traits(
        streamed=streamed,
        one_at_a_time=one_at_a_time,
        wholly_ours=wholly_ours,
        invalid=invalid,
        modelled=modelled,
        missing=missing,
    )
    if one_at_a_time:
        _turns[service] = threading.Lock()
    if signing_name is not None:
        _by_signing_name[signing_name] = service


def told_apart(signing_name: str) -> Callable[[ByPath], ByPath]:
    """Register what tells services apart that share a signing name: called with the path, answers botocore's name."""

    def register(function: ByPath) -> ByPath:
        _by_path[signing_name] = function
        return function

    return register


def of(service: str) -> Traits:
    """What a service has registered, or the defaults."""
    return _traits.get(service, _PLAIN)


def turn(service: str | None) -> contextlib.AbstractContextManager[object]:
    """What moto's answer waits for: the one before it, for a service that is answered one at a time."""
    return _turns.get(service or "", contextlib.nullcontext())


def service_of(signing_name: str, path: str) -> str:
    """The service that a signature's scope means, by botocore's name."""
    by_path = _by_path.get(signing_name)
    return _by_signing_name.get(signing_name, signing_name) if by_path is None else by_path(path)


def described() -> list[tuple[str, Traits]]:
    """Every service that has registered, in order."""
    return sorted(_traits.items(), key=lambda item: item[0])
