"""Policies against the reference: does each statement say what its author hoped?

A statement that names a resource which its action is never asked on allows nothing, and nobody says so before the first
request is refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from checks.iam import reference
from checks.iam.filled import Policy
from checks.iam.reference import Action, On
from checks.rules.model import as_list

_LISTED_BY_SERVICE = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")
"""Global keys that a request has only where the service says so."""
_OPERATORS = {
    "Arn": ("ARN", "ArrayOfARN", "String", "ArrayOfString"),
    "Bool": ("Bool", "ArrayOfBool"),
    "Date": ("Date",),
    "Ip": ("IPAddress",),
    "Numeric": ("Numeric",),
    "String": ("String", "ArrayOfString", "ARN", "ArrayOfARN"),
}
"""By the operator's first word: the types of keys that it compares."""
ANYWHERE = {
    "cloudwatch:GetMetricData": "it is asked on a data set only where the request names one; ours name none",
    "cloudwatch:PutMetricData": "it is asked on a data set only where the request names one; ours name none",
    "ec2:DeleteNetworkInterfacePermission": "the request names a permission; SageMaker's guide allows it on *",
    "servicequotas:GetServiceQuota": "the reference calls the quota optional, and says of no request that it names one",
    "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota": "as for servicequotas:GetServiceQuota",
}
"""Actions that we allow on `*` though the reference has a type for them, with the reason; each must be in use."""
_NEVER_SLASHED = ("BucketName", "DomainName", "Role", "TopicName", "QueueName")
"""Parts of ARNs that hold no slash."""


def problems(policy: Policy) -> Iterator[str]:
    """What of a policy is not as the reference has it, one line each."""
    for statement in policy.statements:
        for line in (*_actions(statement), *_resources(policy, statement), *_conditions(statement)):
            yield f"{policy.where}: {line}"


def pairs(policy: Policy) -> int:
    """How many pairs of an action and a resource a policy has: what is held against the reference."""
    return sum(len(as_list(one.get("Action"))) * len(as_list(one.get("Resource"))) for one in policy.statements)


def unused(policies: Iterable[Policy]) -> list[str]:
    """Exceptions that none of these policies needs."""
    everywhere = {
        name
        for policy in policies
        for one in policy.statements
        if "*" in as_list(one.get("Resource"))
        for name in _names(one)
    }
    return [f"{name} is an exception that nothing needs: remove it" for name in ANYWHERE if name not in everywhere]


def _names(statement: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in as_list(statement.get("Action", statement.get("NotAction")))]


def _actions(statement: Mapping[str, Any]) -> Iterator[str]:
    for name in _names(statement):
        if name == "*":
            continue
        found = reference.actions(name)
        if not found:
            yield f"no action is called {name}"
        elif "*" not in name and found[0].name != name:
            yield f"the action {name} is spelled {found[0].name}"


def _resources(policy: Policy, statement: Mapping[str, Any]) -> Iterator[str]:
    if policy.holder == "AssumeRolePolicyDocument" or "Resource" not in statement:
        return
    given = [str(one) for one in as_list(statement["Resource"])]
    known = [one for name in _names(statement) for one in reference.actions(name) if "*" not in name]
    # a resource's own policy may say "*" for the resource that it stands on
    on_itself = "Principal" in statement and given == ["*"]
    for action in known:
        if on_itself or statement["Effect"] == "Deny":
            continue
        if not action.on and "*" not in given:
            yield f"{action.name} is asked on no resource, so this allows nothing: {', '.join(given)}"
        elif action.on and given == ["*"] and action.name not in ANYWHERE:
            types = ", ".join(one.type.name for one in action.on)
            yield f"{action.name} is asked on {types}, so Resource need not be *"
        elif given != ["*"]:
            yield from _covered(policy, action)
    for one in given:
        if known and one != "*" and not any(_is_asked_on(action, one) for action in known):
            yield f"{one} is no resource of {', '.join(action.name for action in known)}"


def _covered(policy: Policy, action: Action) -> Iterator[str]:
    """What every request for an action names must be allowed by the same policy."""
    allowed = [
        str(resource)
        for statement in policy.statements
        if statement["Effect"] == "Allow" and any(action in reference.actions(name) for name in _names(statement))
        for resource in as_list(statement.get("Resource"))
    ]
    for on in action.on:
        if on.required and not any(resource == "*" or _is_of(on, resource) for resource in allowed):
            yield f"{action.name} needs a resource of the type {on.type.name} ({on.type.arns[0]}), and is given none"


def _is_asked_on(action: Action, resource: str) -> bool:
    return any(_is_of(on, resource) for on in action.on)


def _is_of(on: On, resource: str) -> bool:
    """Whether some resource of this type has an ARN that a policy's pattern matches."""
    return any(overlap(arn, resource) for arn in on.type.arns)


def overlap(arn: str, resource: str) -> bool:
    """Whether some ARN is both of the reference's kind and matched by a policy's pattern."""
    return _overlap(_tokens(arn), _tokens(resource))


@cache
def _tokens(pattern: str) -> tuple[str, ...]:
    """A pattern as letters; `*` is any text, `?` any letter, `/*` any text without a slash, `+` at least a letter."""
    found: list[str] = []
    for part in re.split(r"(\$\{[^}]*\})", pattern):
        if not part.startswith("${"):
            found += part
        elif part[2:-1] in _NEVER_SLASHED:
            found += ["?", "/*"]
        else:
            found += ["?", "*"]
    return tuple(found)


@cache
def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a text exists that both patterns match: all pairs of places are walked, each once."""
    seen, ahead = set(), [(0, 0)]
    while ahead:
        place = ahead.pop()
        if place in seen:
            continue
        seen.add(place)
        i, j = place
        if i == len(one) and j == len(other):
            return True
        a, b = one[i] if i < len(one) else "", other[j] if j < len(other) else ""
        if a in ("*", "/*"):
            ahead.append((i + 1, j))
        if b in ("*", "/*"):
            ahead.append((i, j + 1))
        if a and b and _same_letter(a, b):
            ahead.append((i if a in ("*", "/*") else i + 1, j if b in ("*", "/*") else j + 1))
    return False


def _same_letter(a: str, b: str) -> bool:
    if "/*" in (a, b):
        return "/" not in (a, b)
    return a == b or a in ("*", "?") or b in ("*", "?")


def _conditions(statement: Mapping[str, Any]) -> Iterator[str]:
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            for action in (one for name in _names(statement) for one in reference.actions(name)):
                found = _type_of(key, action)
                if found is None:
                    if any("*" in name for name in _names(statement)):
                        continue  # one of many that has not this key is not named by anyone
                    yield f"a request for {action.name} has no condition key {key}"
                elif not _fits(operator, found):
                    yield f"{operator} does not compare {key}, which is of the type {found}"
                    break


def _type_of(key: str, action: Action) -> str | None:
    service = action.name.partition(":")[0]
    known = reference.key_type(key, action.keys, service)
    if known is None and not key.lower().startswith(_LISTED_BY_SERVICE):
        known = reference.global_key_type(key)
    return known


def _fits(operator: str, kind: str) -> bool:
    """Whether an operator compares keys of a type, and is for many values where the key has many."""
    quantifier, _, name = operator.rpartition(":")
    if bool(quantifier) != kind.startswith("ArrayOf") and name != "Null":
        return False
    return name == "Null" or any(name.startswith(word) and kind in kinds for word, kinds in _OPERATORS.items())
