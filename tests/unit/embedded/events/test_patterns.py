"""EventBridge's pattern language: what matches, and what is refused with which reason."""

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.patterns import PatternError, compile_pattern, matches

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
        "hosts": [{"name": "algo-1", "role": "master"}, {"name": "algo-2", "role": "worker"}],
        "nothing": [],
        "dotted.name": 1,
    },
}


@pytest.mark.parametrize(
    ("field", "rule", "expected"),
    [
        ("status", "Failed", True),
        ("status", "failed", False),
        ("status", {"exactly": "Failed"}, True),
        ("status", {"prefix": "Fa"}, True),
        ("status", {"prefix": {"equals-ignore-case": "fa"}}, True),
        ("status", {"suffix": "led"}, True),
        ("status", {"suffix": "Led"}, False),
        ("status", {"suffix": {"equals-ignore-case": "LED"}}, True),
        ("status", {"equals-ignore-case": "FAILED"}, True),
        ("status", {"wildcard": "F*e*"}, True),
        ("status", {"wildcard": "F*x*"}, False),
        ("status", {"wildcard": ""}, False),
        ("status", {"anything-but": "Failed"}, False),
        ("status", {"anything-but": ["Completed", "Stopped"]}, True),
        ("status", {"anything-but": 5}, True),
        ("status", {"anything-but": {"prefix": "Fa"}}, False),
        ("status", {"anything-but": {"suffix": ["x", "y"]}}, True),
        ("status", {"anything-but": {"wildcard": "F*"}}, False),
        ("status", {"anything-but": {"equals-ignore-case": ["FAILED", "x"]}}, False),
        ("status", {"exists": True}, True),
        ("status", {"exists": False}, False),
        ("absent", {"exists": False}, True),
        ("absent", {"exists": True}, False),
        ("absent", {"anything-but": "x"}, False),
        ("nothing", {"exists": True}, False),
        ("nothing", {"exists": False}, True),
        ("nothing", None, False),
        ("hosts", {"exists": True}, False),
        ("count", 5, True),
        ("count", 5.0, True),
        ("count", "5", False),
        ("count", {"anything-but": [5, 6]}, False),
        ("count", {"anything-but": {"prefix": "5"}}, True),
        ("count", {"numeric": [">", 1, "<=", 5]}, True),
        ("count", {"numeric": [">", 5]}, False),
        ("count", {"numeric": ["=", 5]}, True),
        ("ratio", {"numeric": ["<", 1]}, True),
        ("status", {"numeric": ["<", 1]}, False),
        ("none", {"numeric": ["<", 1]}, False),
        ("on", True, True),
        ("on", 1, False),
        ("none", None, True),
        ("none", "", False),
        ("none", {"anything-but": "x"}, True),
        ("empty", "", True),
        ("tags", "b", True),
        ("tags", "c", False),
        # each element is a value of its own: b is anything but a
        ("tags", {"anything-but": "a"}, True),
        ("tags", {"anything-but": ["a", "b"]}, False),
        ("address", {"cidr": "10.0.0.0/16"}, True),
        ("address", {"cidr": "10.1.0.0/16"}, False),
        ("address", {"cidr": "2001:db8::/32"}, False),
        ("status", {"cidr": "10.0.0.0/16"}, False),
    ],
)
def test_one_rule(field: str, rule: Any, expected: bool) -> None:
    assert matches({"detail": {field: [rule]}}, EVENT) is expected


def test_rules_of_a_field_are_alternatives_and_fields_are_not() -> None:
    assert matches({"detail": {"status": ["Completed", "Failed"], "count": [5]}}, EVENT)
    assert not matches({"detail": {"status": ["Failed"], "count": [6]}}, EVENT)


def test_or_takes_any_of_its_patterns_and_the_fields_beside_it_hold_for_each() -> None:
    either = {"$or": [{"source": ["x"]}, {"detail": {"count": [5]}}]}
    assert matches(either, EVENT)
    assert matches({**either, "detail": {"status": ["Failed"]}}, EVENT)
    assert not matches({**either, "detail": {"status": ["Stopped"]}}, EVENT)
    assert not matches({"$or": [{"source": ["x"]}, {"detail": {"count": [6]}}]}, EVENT)


def test_or_within_or() -> None:
    inner = {"$or": [{"count": [6]}, {"ratio": [{"numeric": ["<", 1]}]}]}
    assert matches({"detail": {"$or": [{"status": ["x"]}, inner]}}, EVENT)


def test_an_object_reaches_into_an_array() -> None:
    assert matches({"detail": {"hosts": {"name": ["algo-2"]}}}, EVENT)
    assert not matches({"detail": {"hosts": {"name": ["algo-3"]}}}, EVENT)


def test_fields_of_an_array_hold_for_the_same_element() -> None:
    assert matches({"detail": {"hosts": {"name": ["algo-2"], "role": ["worker"]}}}, EVENT)
    assert not matches({"detail": {"hosts": {"name": ["algo-2"], "role": ["master"]}}}, EVENT)


def test_a_field_may_be_absent_from_the_element_that_the_others_chose() -> None:
    event = {"items": [{"name": "a", "size": 1}, {"name": "b"}]}
    assert matches({"items": {"name": ["b"], "size": [{"exists": False}]}}, event)
    assert not matches({"items": {"name": ["a"], "size": [{"exists": False}]}}, event)


def test_an_absent_field_under_an_absent_object() -> None:
    assert matches({"detail": {"missing": {"inside": [{"exists": False}]}}}, EVENT)


def test_a_dot_in_a_name_and_one_between_names_are_the_same() -> None:
    assert matches({"detail": {"dotted": {"name": [1]}}}, EVENT)
    assert matches({"detail.status": ["Failed"]}, EVENT)
    assert not matches({"detail": {"status.status": {"status": ["Failed"]}}}, EVENT)


def test_an_escaped_star_is_a_star() -> None:
    event = {"name": r"a*b\c"}
    assert matches({"name": [{"wildcard": r"a\*b\\*"}]}, event)
    assert not matches({"name": [{"wildcard": r"a\*b\\*"}]}, {"name": r"axb\c"})


def test_the_last_of_two_equal_names_counts() -> None:
    assert matches('{"source": ["x"], "source": ["aws.sagemaker"]}', EVENT)


def test_many_alternatives_of_a_large_event_are_found_soon() -> None:
    event = {"detail": {"items": [{"id": number, "kind": f"k{number % 7}"} for number in range(400)]}}
    branches = [{"detail": {"items": {"id": [number], "kind": ["k-none"]}}} for number in range(60)]
    assert not matches({"$or": branches}, event)
    assert matches({"$or": [*branches, {"detail": {"items": {"id": [399], "kind": ["k0"]}}}]}, event)


REASONS = [
    ({"source": "aws.sagemaker"}, '"source" must be an object or an array'),
    ({"source": []}, "Empty arrays are not allowed"),
    ({"detail": {}}, "Empty objects are not allowed"),
    (["source"], "Filter is not an object"),
    ({"a": [["b"]]}, "Match value must be String, number, true, false, or null"),
    ({"a": [{"like": "x"}]}, "Unrecognized match type like"),
    ({"a": [{"EXISTS": True}]}, "Unrecognized match type EXISTS"),
    ({"a": [{"exists": "yes"}]}, "exists match pattern must be either true or false."),
    ({"a": [{"prefix": 1}]}, "prefix match pattern must be a string"),
    ({"a": [{"prefix": {"suffix": "x"}}]}, "Unsupported prefix pattern: suffix"),
    ({"a": [{"suffix": ["x"]}]}, "suffix match pattern must be a string"),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed in match expression"),
    ({"a": [{"equals-ignore-case": ["x"]}]}, "equals-ignore-case match pattern must be a string"),
    ({"a": [{"wildcard": 1}]}, "wildcard match pattern must be a string"),
    ({"a": [{"wildcard": "a**"}]}, "Consecutive wildcard characters at pos 2"),
    ({"a": [{"wildcard": "a\\b"}]}, "Invalid escape character at pos 2"),
    ({"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}, "Rule is too complex"),
    ({"a": [{"anything-but": None}]}, "Value of anything-but must be an array or single string/number value."),
    ({"a": [{"anything-but": [None]}]}, "Inside anything but list, start|null|boolean is not supported."),
    ({"a": [{"anything-but": ["x", 1]}]}, "Inside anything but list, either all values are number or string"),
    ({"a": [{"anything-but": {"cidr": "x"}}]}, "Unsupported anything-but pattern: cidr"),
    ({"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
    ({"a": [{"anything-but": {"suffix": [1]}}]}, "prefix/suffix match pattern must be a string"),
    ({"a": [{"anything-but": {"equals-ignore-case": 1}}]}, "Inside anything-but/equals-ignore-case list"),
    ({"a": [{"numeric": 1}]}, "Value of numeric must be an array."),
    ({"a": [{"numeric": [1]}]}, "Invalid member in numeric match: 1"),
    ({"a": [{"numeric": ["!", 1]}]}, "Unrecognized numeric range operator: !"),
    ({"a": [{"numeric": ["=", "1"]}]}, "Value of equals must be numeric"),
    ({"a": [{"numeric": ["<", 1, ">", 0]}]}, "Too many elements in numeric expression"),
    ({"a": [{"numeric": [">", 0, ">", 1]}]}, "Bad numeric range operator: >"),
    ({"a": [{"numeric": [">", 0, "<"]}]}, "Value of < must be numeric"),
    ({"a": [{"numeric": [">", 2, "<", 1]}]}, "Bottom must be less than top"),
    ({"a": [{"cidr": 1}]}, "prefix match pattern must be a string"),
    ({"a": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required"),
    ({"a": [{"cidr": "10.0.0.0/x"}]}, "Malformed CIDR, mask bits must be an integer"),
    ({"a": [{"cidr": "10.0.0.0/-1"}]}, "Malformed CIDR, mask bits must not be negative"),
    ({"a": [{"cidr": "10.0.0/8"}]}, "Nonstandard IP address: 10.0.0"),
    ({"a": [{"cidr": "10.0.0.0/32"}]}, "IPv4 mask bits must be < 32"),
    ({"$or": {"a": [1]}}, "It must be an Array followed with $or."),
    ({"$or": [{"a": [1]}]}, "There must have at least 2 Objects in $or relationship."),
    ({"$or": [{"a": [1]}, 2]}, "Only JSON object is allowed in array of $or relationship."),
    ({"$or": [{"a": [1]}, {"prefix": [1]}]}, "prefix is Ruler reserved fieldName which cannot be used inside $or."),
]


@pytest.mark.parametrize(("pattern", "reason"), REASONS, ids=[reason for _, reason in REASONS])
def test_what_is_no_pattern(pattern: Any, reason: str) -> None:
    with pytest.raises(PatternError) as refused:
        compile_pattern(json.dumps(pattern))
    assert str(refused.value).startswith(f"Event pattern is not valid. Reason: {reason}")


@pytest.mark.parametrize(
    ("text", "reason", "column"),
    [
        ('{"a": 42}', '"a" must be an object or an array', 9),
        ('{"a": "xy"}', '"a" must be an object or an array', 8),
        ('{"a": []}', "Empty arrays are not allowed", 9),
        ("{'a': [1]}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 3),
        ("wrong", "Unrecognized token 'wrong'", 6),
        ('{"a": [1}', "Unexpected character ('}' (code 125)): was expecting comma to separate Array entries", 10),
        ('{"a": [1]', "Unexpected end-of-input", 10),
    ],
)
def test_a_reason_says_where(text: str, reason: str, column: int) -> None:
    with pytest.raises(PatternError) as refused:
        compile_pattern(text)
    assert reason in str(refused.value)
    assert str(refused.value).endswith(f'at [Source: (String)"{text}"; line: 1, column: {column}]')


NAMES = st.text("abc.", min_size=1, max_size=3)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9), st.text("ab*\\é\n", max_size=5)
)
EVENTS = st.dictionaries(
    NAMES,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)


def leaves(value: Any) -> dict[str, list[Any]]:
    """Every scalar of an event by its dotted path."""
    found: dict[str, list[Any]] = {}

    def walk(path: list[str], item: Any) -> None:
        if isinstance(item, dict):
            for name, inner in item.items():
                walk([*path, name], inner)
        elif isinstance(item, list):
            for inner in item:
                walk(path, inner)
        else:
            found.setdefault(".".join(path), []).append(item)

    walk([], value)
    return found


@given(EVENTS)
def test_every_value_of_an_event_matches_itself_and_exists(event: dict[str, Any]) -> None:
    for path, values in leaves(event).items():
        assert matches({path: values}, event)
        assert matches({path: [{"exists": True}]}, event)
        assert not matches({path: [{"exists": False}]}, event)


@given(EVENTS, st.text("ab*", max_size=3))
def test_anything_but_a_text_holds_where_some_value_is_another(event: dict[str, Any], excluded: str) -> None:
    for path, values in leaves(event).items():
        expected = any(value != excluded for value in values)
        assert matches({path: [{"anything-but": excluded}]}, event) is expected


@given(st.text("ab*\\", max_size=8), st.text("ab*\\", max_size=4), st.text("ab*\\", max_size=4))
def test_an_escaped_text_with_a_star_is_prefix_and_suffix(middle: str, start: str, end: str) -> None:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("*", "\\*")

    pattern = f"{escaped(start)}*{escaped(end)}"
    assert matches({"a": [{"wildcard": pattern}]}, {"a": start + middle + end})
    expected = middle.startswith(start) and middle.endswith(end) and len(middle) >= len(start) + len(end)
    assert matches({"a": [{"wildcard": pattern}]}, {"a": middle}) is expected


@given(st.integers(0, 2**32 - 1), st.integers(0, 31), st.integers(0, 2**32 - 1))
def test_cidr_holds_for_the_addresses_with_the_same_first_bits(base: int, bits: int, other: int) -> None:
    block = f"{ipaddress.ip_address(base)}/{bits}"
    same = base >> (32 - bits) == other >> (32 - bits)
    assert matches({"a": [{"cidr": block}]}, {"a": str(ipaddress.ip_address(other))}) is same


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        compile_pattern(text)
    except PatternError as refused:
        assert str(refused).startswith("Event pattern is not valid. Reason: ")
