"""Where a request is made, and what it asks for: one action on some resources."""

from dataclasses import dataclass, field
from typing import Any

Params = dict[str, Any]
Resources = list[str] | None
"""ARNs, or None where the request does not tell: then a policy's Resource element is taken as matching."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """The account and region that a request is in."""

    account: str
    region: str
    partition: str

    def arn(self, service: str, resource: str) -> str:
        """An ARN here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One action on some resources."""

    action: str
    resources: Resources
    context: dict[str, Any] = field(default_factory=dict)
    """Condition keys that this action has beyond the request's own."""


def pass_role(role: str, service: str) -> Ask:
    """What handing a role to a service needs: the permission to pass it to that service."""
    return Ask(action="iam:PassRole", resources=[role], context={"iam:PassedToService": service})
