"""EventBridge's pattern language."""

from typing import Any

import pytest

from embedded.bus.patterns import PatternError, matches

EVENT = {
    "source": "aws.sagemaker",
    "detail": {
        "status": "Failed",
        "count": 5,
        "ratio": 0.5,
        "tags": ["a", "b"],
        "none": None,
        "empty": "",
        "on": True,
        "address": "10.0.3.4",
        "hosts": [{"name": "algo-1"}, {"name": "algo-2"}],
    },
}


@pytest.mark.parametrize(
    ("field", "rule", "expected"),
    [
        ("status", "Failed", True),
        ("status", "failed", False),
        ("status", {"prefix": "Fa"}, True),
        ("status", {"prefix": {"equals-ignore-case": "fa"}}, True),
        ("status", {"suffix": "led"}, True),
        ("status", {"suffix": "Led"}, False),
        ("status", {"equals-ignore-case": "FAILED"}, True),
        ("status", {"wildcard": "F*e*"}, True),
        ("status", {"wildcard": "F*x*"}, False),
        ("status", {"anything-but": "Failed"}, False),
        ("status", {"anything-but": ["Completed", "Stopped"]}, True),
        ("status", {"anything-but": {"prefix": "Fa"}}, False),
        ("status", {"anything-but": {"suffix": ["x", "y"]}}, True),
        ("status", {"anything-but": {"wildcard": "F*"}}, False),
        ("status", {"exists": True}, True),
        ("status", {"exists": False}, False),
        ("absent", {"exists": False}, True),
        ("absent", {"exists": True}, False),
        ("absent", {"anything-but": "x"}, False),
        ("count", 5, True),
        ("count", 5.0, True),
        ("count", "5", False),
        ("count", {"numeric": [">", 1, "<=", 5]}, True),
        ("count", {"numeric": [">", 5]}, False),
        ("count", {"numeric": ["=", 5]}, True),
        ("ratio", {"numeric": ["<", 1]}, True),
        ("status", {"numeric": ["<", 1]}, False),
        ("on", True, True),
        ("on", 1, False),
        ("none", None, True),
        ("none", "", False),
        ("empty", "", True),
        ("tags", "b", True),
        ("tags", "c", False),
        ("tags", {"anything-but": "a"}, False),
        ("address", {"cidr": "10.0.0.0/16"}, True),
        ("address", {"cidr": "10.1.0.0/16"}, False),
    ],
)
def test_one_rule(field: str, rule: Any, expected: bool) -> None:
    assert matches({"detail": {field: [rule]}}, EVENT) is expected


def test_rules_of_a_field_are_alternatives_and_fields_are_not() -> None:
    assert matches({"detail": {"status": ["Completed", "Failed"], "count": [5]}}, EVENT)
    assert not matches({"detail": {"status": ["Failed"], "count": [6]}}, EVENT)


def test_or_takes_any_of_its_patterns() -> None:
    assert matches({"$or": [{"source": ["x"]}, {"detail": {"count": [5]}}]}, EVENT)
    assert not matches({"$or": [{"source": ["x"]}, {"detail": {"count": [6]}}]}, EVENT)


def test_an_object_reaches_into_an_array() -> None:
    assert matches({"detail": {"hosts": {"name": ["algo-2"]}}}, EVENT)
    assert not matches({"detail": {"hosts": {"name": ["algo-3"]}}}, EVENT)


def test_an_absent_field_under_an_absent_object() -> None:
    assert matches({"detail": {"nothing": {"inside": [{"exists": False}]}}}, EVENT)


@pytest.mark.parametrize("pattern", [{"source": "aws.sagemaker"}, {"source": [{"like": "aws"}]}])
def test_what_is_no_pattern(pattern: dict[str, Any]) -> None:
    with pytest.raises(PatternError):
        matches(pattern, EVENT)
