"""Policy documents: does a statement speak of this action, this resource, this caller and these conditions?"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from embedded.access.evaluation.conditions import as_list, conditions_hold
from embedded.access.evaluation.patterns import Context, like, matches


def speaks_of(
    statement: Mapping[str, Any], action: str, resources: Iterable[str], context: Context, *, variables: bool = True
) -> bool:
    """Whether the statement is about this action on all of these resources under these conditions.

    In a document of the first version `variables` are text like any other.
    """
    if "NotAction" in statement:
        if any(matches(item, action, ignore_case=True) for item in as_list(statement["NotAction"])):
            return False
    elif not any(matches(item, action, ignore_case=True) for item in as_list(statement.get("Action"))):
        return False
    if not _resources_match(statement, resources, context, variables):
        return False
    return conditions_hold(statement.get("Condition", {}), context, variables=variables)


def _resources_match(statement: Mapping[str, Any], resources: Iterable[str], context: Context, variables: bool) -> bool:
    named = as_list(statement.get("Resource", statement.get("NotResource")))
    if not named:
        return True

    def is_named(resource: str) -> bool:
        return any(like(str(item), resource, context, variables=variables) for item in named)

    if "Resource" in statement:
        return all(map(is_named, resources))
    return not any(map(is_named, resources))


def names_principal(
    statement: Mapping[str, Any], principal: Mapping[str, str], *, through_account: bool = True
) -> bool:
    """Whether a resource policy's statement is about this caller: {"AWS": arn} or {"Service": name}.

    A statement that names an account is about all its callers; `through_account=False` leaves that out, because to
    allow an account something only hands the decision on to that account's identity policies.
    """
    if "NotPrincipal" in statement:
        return not _in_principal(statement["NotPrincipal"], principal, True)
    return _in_principal(statement.get("Principal"), principal, through_account)


def _in_principal(element: Any, principal: Mapping[str, str], through_account: bool) -> bool:
    if element == "*":
        return True
    if not isinstance(element, Mapping):
        return False
    for kind, who in principal.items():
        for item in as_list(element.get(kind)):
            if item == "*" or item == who:
                return True
            if kind == "AWS" and _same_aws_principal(str(item), who, through_account):
                return True
    return False


def _same_aws_principal(item: str, who: str, through_account: bool) -> bool:
    account = who.split(":")[4] if who.count(":") >= 5 else ""
    if item == account or (item.endswith(":root") and item.split(":")[4] == account):
        return through_account
    # a role's ARN stands for all of its sessions
    role, session = (
        re.fullmatch(r"arn:[^:]+:iam::(\d+):role/(?:.*/)?([^/]+)", item),
        re.fullmatch(r"arn:[^:]+:sts::(\d+):assumed-role/([^/]+)/.+", who),
    )
    return role is not None and session is not None and role.groups() == session.groups()


def trusts(
    document: Mapping[str, Any], principal: Mapping[str, str], context: Context, *, action: str = "sts:AssumeRole"
) -> bool:
    """Whether a role's trust policy lets this caller assume the role, or tag the session."""
    allowed = False
    for statement in as_list(document.get("Statement")):
        if not names_principal(statement, principal):
            continue
        if not any(matches(item, action, ignore_case=True) for item in as_list(statement.get("Action"))):
            continue
        # a service's own conditions (aws:SourceAccount, aws:SourceArn) are its to send: taken as sent rightly
        conditions = {} if "Service" in principal else statement.get("Condition", {})
        if conditions_hold(conditions, context):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed
