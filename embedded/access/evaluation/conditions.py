"""The conditions of a statement, operator by operator."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded.access.evaluation.patterns import Context, filled, like, matches, text_of

Test = Callable[[str, str], bool]
_ARN_PARTS = 6
_SECONDS = re.compile(r"-?[0-9]{5,}(\.[0-9]+)?")
"""Four digits are a year."""


class _Incomparable(Exception):
    """Two things that an operator cannot compare: neither it nor its negation holds."""


def as_list(value: Any) -> list[Any]:
    """A policy's element as a list: policies write one thing without brackets."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context, *, variables: bool = True) -> bool:
    """Whether every condition holds."""
    folded = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, folded.get(key.lower()), [text_of(item) for item in as_list(expected)], context, variables)
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def _holds(operator: str, actual: Any, wanted: list[str], context: Context, variables: bool) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name == "Null":
        return any((actual is None) == (item.lower() == "true") for item in wanted)
    test = _TESTS.get(name)
    if test is None:
        raise ValueError(f"the embedded cloud cannot evaluate the condition operator {operator!r}")
    negated = "Not" in name
    values = [text_of(value) for value in as_list(actual)]
    if not values:
        # ForAnyValue asks for a value; all others are content with none where they only forbid some
        return if_exists or quantifier == "ForAllValues" or (negated and quantifier == "")

    def passes(value: str) -> bool:
        try:
            return negated != any(test(value, item, context, variables) for item in wanted)
        except _Incomparable:
            return False

    if quantifier == "ForAnyValue":
        return any(map(passes, values))
    # without a quantifier a key has one value; one of many is taken as a negation takes it
    return all(map(passes, values)) if quantifier or negated else any(map(passes, values))


def _exact(test: Test, *, variables: bool = True) -> Callable[[str, str, Context, bool], bool]:
    """A comparison with a text; a variable that the request does not tell equals nothing."""

    def compare(value: str, wanted: str, context: Context, known: bool) -> bool:
        if variables and known:
            text = filled(wanted, context)
            return text is not None and test(value, text)
        return test(value, wanted)

    return compare


def _like(value: str, wanted: str, context: Context, variables: bool) -> bool:
    return like(wanted, value, context, variables=variables)


def _arn_like(value: str, wanted: str, context: Context, variables: bool) -> bool:
    """Part by part: a sign of an ARN's part stands for nothing beyond it."""
    if "${" in wanted:
        return like(wanted, value, context, variables=variables)
    ours, theirs = value.split(":", _ARN_PARTS - 1), wanted.split(":", _ARN_PARTS - 1)
    if len(ours) < _ARN_PARTS or len(theirs) < _ARN_PARTS:
        raise _Incomparable
    return all(map(matches, theirs, ours))


def _number(compare: Callable[[float, float], bool]) -> Test:
    def test(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            raise _Incomparable from None

    return test


def _date(compare: Callable[[datetime, datetime], bool]) -> Test:
    def test(value: str, wanted: str) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except (ValueError, OverflowError):
            raise _Incomparable from None

    return test


def _moment(text: str) -> datetime:
    """A date as ISO 8601 writes it, or as seconds since 1970."""
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _address(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        raise _Incomparable from None


def _equal(value: str, wanted: str) -> bool:
    return value == wanted


def _equal_ignore_case(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


_NUMBERS: dict[str, Test] = {
    "Equals": _number(lambda a, b: a == b),
    "NotEquals": _number(lambda a, b: a == b),
    "LessThan": _number(lambda a, b: a < b),
    "LessThanEquals": _number(lambda a, b: a <= b),
    "GreaterThan": _number(lambda a, b: a > b),
    "GreaterThanEquals": _number(lambda a, b: a >= b),
}
_DATES: dict[str, Test] = {
    "Equals": _date(lambda a, b: a == b),
    "NotEquals": _date(lambda a, b: a == b),
    "LessThan": _date(lambda a, b: a < b),
    "LessThanEquals": _date(lambda a, b: a <= b),
    "GreaterThan": _date(lambda a, b: a > b),
    "GreaterThanEquals": _date(lambda a, b: a >= b),
}
_TESTS: dict[str, Callable[[str, str, Context, bool], bool]] = {
    "StringEquals": _exact(_equal),
    "StringNotEquals": _exact(_equal),
    "StringEqualsIgnoreCase": _exact(_equal_ignore_case),
    "StringNotEqualsIgnoreCase": _exact(_equal_ignore_case),
    "StringLike": _like,
    "StringNotLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "ArnNotEquals": _arn_like,
    "ArnNotLike": _arn_like,
    "BinaryEquals": _exact(_equal, variables=False),
    "Bool": _exact(_equal_ignore_case),
    **{f"Numeric{name}": _exact(test, variables=False) for name, test in _NUMBERS.items()},
    **{f"Date{name}": _exact(test, variables=False) for name, test in _DATES.items()},
    "IpAddress": _exact(_address, variables=False),
    "NotIpAddress": _exact(_address, variables=False),
}
"""A negation is the same comparison; what becomes of its answer is said above."""


def operators() -> list[str]:
    """The condition operators that are known; each also with IfExists, ForAllValues and ForAnyValue."""
    return sorted([*_TESTS, "Null"])
