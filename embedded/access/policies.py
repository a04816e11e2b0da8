"""Policy documents: does a statement speak of this action, this resource, this caller and these conditions?"""

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

Context = Mapping[str, Any]
"""What the request tells: condition keys with their values, a string or a list of strings."""

_VARIABLE = re.compile(r"\$\{([^}]+)\}")


def as_list(value: Any) -> list[Any]:
    """A policy's element as a list: policies write one thing without brackets."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


@lru_cache(maxsize=8192)
def _pattern(text: str, ignore_case: bool) -> re.Pattern[str]:
    # fnmatch would read [..] as a set; policies know only * and ?
    escaped = fnmatch.translate(text.replace("[", "[[]"))
    return re.compile(escaped, re.IGNORECASE if ignore_case else 0)


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """A policy's wildcard match: `*` is any text, `?` any one character."""
    return _pattern(pattern, ignore_case).match(value) is not None


def speaks_of(statement: Mapping[str, Any], action: str, resources: Iterable[str], context: Context) -> bool:
    """Whether the statement is about this action on all of these resources under these conditions."""
    if "NotAction" in statement:
        if any(matches(item, action, ignore_case=True) for item in as_list(statement["NotAction"])):
            return False
    elif not any(matches(item, action, ignore_case=True) for item in as_list(statement.get("Action"))):
        return False
    if not _resources_match(statement, resources, context):
        return False
    return conditions_hold(statement.get("Condition", {}), context)


def _resources_match(statement: Mapping[str, Any], resources: Iterable[str], context: Context) -> bool:
    if "Resource" in statement:
        patterns = [_filled(item, context) for item in as_list(statement["Resource"])]
        return all(any(matches(pattern, resource) for pattern in patterns) for resource in resources)
    if "NotResource" in statement:
        patterns = [_filled(item, context) for item in as_list(statement["NotResource"])]
        return not any(matches(pattern, resource) for pattern in patterns for resource in resources)
    return True


def _filled(text: str, context: Context) -> str:
    """Put the request's values in place of policy variables such as ${aws:username}."""
    return _VARIABLE.sub(lambda match: str(context.get(match[1], match[0])), text)


def conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether every condition holds; a key that the request does not tell fails, except for IfExists and negations."""
    folded = {key.lower(): value for key, value in context.items()}
    for operator, keys in conditions.items():
        for key, expected in keys.items():
            wanted = [_filled(str(item), context) for item in as_list(expected)]
            if not _condition_holds(operator, folded.get(key.lower()), wanted):
                return False
    return True


def _condition_holds(operator: str, actual: Any, wanted: list[str]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name == "Null":
        return (actual is None) == (wanted[0].lower() == "true")
    test = _TESTS.get(name)
    if test is None:
        raise ValueError(f"the embedded cloud cannot evaluate the condition operator {operator!r}")
    negated = "Not" in name
    if actual is None:
        return if_exists or negated or quantifier == "ForAllValues"
    values = [_text(value) for value in as_list(actual)]
    if negated:
        return all(not test(value, item) for value in values for item in wanted)
    if quantifier == "ForAllValues":
        return all(any(test(value, item) for item in wanted) for value in values)
    return any(test(value, item) for value in values for item in wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equal(value: str, wanted: str) -> bool:
    return value == wanted


def _equal_ignore_case(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


def _like(value: str, wanted: str) -> bool:
    return matches(wanted, value)


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


def _address(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringNotEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignore_case,
    "StringNotEqualsIgnoreCase": _equal_ignore_case,
    "StringLike": _like,
    "StringNotLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "ArnNotEquals": _like,
    "ArnNotLike": _like,
    "Bool": _equal_ignore_case,
    "NumericEquals": _numeric(lambda a, b: a == b),
    "NumericNotEquals": _numeric(lambda a, b: a == b),
    "NumericLessThan": _numeric(lambda a, b: a < b),
    "NumericLessThanEquals": _numeric(lambda a, b: a <= b),
    "NumericGreaterThan": _numeric(lambda a, b: a > b),
    "NumericGreaterThanEquals": _numeric(lambda a, b: a >= b),
    "DateLessThan": lambda value, wanted: value < wanted,
    "DateGreaterThan": lambda value, wanted: value > wanted,
    "IpAddress": _address,
    "NotIpAddress": _address,
}


def operators() -> list[str]:
    """The condition operators that are known; each also with IfExists, ForAllValues and ForAnyValue."""
    return sorted([*_TESTS, "Null"])


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


def trusts(document: Mapping[str, Any], principal: Mapping[str, str], context: Context) -> bool:
    """Whether a role's trust policy lets this caller assume the role."""
    allowed = False
    for statement in as_list(document.get("Statement")):
        if not names_principal(statement, principal):
            continue
        if not any(matches(item, "sts:AssumeRole", ignore_case=True) for item in as_list(statement.get("Action"))):
            continue
        # a service's own conditions (aws:SourceAccount, aws:SourceArn) are its to send: taken as sent rightly
        conditions = {} if "Service" in principal else statement.get("Condition", {})
        if conditions_hold(conditions, context):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed
