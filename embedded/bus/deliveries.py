"""Deliveries from one service to another: each needs the grant that AWS asks for, and is dropped without it.

A service that can be delivered to registers how: `@destination("sqs")`, under the service part of its ARNs.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from embedded.access.role_policies import role_allows
from embedded.access.roles import assume
from embedded.bus.dropped import drop
from embedded.operations import ServiceError


class Undeliverable(Exception):
    """A delivery that AWS would drop, and why."""


class Sender:
    """Who delivers: a service's principal, on behalf of a rule or a topic, in a role's name if it has one."""

    def __init__(self, service: str, arn: str, role_arn: str | None, further: Mapping[str, str]) -> None:
        self.service, self.arn, self.role_arn, self._further = service, arn, role_arn, further

    def context(self, account: str) -> dict[str, str]:
        """The condition keys that the service sends."""
        account = self.arn.split(":")[4] if self.arn else account
        return {"aws:SourceArn": self.arn, "aws:SourceAccount": account, **self._further}

    def require(self, action: str, resource: str, region: str) -> None:
        """Raise unless the role trusts the service and allows the action."""
        if self.role_arn is None:
            raise Undeliverable(f"the target has no RoleArn, which {self.service} needs for {action}")
        try:
            assume(self.role_arn, service=self.service, session="delivery", region=region)
        except ServiceError as error:
            raise Undeliverable(error.message) from error
        if not role_allows(self.role_arn, region, action, resource):
            raise Undeliverable(f"{self.role_arn} is not allowed {action} on {resource}")


def place(arn: str) -> tuple[str, str]:
    """The account and the region of an ARN."""
    _, _, _, region, account, *_ = arn.split(":")
    return account, region


Deliver = Callable[[str, str, Sender, Mapping[str, Any]], None]
"""Takes the target's ARN, the text, the sender and the target's own parameters; raises `Undeliverable`."""

_destinations: dict[str, Deliver] = {}


def destination(kind: str) -> Callable[[Deliver], Deliver]:
    """Register how a service takes deliveries, by the service part of its ARNs."""

    def register(function: Deliver) -> Deliver:
        _destinations[kind] = function
        return function

    return register


def destinations() -> list[str]:
    """The kinds of resources that can be delivered to, in order."""
    return sorted(_destinations)


def deliver(
    target_arn: str,
    body: Any,
    *,
    source: str,
    source_arn: str = "",
    role_arn: str | None = None,
    options: Mapping[str, Any] | None = None,
    context: Mapping[str, str] | None = None,
) -> str | None:
    """Deliver a text (or what is made one by JSON) from a service to a resource; returns why it was dropped, or None.

    `source` is the service's principal, `events.amazonaws.com`; `options` are the target's own parameters; `context`
    are condition keys that this service sends beside `aws:SourceArn` and `aws:SourceAccount`.
    """
    text = body if isinstance(body, str) else json.dumps(body)
    kind = target_arn.split(":")[2]
    sender = Sender(source, source_arn, role_arn, {} if context is None else context)
    try:
        if kind not in _destinations:
            raise Undeliverable(f"the embedded cloud does not deliver to {kind}")
        _destinations[kind](target_arn, text, sender, options or {})
    except Undeliverable as reason:
        drop(source=source_arn or source, target=target_arn, reason=str(reason))
        return str(reason)
    return None
