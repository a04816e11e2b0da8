"""One request for each action and resource that a policy names: the one that its author had in mind."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.iam import authorization, reference
from checks.iam.filled import Policy
from checks.rules.model import as_list
from embedded.access.evaluation.decision import Question

ACCOUNT = "123456789012"
_HANDS_ON = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/one"


def requests_of(policy: Policy) -> Iterator[tuple[str, Question]]:
    """Each request that an identity's policy is there for, with the whole policy."""
    if any("Principal" in statement for statement in policy.statements):
        return
    document = {"Version": "2012-10-17", "Statement": list(policy.statements)}
    for statement in policy.statements:
        for action in as_list(statement.get("Action")):
            for resource in as_list(statement.get("Resource")):
                arn = _asked_on(action, resource) if statement["Effect"] == "Allow" and "*" not in action else None
                if arn is not None:
                    yield f"{action} on {resource}", _question(action, arn, statement, document)


def _asked_on(action: str, pattern: str) -> str | None:
    """A resource that a pattern matches and that the action is asked on, in the reference's words; None if none is."""
    if pattern == "*":
        return "*"
    known = reference.action(action)
    assert known is not None
    # a log group's pattern may mean its streams
    for arn in (_one_of(pattern), _one_of(pattern.removesuffix(":*") + ":log-stream:*")):
        if any(authorization.overlap(on.type.arns[0], arn) for on in known.on):
            return arn
    return None


def _question(action: str, arn: str, statement: Mapping[str, Any], document: Mapping[str, Any]) -> Question:
    # what the caller's side allows is asked; a key's side hands the decision on, as a new key does
    handed_on = {"Version": "2012-10-17", "Statement": [{**_HANDS_ON, "Principal": {"AWS": ACCOUNT}}]}
    is_key = action.startswith("kms:")
    return Question(
        action=action,
        resource=arn,
        context=_context(statement.get("Condition", {})),
        principal=SESSION,
        account=ACCOUNT,
        owner=ACCOUNT,
        identity=[document],
        resource_policy=handed_on if is_key else None,
        policy_decides=is_key,
    )


def _context(conditions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A context in which the conditions hold."""
    found: dict[str, Any] = {}
    for operator, keys in conditions.items():
        if operator not in _HELD_BY_ITS_VALUE:
            raise ValueError(f"say how {operator} is made to hold")
        for key, wanted in keys.items():
            said = str(as_list(wanted)[0])
            variable = _VARIABLE.fullmatch(said)
            if variable is not None:
                found[variable[1]] = said = "x1"
            found[key] = _one_of(said)
    return found


_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_HELD_BY_ITS_VALUE = ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool")


def _one_of(pattern: str) -> str:
    """A text that a pattern matches."""
    return pattern.replace("*", "x1").replace("?", "1")
