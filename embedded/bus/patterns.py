"""EventBridge's pattern language, whole: moto's knows only a part of it."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

_ABSENT = object()
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class PatternError(ValueError):
    """A pattern that EventBridge would refuse."""


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether every field of the pattern holds for the event; under `$or`, one of the patterns."""
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            if not any(matches(one, event) for one in wanted):
                return False
            continue
        present = isinstance(event, Mapping) and name in event
        value = event[name] if present else _ABSENT
        if isinstance(wanted, Mapping):
            # a pattern's object reaches into each object of an array
            places = value if isinstance(value, list) else [value]
            if not any(matches(wanted, place if isinstance(place, Mapping) else {}) for place in places):
                return False
        elif isinstance(wanted, list):
            if not any(_one_matches(rule, value) for rule in wanted):
                return False
        else:
            raise PatternError(f'Event pattern is not valid. Reason: "{name}" must be an object or an array')
    return True


def _one_matches(rule: Any, value: Any) -> bool:
    if isinstance(rule, Mapping) and "exists" in rule:
        return (value is not _ABSENT) == bool(rule["exists"])
    if value is _ABSENT:
        return False
    values = value if isinstance(value, list) else [value]
    if isinstance(rule, Mapping) and "anything-but" in rule:
        return all(not _is_one_of(rule["anything-but"], item) for item in values)
    return any(_holds(rule, item) for item in values)


def _is_one_of(excluded: Any, value: Any) -> bool:
    if isinstance(excluded, Mapping):
        (operator, operands), *_ = excluded.items()
        return any(_holds({operator: operand}, value) for operand in _listed(operands))
    return any(_holds(item, value) for item in _listed(excluded))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _holds(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return (type(rule) is type(value) and rule == value) or _equal_numbers(rule, value)
    (operator, operand), *_ = rule.items()
    test = _TESTS.get(operator)
    if test is None:
        raise PatternError(f"Event pattern is not valid. Reason: Unrecognized match type {operator}")
    return test(operand, value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal_numbers(rule: Any, value: Any) -> bool:
    return _number(rule) and _number(value) and rule == value


def _prefix(operand: Any, value: Any) -> bool:
    if isinstance(operand, Mapping):
        return isinstance(value, str) and value.lower().startswith(operand["equals-ignore-case"].lower())
    return isinstance(value, str) and value.startswith(operand)


def _suffix(operand: Any, value: Any) -> bool:
    if isinstance(operand, Mapping):
        return isinstance(value, str) and value.lower().endswith(operand["equals-ignore-case"].lower())
    return isinstance(value, str) and value.endswith(operand)


def _same_ignoring_case(operand: str, value: Any) -> bool:
    return isinstance(value, str) and value.lower() == operand.lower()


def _numeric(operand: list[Any], value: Any) -> bool:
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return _number(value) and all(_COMPARE[operator](value, bound) for operator, bound in pairs)


def _wildcard(operand: str, value: Any) -> bool:
    parts = re.split(r"(?<!\\)\*", operand)
    expression = ".*".join(re.escape(part.replace("\\*", "*").replace("\\\\", "\\")) for part in parts)
    return isinstance(value, str) and re.fullmatch(expression, value, re.DOTALL) is not None


def _cidr(operand: str, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _same_ignoring_case,
    "numeric": _numeric,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "anything-but": lambda operand, value: not _is_one_of(operand, value),
}
