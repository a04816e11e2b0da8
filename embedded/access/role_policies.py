"""What a role's own policies allow, for the checks that services make before a request is made."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded.access.evaluation.conditions import as_list
from embedded.access.evaluation.policies import speaks_of


def role_documents(role_arn: str, region: str) -> Iterator[Mapping[str, Any]]:
    """The role's identity policies, inline and attached."""
    backend = iam_backends[role_arn.split(":")[4]][get_partition(region)]
    role = next((role for role in list(backend.roles.values()) if role.arn == role_arn), None)
    if role is None:
        return
    attached = (
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.is_default_version
    )
    for document in (*role.policies.values(), *attached):
        yield json.loads(document) if isinstance(document, str) else document


def role_allows(
    role_arn: str, region: str, action: str, resource: str, context: Mapping[str, Any] | None = None
) -> bool:
    """Whether the role's identity policies allow the action and none denies it.

    Without a context the conditions are taken as met, and a conditional Deny as not: nothing is known of a request
    that has not been made yet.
    """
    allowed = False
    for document in role_documents(role_arn, region):
        for statement in as_list(document.get("Statement")):
            if context is None and "Condition" in statement:
                if statement["Effect"] == "Deny":
                    continue
                statement = {key: value for key, value in statement.items() if key != "Condition"}
            if speaks_of(statement, action, (resource,), context or {}):
                if statement["Effect"] == "Deny":
                    return False
                allowed = True
    return allowed
