"""Policy documents and the comparison of templates with answers, without a cloud."""

from typing import Any

import pytest

from embedded.access.evaluation.policies import conditions_hold, matches, names_principal, speaks_of, trusts
from embedded.comparison import differences


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("arn:aws:s3:::a/*", "arn:aws:s3:::a/b/c", True),
        ("arn:aws:s3:::a", "arn:aws:s3:::ab", False),
        ("a?c", "abc", True),
        ("a[b]c", "a[b]c", True),
        ("a[b]c", "abc", False),
    ],
)
def test_wildcards(pattern: str, value: str, expected: bool) -> None:
    assert matches(pattern, value) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": ["1", "2"]}}, True),
        ({"StringEquals": {"AWS:principalaccount": "2"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "3"}}, False),
        ({"StringNotEquals": {"aws:PrincipalAccount": ["1", "3"]}}, True),
        ({"StringNotEquals": {"not:told": "3"}}, True),
        ({"StringEquals": {"not:told": "3"}}, False),
        ({"StringEqualsIfExists": {"not:told": "3"}}, True),
        ({"Null": {"not:told": "true"}}, True),
        ({"Null": {"aws:PrincipalAccount": "true"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"NumericLessThan": {"n": "10"}}, True),
        ({"NumericLessThan": {"n": "9"}}, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, False),
        ({"ForAnyValue:StringLike": {"aws:TagKeys": "b*"}}, True),
        ({"StringEquals": {"aws:username": "${aws:username}"}}, True),
        ({"StringEquals": {"aws:username": "me"}, "Bool": {"aws:SecureTransport": "false"}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], expected: bool) -> None:
    context = {
        "aws:PrincipalAccount": "2",
        "aws:SecureTransport": True,
        "aws:SourceIp": "127.0.0.1",
        "aws:TagKeys": ["a", "b"],
        "aws:username": "me",
        "n": 9,
    }
    assert conditions_hold(condition, context) is expected


def test_an_operator_that_is_not_known_is_named_and_not_taken_as_true() -> None:
    with pytest.raises(ValueError, match="BinaryUnlike"):
        conditions_hold({"BinaryUnlike": {"a": "b"}}, {"a": "b"})


def test_not_action_and_not_resource() -> None:
    statement = {"NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}
    assert speaks_of(statement, "s3:GetObject", ["arn:aws:s3:::open/a"], {})
    assert not speaks_of(statement, "s3:GetObject", ["arn:aws:s3:::secret/a"], {})
    assert not speaks_of(statement, "iam:GetRole", ["arn:aws:s3:::open/a"], {})


SESSION = "arn:aws:sts::123456789012:assumed-role/worker/session"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, True),
        ({"AWS": "arn:aws:iam::123456789012:role/a/path/worker"}, True),
        ({"AWS": ["arn:aws:iam::123456789012:role/other", SESSION]}, True),
        ({"AWS": "arn:aws:iam::999999999999:root"}, False),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, False),
        ({"Service": "lambda.amazonaws.com"}, False),
    ],
)
def test_principals(principal: Any, expected: bool) -> None:
    assert names_principal({"Principal": principal}, {"AWS": SESSION}) is expected


def test_to_allow_an_account_hands_the_decision_on() -> None:
    statement = {"Principal": {"AWS": "123456789012"}}
    assert not names_principal(statement, {"AWS": SESSION}, through_account=False)


def test_a_trust_policy_for_a_service() -> None:
    document = {
        "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    }
    assert trusts(document, {"Service": "lambda.amazonaws.com"}, {})
    assert not trusts(document, {"Service": "states.amazonaws.com"}, {})


@pytest.mark.parametrize(
    ("wanted", "answered"),
    [
        ({"A": "1"}, {"A": 1, "Extra": 2}),
        ({"A": True}, {"a": "true"}),
        ({"A": [{"K": 1}, {"K": 2}]}, {"A": [{"K": 2}, {"K": 1}]}),
        ({"P": {"Statement": [{"Action": "s3:*"}]}}, {"P": '{"Statement": [{"Action": ["s3:*"]}]}'}),
        ({"A": False, "B": [], "C": ""}, {}),
    ],
)
def test_the_same_in_another_spelling_is_no_difference(wanted: Any, answered: Any) -> None:
    assert list(differences(wanted, answered)) == []


@pytest.mark.parametrize(
    ("wanted", "answered", "path"),
    [
        ({"A": {"B": 1}}, {"A": {"B": 2}}, "A.B"),
        ({"A": {"B": 1}}, {}, "A"),
        ({"A": [1, 2]}, {"A": [1]}, "A"),
        ({"A": [{"B": 1}]}, {"A": [{"B": 2}]}, "A[0]"),
        ({"A": True}, {"A": False}, "A"),
        ({"A": True}, {}, "A"),
        ({"A": ["x", "x"]}, {"A": ["x", "y"]}, "A[1]"),
    ],
)
def test_a_difference_is_named(wanted: Any, answered: Any, path: str) -> None:
    assert [item[0] for item in differences(wanted, answered)] == [path]
